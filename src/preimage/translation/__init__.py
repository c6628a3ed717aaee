"""One network for both directions between two kinds of images."""
