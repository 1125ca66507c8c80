"""Pure rules: standard library, kernel and rules of packages below."""
