"""Each paper that preimage implements: its experiments, and its published numbers beside ours."""
