"""The off-peak engine tried out on an invented site, by the very rules that the product runs."""
