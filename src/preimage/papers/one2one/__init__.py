"""The experiments of the self-inverse network for bidirectional translation (2019)."""
