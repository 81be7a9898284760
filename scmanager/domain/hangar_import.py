"""An import of a hangar: which tool's file, for whom; and what taking it back as a whole comes to.

What an import did are the events of ships by its author that carry its command. Taking it back makes each of those
ships what it would be without this import, and without those undone before; a ship that anybody changed since is left
alone.
"""

from collections.abc import Collection, Iterator, Sequence

from scmanager.domain import hangar, ship
from scmanager.domain.event import Decision, Envelope, Event, Id, Id32, State, replace
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


class Deed(State):
    """One command of one member. A command's id alone is only its author's word."""

    by: Id
    command: Id


class Import(State):
    """An import, as its events so far tell it."""

    deed: Deed | None = None
    """What all events of the import carry; None while it is unknown."""
    owner: Owner | None = None
    tool: str = ""
    undoings: tuple[Deed, ...] = ()
    """What took it back."""
    entry: Id32 = b""
    """The entry that recorded it."""
    undone_in: Id32 = b""
    """The entry that took it back first."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    skipped: int = 0

    @property
    def undone(self) -> bool:
        """Whether it was taken back."""
        return bool(self.undoings)


class ImportUnknown(Refused):
    """There is no such import here."""

    code = "import-unknown"
    hint = "List the imports, scm hangar imports; those of your own hangar with --personal."


class ImportKnown(Refused):
    """This import was recorded before."""

    code = "import-known"
    hint = "It was done once and is not done twice. For another one make a new preview: scm import FILE --preview."


def apply(past: Import, applied: Applied) -> Iterator[Decision]:
    """Record an import. Raises ImportKnown."""
    if past.deed:
        raise ImportKnown
    yield applied


def undo(past: Import, actor: Id) -> Iterator[Decision]:
    """Take an import back. Harmless if it was. Raises ImportUnknown."""
    if past.deed is None:
        raise ImportUnknown
    if not past.undone:
        yield Undone() if actor == past.deed.by else UndoneFor()


def evolve(past: Import, event: ImportEvent, envelope: Envelope) -> Import:
    """Total. Recorded once. Undone counts from who imported, or by the right to manage ships."""
    deed = deed_of(envelope)
    match event:
        case Applied(tool, owner, added, changed, removed, skipped) if past.deed is None:
            return replace(
                past, deed=deed, owner=owner, tool=tool, entry=envelope.entry,
                added=added, changed=changed, removed=removed, skipped=skipped,
            )  # fmt: skip
        case Undone() if past.deed is None or not (isinstance(event, UndoneFor) or envelope.member == past.deed.by):
            return past
        case Undone() if deed not in past.undoings and len(past.undoings) < TUPLE_MAX:
            return replace(past, undoings=(*past.undoings, deed), undone_in=past.undone_in or envelope.entry)
        case _:
            return past  # Recorded or undone before.


def deed_of(envelope: Envelope) -> Deed:
    """By whom, and with which command."""
    return Deed(envelope.member, envelope.command)


def quiet(imports: Collection[Import]) -> frozenset[Deed]:
    """What leaves no trace any more: imports that were undone, and undoing them."""
    return frozenset(deed for each in imports if each.undone for deed in (each.deed, *each.undoings) if deed)


def touched(history: History, deed: Deed) -> bool:
    """Whether an import did anything to this ship."""
    return any(deed_of(envelope) == deed for envelope, _ in history)


def changed_since(history: History, deed: Deed, quiet: Collection[Deed]) -> bool:
    """Whether somebody else changed the ship after the import, or brought it too (by another import of the file)."""
    ours = [place for place, (envelope, _) in enumerate(history) if deed_of(envelope) == deed]
    brought = any(isinstance(history[place][1], Added | AddedFor) for place in ours)
    first = min(ours, default=len(history))
    return any(
        place > first or (brought and isinstance(event, Added | AddedFor))
        for place, (envelope, event) in enumerate(history)
        if _loud(envelope, deed, quiet)
    )


def undo_ship(one: Ship, actor: Id, history: History, deed: Deed, quiet: Collection[Deed]) -> Iterator[Decision]:
    """Make a ship that nobody changed since what it would be without the import.

    Removals and words are all an import does besides adding. Raises what `hangar`'s decisions raise.
    """
    without = Ship()
    for envelope, event in history:
        if _loud(envelope, deed, quiet):
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


def _loud(envelope: Envelope, deed: Deed, quiet: Collection[Deed]) -> bool:
    done = deed_of(envelope)
    return done != deed and done not in quiet
