"""What happens to questions: asking, answering, accepting, and the timers."""
