"""Ren, Padilla, Malof, Benchmarking deep inverse models over time, 2020."""
