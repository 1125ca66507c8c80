"""Pure rules about who is told what."""
