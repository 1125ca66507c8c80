"""Reading: the examination itself, and what the page of the self-checks shows."""
