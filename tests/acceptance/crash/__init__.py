"""Workers that die at every boundary of every delivery, and what is left in the store compared with a quiet run."""
