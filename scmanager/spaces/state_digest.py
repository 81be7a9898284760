"""The digest of a space's state: what members who fold the same entries by the same rules must agree on (DESIGN 2).

    H(scm/state/1, space, fold version as u32, frontier, H(scm/fold/1, rows))

A row is a kind of thing, an entity and its state as JSON (a struct is the list of its fields), or a grant that counts
with its logs and cuts; each is framed by its length as u64. Things come by kind and id, then grants by id. Words are
in no state, so erasing changes nothing here. Only members who hold the same keys can compare: what is closed to one
is in no state of his.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha3_256
from typing import Any, Final

import msgspec

from scmanager.domain.catalogue import FOLDS
from scmanager.domain.event import Id, State
from scmanager.domain.fold import Fold
from scmanager.domain.pages import merged
from scmanager.eventstore.entry import digest, u64
from scmanager.spaces.space import Space

FOLD_VERSION: Final = 2
"""Raised by a release that folds the same entries to another state, or spells a state otherwise.

tests/golden/folds.json has what the folds of this version make of a fixed set of events.
"""

KINDS: Final[tuple[Fold, ...]] = tuple(sorted(dict.fromkeys(FOLDS.values()), key=lambda fold: fold.name))
"""Every kind of thing, by name."""

_encode = msgspec.json.Encoder().encode


def state_digest(space: Space) -> bytes:
    """32 bytes. The caller holds the shelf's lock."""
    return digest_at(space, space.frontier())


def digest_at(space: Space, frontier: bytes) -> bytes:
    """The same where the frontier is known already."""
    return digest_of(snapshot(space, frontier))


class Snapshot(msgspec.Struct, frozen=True):
    """What a digest is made of, taken at once under the shelf's lock; hashed without it."""

    space: bytes
    frontier: bytes
    states: tuple[tuple[Fold, tuple[tuple[Id, State], ...]], ...]
    """By kind, then by id."""
    grants: tuple[tuple[bytes, Any], ...]
    """By id."""


def snapshot(space: Space, frontier: bytes) -> Snapshot:
    """Of a space as it is. The caller holds the shelf's lock."""
    states = tuple((fold, tuple(sorted(space.things(fold), key=lambda each: each[0]))) for fold in KINDS)
    grants = tuple(
        (id32, _plain([each.grant, each.levels, frozenset(each.cuts), frozenset(each.disowned)]))
        for id32, each in sorted(space.verdicts.grants.items())
    )
    return Snapshot(space.id, frontier, states, grants)


def digest_of(taken: Snapshot) -> bytes:
    """32 bytes."""
    hashed = sha3_256(b"scm/fold/1\n")
    for row in _rows(taken):
        hashed.update(u64(len(row)) + row)
    return digest("scm/state/1", taken.space, FOLD_VERSION.to_bytes(4, "big"), taken.frontier, hashed.digest())


def thing_digest(fold: Fold, entity: Id, state: State) -> bytes:
    """Of one thing, 32 bytes: to find where two states differ. Nobody signs or keeps it."""
    return sha3_256(row_of(fold, entity, state)).digest()


def _rows(taken: Snapshot) -> Iterator[bytes]:
    for fold, things in taken.states:
        for entity, state in things:
            yield row_of(fold, entity, state)
    for id32, told in taken.grants:
        yield b"grant\0" + id32 + _encode(told)


def row_of(fold: Fold, entity: Id, state: State) -> bytes:
    """A thing as the digest has it."""
    return b"\0".join((fold.name.encode(), entity + _encode(_plain(state))))


def _plain(value: Any) -> Any:
    """With one spelling: a struct is the list of its fields, sets and tables are sorted."""
    match value:
        case msgspec.Struct():
            return [_plain(getattr(value, name)) for name in value.__struct_fields__]
        case tuple() if value and all(isinstance(each, Mapping) for each in value):
            return _plain(merged(value))  # Pages: how they are cut says nothing.
        case tuple() | list():
            return [_plain(each) for each in value]
        case frozenset() | set():
            return sorted((_plain(each) for each in value), key=_encode)
        case Mapping():
            return sorted(([_plain(key), _plain(each)] for key, each in value.items()), key=_encode)
        case _:
            return value
