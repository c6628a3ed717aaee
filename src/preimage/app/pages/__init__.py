"""What is shown: one file a tab, the figure that is dragged, and the frame around them."""
