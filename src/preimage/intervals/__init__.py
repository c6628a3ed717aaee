"""Numerics of proof: what a function does on a whole box, with every rounding error counted."""
