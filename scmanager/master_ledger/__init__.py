"""The author's ledger: which keys he has, what they sign, and how anybody checks it without a network (ADR 18)."""
