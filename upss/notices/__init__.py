"""Which event tells whom what, by mail."""
