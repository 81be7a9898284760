"""The outside world: PostgreSQL server, keys on disk, files of other tools."""
