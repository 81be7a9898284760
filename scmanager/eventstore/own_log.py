"""The writing end of a log: seals what was decided, chains it, grows the tree, signs the new head.

Exactly one of these lives for a log, in one process (DESIGN 1). Nothing it makes may leave the process before the
store's COMMIT returned; if the commit fails, the log is opened anew from the store.
"""

from collections.abc import Callable
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

    @property
    def before(self) -> tuple[int, bytes]:
        """The size and id of the head that this commit continues."""
        return self.head.size - len(self.sealed), self.sealed[0].entry.prev


Entropy = Callable[[int], bytes]
"""That many fresh random bytes. The system's, but for golden files: a salt that comes twice gives parts away."""


class OwnLog:
    """A log this process writes. Not thread-safe: the one writer owns it.

    `add` seals entries one by one, `commit` signs over them; `undo_to` takes back what a refused command added.
    """

    def __init__(self, head: Head, key: SigningKey, entropy: Entropy = urandom) -> None:
        if key.public != head.public:
            raise ValueError("this key does not write this log")
        self._key = key
        self._entropy = entropy
        self._head = head
        self._added: list[Sealed] = []

    @classmethod
    def found(cls, genesis: Genesis, key: SigningKey, hlc: int, entropy: Entropy = urandom) -> "OwnLog":
        """A new log with entry 0 added, not committed. `genesis.key` is the key's public half, `hlc` at least 1."""
        if hlc < 1:
            raise ValueError("hlc strictly rises, from 0 on")
        first = entry.found(genesis, hlc)
        log = cls(empty_head(first.space, first.log, genesis.key), key, entropy)
        log._added.append(Sealed(first, ()))
        return log

    @property
    def head(self) -> Head:
        """The head that the last commit reached."""
        return self._head

    @property
    def first(self) -> Sealed:
        """The oldest entry that waits for the commit."""
        return self._added[0]

    @property
    def added(self) -> int:
        """How many entries wait for the commit: also the mark for `undo_to`."""
        return len(self._added)

    def waiting(self, id32: bytes) -> Sealed | None:
        """The entry of this id32, if it waits for the commit."""
        return next((one for one in self._added if one.entry.id32 == id32), None)

    @property
    def hlc(self) -> int:
        """The newest entry's time, committed or not."""
        return self._added[-1].entry.hlc if self._added else self._head.hlc

    def add(self, draft: Draft, hlc: int) -> Sealed:
        """Seal one entry after the newest. `hlc` must be greater than the one before.

        Raises ValueError, adding nothing, for a draft that no reader would take: too many deps, too large a part.
        """
        if hlc <= self.hlc:
            raise ValueError("hlc strictly rises in a log")
        prev = self._added[-1].entry.id if self._added else self._head.id
        sealed = self._seal(draft, self._head.size + len(self._added), hlc, prev)
        self._added.append(sealed)
        return sealed

    def undo_to(self, mark: int) -> None:
        """Forget what was added since `added` had this value."""
        del self._added[mark:]

    def commit(self) -> Batch:
        """What the store shall append: everything added, with a signed note. Call `committed` once it is durable."""
        tree = merkle.CompactRange.from_bytes(self._head.tree).extend(
            [merkle.leaf_hash(one.entry.data) for one in self._added]
        )
        last = self._added[-1].entry
        grown = {"size": tree.size, "id": last.id, "hlc": last.hlc, "tree": tree.to_bytes()}
        head = msgspec.structs.replace(self._head, **grown)
        root = tree.root()
        point = checkpoint.Checkpoint(checkpoint.origin(head.space, head.log), head.size, root)
        return Batch(head, tuple(self._added), root, self._key.sign(point.text().encode()))

    def committed(self, batch: Batch) -> None:
        """The store holds it: go on from there."""
        self._head = batch.head
        self._added.clear()

    def _seal(self, draft: Draft, seq: int, hlc: int, prev: bytes) -> Sealed:
        stored = []
        refs = []
        for number, (secret, plain) in enumerate(((draft.key, draft.shared), *draft.personal)):
            if secret is None:
                stored.append(plain)
                refs.append(parts.refer(plain))
            else:
                box = parts.seal(secret.key, self._key.public, seq, number, self._entropy(parts.SALT_BYTES), plain)
                stored.append(box)
                refs.append(parts.refer(box, secret.id))
        links = Links(draft.deps, tuple(refs))
        return Sealed(entry.compose(self._head.log, seq, hlc, prev, links), tuple(stored))


def empty_head(space: bytes, log: bytes, public: bytes) -> Head:
    """Where a log that has no entry yet ends."""
    return Head(space, log, public, 0, 0, entry.ZERO_ID, 0, merkle.CompactRange().to_bytes())
