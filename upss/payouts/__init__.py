"""Money out: runs that one organizer prepares and another approves."""
