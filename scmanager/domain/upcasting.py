"""Upcasting: an event written by an earlier release, read as today's version of it (docs/adr/0009-event-versions.md).

Old versions stay in the catalogue as shapes, for their bytes are signed; only the newest version is folded.
An upcaster is pure and total. The entry keeps the type it was written with: validity reads that, never the upcast.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from scmanager.domain.event import Event, EventMeta
from scmanager.domain.governance import is_governance
from scmanager.domain.rights import RIGHT_NEEDED

Old = TypeVar("Old", bound=Event)
New = TypeVar("New", bound=Event)

UPCASTERS: dict[str, tuple[EventMeta, Callable[[Any], Event]]] = {}
"""Old tag -> (the version it becomes, how). Filled by the modules that define the versions."""


def upcaster(old: type[Old], new: type[New]) -> Callable[[Callable[[Old], New]], Callable[[Old], New]]:
    """Register how an old version becomes a later one; steps are chained, so each needs to know the next only.

    Raises TypeError for a step that is not from one version to a later one of the same type, for a governance type
    (its rules read the bytes as they were signed), and where the two need different rights: what was open to
    everybody must not come to count as if somebody with a right had said it.
    """
    (old_name, old_version), (new_name, new_version) = _version(old.tag), _version(new.tag)
    if old_name != new_name or old_version >= new_version:
        raise TypeError(f"{new.tag} is no later version of {old.tag}")
    if is_governance(old.tag):
        raise TypeError(f"{old.tag} governs: its versions are judged as they were written")
    if RIGHT_NEEDED.get(old.tag) != RIGHT_NEEDED.get(new.tag):
        raise TypeError(f"{old.tag} and {new.tag} need different rights")

    def enter(step: Callable[[Old], New]) -> Callable[[Old], New]:
        if old.tag in UPCASTERS:
            raise TypeError(f"{old.tag} has an upcaster already")
        UPCASTERS[old.tag] = (new, step)
        return step

    return enter


def upcast(event: Event) -> Event:
    """The event as its newest version; itself when there is none."""
    while (step := UPCASTERS.get(type(event).tag)) is not None:
        event = step[1](event)
    return event


def _version(tag: str) -> tuple[str, int]:
    name, _, version = tag.rpartition("/")
    return name, int(version)
