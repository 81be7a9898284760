"""What the writer needs of the key vault. Each write is durable when it returns: entries that name the key follow."""

from typing import Protocol


class Keys(Protocol):
    """The keys this installation holds."""

    def new_key(self, space: bytes, subject: bytes = b"") -> bytes:
        """A fresh key for a subject, or for an epoch; its id."""

    def get(self, key_id: bytes) -> bytes | None:
        """The key, 32 bytes; None when it is not held."""

    def keys_of(self, space: bytes, subject: bytes | None = b"") -> tuple[bytes, ...]:
        """Ids of a subject's keys, sorted."""

    def put_log(self, log: bytes, space: bytes, seed: bytes) -> None:
        """Keep the seed of a log's own signing key."""

    def log_seed(self, log: bytes) -> bytes | None:
        """The seed of one of our logs."""

    def logs_of(self, space: bytes) -> tuple[bytes, ...]:
        """Our logs in a space."""

    def erase(self, key_ids: "list[bytes]") -> tuple[bytes, ...]:
        """Destroy keys for good."""
