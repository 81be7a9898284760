"""Telling what a replay made of a space: how much stands, frontier and digest, what was signed, and its things."""

from collections.abc import Sequence
from typing import Any

import msgspec

from scmanager.application.replaying import (
    LedgerThen,
    SignedHead,
    closed_since,
    ledger_log,
    ledger_then,
    newest_keys,
    signed_heads,
)
from scmanager.domain.catalogue import ORGANISATIONS
from scmanager.domain.event import Id
from scmanager.domain.fold import Fold
from scmanager.domain.frontier import frontier_of
from scmanager.domain.records import Reason
from scmanager.eventstore.store import Store
from scmanager.eventstore.tile_tree import TileTree
from scmanager.forensics.called import moment, short
from scmanager.forensics.telling import Telling
from scmanager.spaces.contests import label
from scmanager.spaces.facts import clear_of
from scmanager.spaces.ledger import Entered
from scmanager.spaces.opening import parse_row
from scmanager.spaces.replay import PastShelf
from scmanager.spaces.space import Space
from scmanager.spaces.state_digest import FOLD_VERSION, digest_at


def told_of(store: Store, shelf: PastShelf, past: Space) -> dict[str, Any]:
    """A space as of a point, without its things. `shelf`: that it stands on. Raises StoreDamaged."""
    tops = {place: row for place, row in shelf.tops.items() if past.first_entry(row.log) is not None}
    heads = signed_heads(store, past, tops)
    verdicts = past.verdicts.entries.values()
    valid = sum(each.valid for each in verdicts)
    held, closed = past.waiting
    rows = [clear_of(parse_row(row)) for row in tops.values()]
    newest = max((parse_row(row).hlc for row in tops.values()), default=0)
    frontier = past.frontier() if tops else frontier_of(past.id, rows)
    return {
        "space": past.id, "called": space_called(past), "kind": past.kind,
        "newest": moment(newest // 1_000_000), "entries": len(verdicts) + held + closed, "valid": valid,
        "void": len(verdicts) - valid, "unknown": _unknown(past), "held": held, "closed": closed,
        "forks": past.forks(), "frontier": frontier, "fold_version": FOLD_VERSION,
        "digest": digest_at(past, frontier), "heads": heads,
    }  # fmt: skip


def _unknown(space: Space) -> int:
    """How many entries say what this release does not know, a type or a payload."""
    return sum(
        opened.shared is not None
        and opened.event is None
        and (verdict := space.verdicts.entries.get(opened.entry.id32)) is not None
        and (verdict.valid or verdict.reason is Reason.UNKNOWN_TYPE)
        for opened in space.entries()
    )


def ledger_of(
    store: Store,
    manifests: Sequence[Sequence[Entered]],
    space: Space,
    heads: Sequence[SignedHead],
    shown: TileTree | None = None,
    wanted: str = "",
) -> dict[str, Any] | None:
    """Of the author's ledger: what this space said then; None of any other. Raises SeveralLedgers.

    `closed`: what has become of its log since, by the `manifests` of all logs here (`spaces.ledger.chains`).
    """
    if space.kind != "author" or not heads:
        return None
    log = ledger_log(space, {each.log for each in heads}, wanted)
    told: LedgerThen = ledger_then(space, log, heads, shown)
    keys = newest_keys(manifests, told.id) if told.id else None
    closed = closed_since(store, log, keys) if keys else None
    plain: dict[str, Any] = msgspec.to_builtins(told, builtin_types=(bytes,))
    return plain | {"closed": msgspec.to_builtins(closed)}


def thing_told(telling: Telling, fold: Fold, entity: Id, *, whole: bool) -> dict[str, Any]:
    """A thing in one line; its fields too where the whole of it is wanted."""
    state = telling.space.state(fold, entity)
    told: dict[str, Any] = {"kind": fold.name, "name": telling.called(fold, entity, state), "id": entity}
    told["brief"] = telling.brief(state)
    if whole:
        told["fields"] = telling.fields(state)
    return told


def space_called(space: Space) -> str:
    """A space by its title or its kind, with the first digits of its id."""
    return f"{label(space.state(ORGANISATIONS, space.id[:16])) or space.kind} ({short(space.id)})"
