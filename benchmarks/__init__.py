"""Measurements of preimage; `make bench` runs them and writes the tables in `results/`."""
