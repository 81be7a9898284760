"""SC Manager: organisations, fleets and operations as signed, Merkle-chained events."""

__version__ = "0.1.0"
