"""Writing the ledger: `posting.post` for every draft, and `bearing` where balances decide."""
