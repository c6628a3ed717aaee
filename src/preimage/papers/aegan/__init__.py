"""AEGAN: inverting an image generator (Luo, Xu, Tang and Lv, 2017), run again."""
