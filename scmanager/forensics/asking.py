"""What a running node tells of its spaces as they were, why they are so, and of its own digest.

Each answer about the past reads the log anew, in the thread that asks, and gives up beyond ENTRIES_MAX entries or
TIME_MAX_S: then the same is asked of the folder, which needs no node (`scm audit`).
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from scmanager.adapters.key_vault import KeyVault
from scmanager.api.backend import Wanted
from scmanager.application.keys import shared_key_of
from scmanager.application.personal import spaces_written
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.epoch import EPOCHS
from scmanager.domain.event import Id, Id32
from scmanager.errors import Refused
from scmanager.eventstore.store import Row, Store
from scmanager.forensics import points
from scmanager.forensics.explaining import Explaining
from scmanager.forensics.ledger_words import held_lines
from scmanager.forensics.points import Point
from scmanager.forensics.replaying import ledger_of, thing_told, told_of
from scmanager.forensics.telling import Telling
from scmanager.runtime import Node
from scmanager.spaces.ledger import chains
from scmanager.spaces.replay import PastShelf, rows_of
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space
from scmanager.spaces.state_digest import FOLD_VERSION, KINDS, digest_of, snapshot, thing_digest

ENTRIES_MAX: Final = 200_000
"""Of this store, up to the point: as many are read for one answer."""
TIME_MAX_S: Final = 5.0
STEPS_MAX: Final = 200
"""Of one answer; as many things too."""


class ReplayTooLong(Refused):
    """This replay takes longer than a running node gives it: {limit}."""

    code = "audit-replay-too-long"
    hint = "Ask the folder, which needs no node: scm audit replay, scm audit explain. Or ask for an earlier point."


class ThingUnsaid(Refused):
    """Nothing that counted was said of a thing of the kind {kind} under this id by then."""

    code = "audit-thing-unsaid"
    hint = "asOf lists the things of that point with their kinds and ids."


class EntryNotThen(Refused):
    """The entry {entry} was not there, or not open, by then."""

    code = "audit-entry-not-then"
    hint = "Leave the point out for everything that is here; the audit trail lists entries."


class Reader(msgspec.Struct, frozen=True):
    """What names and words are read from."""

    store: Store
    shelf: Shelf
    vault: KeyVault

    def personal_spaces(self) -> list[Space]:
        """The owner's own."""
        return [each for each in spaces_written(self.shelf, self.store, self.vault) if each.kind == "personal"]


class Past(msgspec.Struct, frozen=True):
    """A space as of a point."""

    point: Point
    shelf: PastShelf
    telling: Telling


class Forensics:
    """Of one open folder. Every method but none in the event loop: they read and fold."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def as_of(
        self, space: bytes, wanted: Wanted, kinds: frozenset[str], first: int, after: tuple[str, Id] | None
    ) -> dict[str, Any]:
        """As `scm audit replay` tells it; `things` are a page by kind and id. Raises NoSuchSpace, ReplayTooLong,
        PointAhead, PointUnknown.
        """
        past = self._past(space, wanted)
        state = past.telling.space
        told = told_of(self._node.store, past.shelf, state)
        with self._node.shelf.lock:
            manifests = chains(self._node.shelf.spaces()) if state.kind == "author" else []
        ledger = ledger_of(self._node.store, manifests, state, told["heads"])
        told |= {"point": past.point.kind, "said": past.point.said, "ledger": _with_lines(ledger)}
        every = [
            (fold, entity)
            for fold in KINDS
            if fold is not EPOCHS and (not kinds or fold.name in kinds)
            for entity in sorted(entity for entity, _ in state.things(fold))
        ]
        begun = [each for each in every if after is None or (each[0].name, each[1]) > after]
        page = begun[: min(first, STEPS_MAX)]
        told["things"] = [thing_told(past.telling, fold, entity, whole=True) for fold, entity in page]
        return told | {"things_total": len(every), "more": len(begun) > len(page)}

    def explain_thing(
        self, space: bytes, wanted: Wanted, kind: str, entity: Id, field: str | None, part: slice
    ) -> dict[str, Any]:
        """As `scm audit explain THING` tells it, these of its steps. Raises ThingUnsaid, FieldUnknown, as `as_of`."""
        past = self._past(space, wanted)
        fold = next(each for each in KINDS if each.name == kind)
        if past.telling.space.thing(fold, entity) is None:
            raise ThingUnsaid(kind=kind)
        return Explaining(past.telling).of_thing(fold, entity, field, part)

    def explain_event(self, space: bytes, wanted: Wanted, entry: Id32) -> dict[str, Any]:
        """As `scm audit explain EVENT` tells it. Raises EntryNotThen, as `as_of`."""
        past = self._past(space, wanted)
        opened = past.telling.space.opened(entry)
        if opened is None or entry not in past.telling.space.verdicts.entries:
            raise EntryNotThen(entry=entry.hex())
        return Explaining(past.telling).of_event(opened)

    def digest(self, space: bytes, kind: str | None, first: int, after: Id) -> dict[str, Any]:
        """Of a space as this node holds it now, which is not folded anew; of a `kind`, a page of its things too."""
        shelf = self._node.shelf
        with shelf.lock:
            held = shelf.space(space)
            pos, taken = shelf.pos, snapshot(held, held.frontier())
        mine = next((each for each in taken.states if each[0].name == kind), None)
        begun = [each for each in mine[1] if each[0] > after] if mine else []
        page = begun[: min(first, STEPS_MAX)]
        return {
            "space": space, "pos": pos, "frontier": taken.frontier, "digest": digest_of(taken),
            "fold_version": FOLD_VERSION, "more": len(begun) > len(page),
            "things": [{"id": each, "digest": thing_digest(mine[0], each, state)} for each, state in page if mine],
        }  # fmt: skip

    def _past(self, space: bytes, wanted: Wanted) -> Past:
        node, pace = self._node, _Pace()
        with node.shelf.lock:
            present = node.shelf.space(space)
        point = self._point(space, wanted, pace)
        shelf = PastShelf(
            node.store, FOLDS, shared_key_of(node.vault), node.now_us, node.vault.subjects, point.within, space
        )
        shelf.advance = pace.read
        shelf.follow()
        with node.shelf.lock:
            shelf.hide([present])
            state = shelf.past(present)
        return Past(point, shelf, Telling(Reader(node.store, shelf, node.vault), state))

    def _point(self, space: bytes, wanted: Wanted, pace: "_Pace") -> Point:
        node = self._node
        if wanted.pos is not None:
            return points.at_position(node.store, wanted.pos)
        if wanted.time_us is not None:
            return points.at_time(wanted.time_us)
        named = wanted.entry or wanted.frontier
        if named is None:
            return points.NOW
        end = node.store.last_pos()
        return points.at_hash(space, lambda: pace.over(rows_of(node.store, space, end)), named.hex(), node.now_us())


def _with_lines(told: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if told is None else told | {"lines": held_lines(told) if told["keys"] else []}


class _Pace:
    """How much one answer has read, and since when."""

    def __init__(self) -> None:
        self._began, self._entries = time.monotonic(), 0

    def read(self, entries: int) -> None:
        """Raises ReplayTooLong."""
        self._entries += entries
        if self._entries > ENTRIES_MAX:
            raise ReplayTooLong(limit=f"{ENTRIES_MAX} entries")
        if time.monotonic() - self._began > TIME_MAX_S:
            raise ReplayTooLong(limit=f"{TIME_MAX_S:.0f} seconds")

    def over(self, rows: Iterable[Row]) -> Iterator[Row]:
        """These, counted. Raises ReplayTooLong."""
        for row in rows:
            self.read(1)
            yield row
