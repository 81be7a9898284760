"""Bytes that may only grow: entries, parts, proofs, stores. Knows no domain."""
