"""A fold: which event types make up one kind of thing, and how they tell its state."""

from collections.abc import Callable
from typing import Any

import msgspec

from scmanager.domain.event import EventMeta, State


class Fold(msgspec.Struct, frozen=True):
    """One kind of thing. Each of its entities has a state of its own."""

    name: str
    """Such as `member` or `fleet`."""
    empty: State
    evolve: Callable[[Any, Any, Any], State]
    """(state, event, envelope) -> state. Total."""
    events: tuple[EventMeta, ...]


def by_tag(folds: tuple[Fold, ...]) -> dict[str, Fold]:
    """Which fold an event type belongs to. Raises ValueError when two folds claim one type."""
    table: dict[str, Fold] = {}
    for fold in folds:
        for event in fold.events:
            if event.tag in table:
                raise ValueError(f"{event.tag} belongs to two folds")
            table[event.tag] = fold
    return table
