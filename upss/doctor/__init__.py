"""The doctor: checks that hold the books against the rows of the product, on the live database."""
