"""Questions, claims and answers."""
