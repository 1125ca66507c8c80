"""Measurements: what the product does beside the limit of its own ground and beside its peers."""
