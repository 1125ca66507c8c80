"""Writing the ledger: `posting.post` for drafts, `bearing` for decisions, `anchoring` for blocks."""
