"""What the organizer sets: prices, split rule, topics."""
