"""The organizer's audit pages."""
