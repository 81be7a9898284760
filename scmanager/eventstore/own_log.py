"""The writing end of a log: seals what was decided, chains it, grows the tree, signs the new head.

Exactly one of these lives for a log, in one process (DESIGN 1). Nothing it makes may leave the process before the
store's COMMIT returned; if the commit fails, the log is opened anew from the store.
"""

from collections.abc import Sequence
from os import urandom

import msgspec

from scmanager.eventstore import checkpoint, entry, merkle, parts
from scmanager.eventstore.entry import Dep, Entry, Genesis, Links
from scmanager.eventstore.signing import SigningKey


class Secret(msgspec.Struct, frozen=True):
    """A key and its id. The id is what an entry shows."""

    id: bytes
    key: bytes

    @classmethod
    def of(cls, key: bytes) -> "Secret":
        """From the 32 bytes of the key alone."""
        return cls(parts.key_id(key), key)


class Draft(msgspec.Struct, frozen=True):
    """What one entry will say, before it is sealed."""

    shared: bytes
    """Part 0, in its one spelling (content.encode)."""
    key: Secret | None
    """The space's key of the day; None in a public log."""
    personal: tuple[tuple[Secret, bytes], ...] = ()
    """Parts 1 to 15: each with its subject's or document's key."""
    deps: tuple[Dep, ...] = ()


class Sealed(msgspec.Struct, frozen=True):
    """An entry with the stored bytes of its parts."""

    entry: Entry
    parts: tuple[bytes, ...]


class Head(msgspec.Struct, frozen=True):
    """Where a branch of a log ends: all that is needed to go on, or to check what follows."""

    space: bytes
    log: bytes
    public: bytes
    branch: int
    size: int
    id: bytes
    """The last entry's id, 64 bytes."""
    hlc: int
    tree: bytes
    """The compact range over all leaves."""


class Batch(msgspec.Struct, frozen=True):
    """One commit: entries that continue a head, and the signed note over the tree they make."""

    head: Head
    sealed: tuple[Sealed, ...]
    root: bytes
    signature: bytes


class OwnLog:
    """A log this process writes. Not thread-safe: the one writer owns it."""

    def __init__(self, head: Head, key: SigningKey) -> None:
        if key.public != head.public:
            raise ValueError("this key does not write this log")
        self._key = key
        self._take(head)

    @classmethod
    def found(cls, genesis: Genesis, key: SigningKey, hlc: int) -> tuple["OwnLog", Batch]:
        """A new log and its first commit: entry 0 alone. `genesis.key` is the key's public half."""
        first = entry.found(genesis, hlc)
        nothing = Head(first.space, first.log, key.public, 0, 0, entry.ZERO_ID, 0, merkle.CompactRange().to_bytes())
        log = cls(nothing, key)
        return log, log._commit([Sealed(first, ())])

    @property
    def head(self) -> Head:
        """The newest head, committed or about to be."""
        return self._head

    def extend(self, drafts: Sequence[Draft], hlc: int) -> Batch:
        """Seal drafts into one commit. `hlc` is the first entry's; each further one is one later."""
        if hlc <= self._head.hlc:
            raise ValueError("hlc strictly rises in a log")
        sealed: list[Sealed] = []
        prev = self._head.id
        for offset, draft in enumerate(drafts):
            one = self._seal(draft, self._head.size + offset, hlc + offset, prev)
            prev = one.entry.id
            sealed.append(one)
        return self._commit(sealed)

    def back_to(self, head: Head) -> None:
        """Forget what was not committed."""
        self._take(head)

    def _take(self, head: Head) -> None:
        self._head = head
        self._tree = merkle.CompactRange.from_bytes(head.tree)

    def _seal(self, draft: Draft, seq: int, hlc: int, prev: bytes) -> Sealed:
        plains = ((draft.key, draft.shared), *draft.personal)
        stored = []
        refs = []
        for number, (secret, plain) in enumerate(plains):
            if secret is None:
                stored.append(plain)
                refs.append(parts.refer(plain))
            else:
                box = parts.seal(secret.key, self._key.public, seq, number, urandom(parts.SALT_BYTES), plain)
                stored.append(box)
                refs.append(parts.refer(box, secret.id))
        data = entry.encode(self._head.log, seq, hlc, prev, Links(draft.deps, tuple(refs)))
        return Sealed(Entry(data, self._head.log, seq, hlc, prev, draft.deps, tuple(refs)), tuple(stored))

    def _commit(self, sealed: Sequence[Sealed]) -> Batch:
        self._tree.extend([merkle.leaf_hash(one.entry.data) for one in sealed])
        last = sealed[-1].entry
        root = self._tree.root()
        head = msgspec.structs.replace(
            self._head, size=self._tree.size, id=last.id, hlc=last.hlc, tree=self._tree.to_bytes()
        )
        point = checkpoint.Checkpoint(checkpoint.origin(head.space, head.log), head.size, root)
        self._head = head
        return Batch(head, tuple(sealed), root, self._key.sign(point.text().encode()))
