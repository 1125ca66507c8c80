"""The money as it was: accounts, entries, postings and seals, appended and never changed."""
