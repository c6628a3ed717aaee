"""The command line: `preimage invert`, `fit`, `score`, `methods` and `info`."""

from preimage.cli.app import app, main

__all__ = ["app", "main"]
