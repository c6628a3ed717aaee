"""Numerics of inversion: starts, polish, distinct answers, branches along a path."""
