"""Whose a log is, by what stands in clear: the first entry of a space says of which kind it is."""

from collections.abc import Callable, Iterable
from typing import Final

from scmanager.cli.output import short
from scmanager.errors import ScManagerError
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import parse_row

_SPELT: Final = {"org": "organisation", "personal": "personal space", "author": "the author's ledger, space"}


def spaces_in(store: Store, spaces: Iterable[bytes]) -> dict[bytes, str]:
    """Each space by its kind and the first digits of its id; what was not received from its beginning is left out."""
    told = {}
    for space in sorted(set(spaces)):
        rows = store.read(space, 0, 0, 1)
        genesis = parse_row(rows[0]).genesis if rows else None
        if genesis is not None:
            told[space] = f"{_SPELT.get(genesis.kind, genesis.kind)} {short(space)}"
    return told


def spaces_of(opens: Callable[[], Store], spaces: Iterable[bytes]) -> dict[bytes, str]:
    """The same of a store that is opened for it; of a damaged one whatever could be read."""
    try:
        store = opens()
    except ScManagerError:
        return {}  # The audit itself says what is wrong.
    try:
        return spaces_in(store, spaces)
    except ScManagerError:
        return {}
    finally:
        store.close()
