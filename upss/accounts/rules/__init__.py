"""Pure rules about people and signing in."""
