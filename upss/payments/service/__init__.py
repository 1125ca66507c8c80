"""Money in, money back, and the provider's events."""
