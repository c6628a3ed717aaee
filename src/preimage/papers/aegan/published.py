"""The figures that are printed in the paper."""

RECONSTRUCTION = {"aegan": 0.8266, "direct": 0.7944, "bigan": 0.6594}
"""Table 1: similarity of dHash between generated images and their reconstructions."""

AGREEMENT = {"aegan": 0.7918, "dhash": 0.7483}
"""Table 2: agreement of the 40 labels of CelebA between 64 images and those found."""
