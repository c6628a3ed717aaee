"""A local page to play with: curves, arms, verdicts, images; started by `preimage app`."""
