"""Keys as the writer needs them: made in memory while it decides, kept durably before the commit that names them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from scmanager.eventstore.parts import bound_key, key_id


class Keys(Protocol):
    """The vault. Each write is durable when it returns."""

    def get(self, key_id: bytes) -> bytes | None:
        """The key, 32 bytes; None when it is not held."""

    def held(self, key_id: bytes) -> tuple[bytes, bytes] | None:
        """Whose key it is (empty: an epoch's), and the key; None when it is not held."""

    def keys_of(self, space: bytes, subject: bytes | None = b"") -> tuple[bytes, ...]:
        """Ids of a subject's keys, of the epochs (empty subject), or of the whole space (None), sorted."""

    def subjects(self, space: bytes) -> Mapping[bytes, bytes]:
        """Every key held of a space, by its id: whose it is (empty: an epoch's)."""

    def is_erased(self, key_id: bytes) -> bool:
        """Whether it was destroyed here."""

    def put_new(self, space: bytes, made: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep fresh keys, as (subject, secret), in one commit."""

    def put_log(self, log: bytes, space: bytes, seed: bytes) -> None:
        """Keep the seed of a log's own signing key."""

    def log_seed(self, log: bytes) -> bytes | None:
        """The seed of one of our logs."""

    def logs_of(self, space: bytes) -> tuple[bytes, ...]:
        """Our logs in a space."""

    def erase(self, key_ids: Iterable[bytes]) -> tuple[bytes, ...]:
        """Destroy keys for good; the ids that were held."""


def shared_key_of(vault: Keys) -> Callable[[bytes], bytes | None]:
    """The keys that open what is said to a whole space: its own.

    Under a person's key it would go, for everybody, with that person's erasure; so it is read by nobody.
    """

    def key(key_id: bytes) -> bytes | None:
        subject, found = vault.held(key_id) or (b"", None)
        return None if subject else found

    return key


class FreshKey(msgspec.Struct, frozen=True):
    """A key made for a batch that is not committed yet."""

    subject: bytes
    secret: bytes
    key: bytes


class FreshKeys:
    """The keys of one space as a batch sees them: those in the vault, and those it has made itself."""

    def __init__(self, space: bytes, vault: Keys, entropy: Callable[[int], bytes]) -> None:
        self._space, self._vault, self._entropy = space, vault, entropy
        self._fresh: dict[bytes, FreshKey] = {}

    def new(self, subject: bytes = b"") -> bytes:
        """A random key; its id."""
        secret = self._entropy(32)
        key = bound_key(self._space, subject, secret)
        self._fresh[key_id(key)] = FreshKey(subject, secret, key)
        return key_id(key)

    @property
    def made(self) -> int:
        """How many keys wait for the commit: also the mark for `undo_to`."""
        return len(self._fresh)

    def is_fresh(self, key_id: bytes) -> bool:
        """Whether this batch made it."""
        return key_id in self._fresh

    def undo_to(self, mark: int) -> None:
        """Forget what was made since `made` had this value."""
        for each in list(self._fresh)[mark:]:
            del self._fresh[each]

    def get(self, wanted: bytes) -> bytes | None:
        """A key by its id."""
        fresh = self._fresh.get(wanted)
        return fresh.key if fresh else self._vault.get(wanted)

    def all_of(self, subject: bytes) -> tuple[bytes, ...]:
        """The ids of all keys of this subject."""
        fresh = (each for each, held in self._fresh.items() if held.subject == subject)
        return (*fresh, *self._vault.keys_of(self._space, subject))

    def held(self, key_id: bytes) -> tuple[bytes, bytes] | None:
        """Whose key it is (empty: an epoch's), and the key; None when it is not held."""
        fresh = self._fresh.get(key_id)
        return (fresh.subject, fresh.key) if fresh else self._vault.held(key_id)

    @property
    def own_logs(self) -> tuple[bytes, ...]:
        """The logs that this installation wrote in the space."""
        return self._vault.logs_of(self._space)

    def keep(self) -> None:
        """Put what was made into the vault: before the entries that name it are committed."""
        if self._fresh:
            self._vault.put_new(self._space, [(held.subject, held.secret) for held in self._fresh.values()])
            self._fresh.clear()
