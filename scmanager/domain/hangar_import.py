"""An import of a hangar: which tool's file, for whom; and what taking it back as a whole comes to.

What an import did are the events of ships that carry its command. Taking it back makes each of those ships what it
would be without this import, and without those undone before; a ship that anybody changed since is left alone.
"""

from collections.abc import Collection, Iterator, Sequence

from scmanager.domain import hangar, ship
from scmanager.domain.event import Decision, Envelope, Event, Id, State, replace
from scmanager.domain.payload import TUPLE_MAX, CatalogueKey, Seconds
from scmanager.domain.ship import Ship, Standing
from scmanager.domain.ship_events import Added, AddedFor, Owner, RemovalReason, ShipEvent
from scmanager.errors import Refused

History = Sequence[tuple[Envelope, ShipEvent]]
"""A ship's valid events, in fold order."""


class Applied(Event, tag="import.applied/1"):
    """A file of this tool was taken in for this owner. The numbers are ships."""

    tool: CatalogueKey
    owner: Owner
    added: Seconds = 0
    changed: Seconds = 0
    removed: Seconds = 0
    skipped: Seconds = 0


class Undone(Event, tag="import.undone/1"):
    """By the member who imported."""


class UndoneFor(Undone, tag="import.undone-for/1"):
    """By one who manages ships."""


ImportEvent = Applied | Undone


class Import(State):
    """An import, as its events so far tell it."""

    by: Id = b""
    """The member who imported; empty while it is unknown."""
    owner: Owner | None = None
    tool: str = ""
    command: Id = b""
    """What all events of the import carry."""
    undoings: tuple[Id, ...] = ()
    """The commands that took it back."""

    @property
    def undone(self) -> bool:
        """Whether it was taken back."""
        return bool(self.undoings)


class ImportUnknown(Refused):
    """There is no such import here."""

    code = "import-unknown"
    hint = "Look at the list of imports; it may belong to another space."


class ImportKnown(Refused):
    """This import was recorded before."""

    code = "import-known"
    hint = "Make a new preview and confirm that."


def apply(past: Import, applied: Applied) -> Iterator[Decision]:
    """Record an import. Raises ImportKnown."""
    if past.by:
        raise ImportKnown
    yield applied


def undo(past: Import, actor: Id) -> Iterator[Decision]:
    """Take an import back. Harmless if it was. Raises ImportUnknown."""
    if not past.by:
        raise ImportUnknown
    if not past.undone:
        yield Undone() if actor == past.by else UndoneFor()


def evolve(past: Import, event: ImportEvent, envelope: Envelope) -> Import:
    """Total. Recorded once. Undone counts from who imported, or by the right to manage ships."""
    match event:
        case Applied(tool, owner) if not past.by:
            return replace(past, by=envelope.member, owner=owner, tool=tool, command=envelope.command)
        case Undone() if not past.by or not (isinstance(event, UndoneFor) or envelope.member == past.by):
            return past
        case Undone() if envelope.command not in past.undoings and len(past.undoings) < TUPLE_MAX:
            return replace(past, undoings=(*past.undoings, envelope.command))
        case _:
            return past


def quiet(imports: Collection[Import]) -> frozenset[Id]:
    """The commands that leave no trace any more: of imports that were undone, and of undoing them."""
    return frozenset(command for each in imports if each.undone for command in (each.command, *each.undoings))


def changed_since(history: History, command: Id, quiet: Collection[Id]) -> bool:
    """Whether somebody else changed the ship after the import, or brought it too (by another import of the file)."""
    ours = [place for place, (envelope, _) in enumerate(history) if envelope.command == command]
    brought = any(isinstance(history[place][1], Added | AddedFor) for place in ours)
    others = [
        (place, event)
        for place, (envelope, event) in enumerate(history)
        if envelope.command != command and envelope.command not in quiet
    ]
    return any(place > ours[0] or (brought and isinstance(event, Added | AddedFor)) for place, event in others)


def undo_ship(one: Ship, actor: Id, history: History, command: Id, quiet: Collection[Id]) -> Iterator[Decision]:
    """Make a ship that nobody changed since what it would be without the import.

    Removals and words are all an import does besides adding. Raises what `hangar`'s decisions raise.
    """
    without = Ship()
    for envelope, event in history:
        if envelope.command != command and envelope.command not in quiet:
            without = ship.evolve(without, event, envelope)
    if without.standing is Standing.UNKNOWN:
        if one.standing is Standing.PRESENT:
            yield from hangar.remove(one, actor, RemovalReason.IMPORT_UNDONE)
    elif one.standing is Standing.REMOVED and without.standing is Standing.PRESENT:
        yield from hangar.restore(one, actor)
        back = replace(one, standing=Standing.PRESENT)
        yield from hangar.restore_words(back, actor, without.nickname, without.details)
    elif one.standing is Standing.PRESENT:
        yield from hangar.restore_words(one, actor, without.nickname, without.details)
