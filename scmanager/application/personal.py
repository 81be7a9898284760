"""One's own space: which of the personal spaces on this node is its owner's."""

from collections.abc import Iterator

from scmanager.application.keys import Keys
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import parse_row
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space


def own_space(shelf: Shelf, store: Store, keys: Keys) -> bytes | None:
    """The owner's space; None when there is none yet. Call it under the shelf's lock."""
    return next((space.id for space in spaces_written(shelf, store, keys) if space.kind == "personal"), None)


def spaces_written(shelf: Shelf, store: Store, keys: Keys) -> Iterator[Space]:
    """The spaces that this installation writes in as what they are. Call it under the shelf's lock.

    A log of ours in one is not enough: somebody may have let us into his own by an invitation that said otherwise,
    and nothing of his is ours.
    """
    for space in shelf.spaces():
        if any(_begun_as(store, log) == space.kind for log in keys.logs_of(space.id)):
            yield space


def _begun_as(store: Store, log: bytes) -> str:
    """The kind of space that this log of ours was begun for."""
    first = store.read(log, 0, 0, 1)
    genesis = parse_row(first[0]).genesis if first else None
    return genesis.kind if genesis else ""
