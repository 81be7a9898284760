"""One's own space: which of the personal spaces on this node is its owner's."""

from scmanager.application.keys import Keys
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import parse_row
from scmanager.spaces.shelf import Shelf


def own_space(shelf: Shelf, store: Store, keys: Keys) -> bytes | None:
    """The owner's space; None when there is none yet. Call it under the shelf's lock.

    A log of ours in it is not enough: somebody may have let us into his own, by an invitation that said otherwise.
    """
    for space in shelf.spaces():
        if space.kind == "personal" and any(_meant_so(store, log) for log in keys.logs_of(space.id)):
            return space.id
    return None


def _meant_so(store: Store, log: bytes) -> bool:
    """Whether this log of ours was begun as one in our own space."""
    first = store.read(log, 0, 0, 1)
    genesis = parse_row(first[0]).genesis if first else None
    return genesis is not None and genesis.kind == "personal"
