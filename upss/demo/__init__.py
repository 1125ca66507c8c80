"""The demo: a small marketplace with invented people, run on one machine."""
