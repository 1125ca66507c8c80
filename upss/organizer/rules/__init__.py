"""What the organizer's pages work out by themselves: of which peak it is known where it comes from."""
