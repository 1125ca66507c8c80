"""What the organizer's pages read: the audit of the money, and what waits for a person."""
