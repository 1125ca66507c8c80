"""UPSS, a paid question-and-answer forum that pays the people who answer."""

__version__ = "0.1.0"
