"""Adjustments of the books: one organizer proposes, another approves, one entry is posted."""
