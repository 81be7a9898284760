"""Read models against a real PostgreSQL."""
