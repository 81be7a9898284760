"""Planning an operation: what, when, with which slots for crew and ships. The decisions."""

from collections.abc import Iterator
from typing import Any

import msgspec

from scmanager.domain.contest import entries
from scmanager.domain.event import About, Decision, Id
from scmanager.domain.operation import (
    CREW_SLOTS_MAX,
    SHIP_SLOTS_MAX,
    SQUADS_MAX,
    Operation,
)
from scmanager.domain.operation_crew import SlotUnknown
from scmanager.domain.operation_events import (
    CrewLimited,
    CrewSlotAdded,
    Described,
    LeadAssigned,
    LeadRelieved,
    Objective,
    Planned,
    RemindersSet,
    Renamed,
    Rescheduled,
    SeriesJoined,
    ShipAssigned,
    ShipReleased,
    ShipSlotAdded,
    SlotDropped,
    SquadDisbanded,
    SquadFormed,
)
from scmanager.domain.operation_parts import WINDOW_MAX_S, ShipSlot, Window, usable
from scmanager.domain.operation_rules import check_changes, check_editable, check_flown, check_open, check_planned
from scmanager.domain.payload import CatalogueKeys, Crew, Spans, Zone
from scmanager.domain.prose import prose_of
from scmanager.domain.words import NAME_LENGTH_MAX, check_name, check_title, check_words
from scmanager.errors import Refused

SLOTS_AT_ONCE_MAX = 64
REMINDERS_MAX = 8
TIMES_MAX = 26
REMINDER_MAX_S = WINDOW_MAX_S


class OperationPlannedAlready(Refused):
    """This operation was planned before, as {title}."""

    code = "operation-planned-already"
    hint = "Change it, or plan another one."


class WindowUnusable(Refused):
    """An operation cannot last from {starts:utc} to {ends:utc}."""

    code = "operation-window-unusable"
    hint = "Let it end after it begins, within 31 days."


class ZoneUnusable(Refused):
    """{zone} is no time zone."""

    code = "operation-zone-unusable"
    hint = "Use a name of the IANA data base, such as Europe/Berlin, America/New_York or UTC."


class RemindersUnusable(Refused):
    """These reminders cannot be set."""

    code = "operation-reminders-unusable"
    hint = f"Give up to {REMINDERS_MAX} spans in seconds before the beginning, none above 31 days."


class CrewLimitUnusable(Refused):
    """{most} is no number of members that may come."""

    code = "operation-crew-limit-unusable"
    hint = "Give 1 to 4096, or 0 for as many as there are crew slots."


class OperationFull(Refused):
    """The operation {title} has {count} {what}, and cannot have that many more."""

    code = "operation-full"
    hint = "Drop some, or plan a second operation beside it."


class TimesUnusable(Refused):
    """An operation cannot be repeated {times} times at once."""

    code = "operation-times-unusable"
    hint = f"Repeat it 1 to {TIMES_MAX} times; the last one can be repeated again."


class SlotCountUnusable(Refused):
    """{count} slots cannot be added at once."""

    code = "operation-slot-count-unusable"
    hint = f"Add 1 to {SLOTS_AT_ONCE_MAX} at once."


class SquadUnknown(Refused):
    """The operation {title} has no such squad."""

    code = "operation-squad-unknown"
    hint = "Form it first, scm operation form-squad, or leave it out."


class ShipModelsUnusable(Refused):
    """These are no models that a ship slot can ask for."""

    code = "operation-ship-models-unusable"
    hint = "Name up to 64 keys of the ship catalogue, or none for any ship."


class ShipDoesNotFit(Refused):
    """{model} does not fit this slot, which asks for {models}."""

    code = "operation-ship-does-not-fit"
    hint = "Choose another ship, or another slot."


def plan(operation: Operation, title: str, window: Window) -> Iterator[Decision]:
    """Plan an operation. Asking twice is harmless.

    Raises OperationPlannedAlready, TitleUnusable, WindowUnusable, ZoneUnusable.
    """
    if operation.id and (operation.title, operation.window) != (title, window):
        raise OperationPlannedAlready(title=operation.title)
    if not operation.id:
        check_window(window, template=False)
        yield Planned(check_title(title), window.starts, window.ends, window.zone)


def copy(operation: Operation, source: Operation, title: str, starts: int, series: Id | None) -> Iterator[Decision]:
    """Plan like another operation, at another time; with its words and slots, without its people and ships.

    The slots keep their ids: they are this operation's own all the same. `starts` 0 makes a template.
    """
    if operation.id:
        raise OperationPlannedAlready(title=operation.title)
    check_planned(source)
    window = Window(starts, starts + source.window.length_s, source.window.zone)
    check_window(window, template=starts == 0)
    yield Planned(
        check_title(title), window.starts, window.ends, window.zone, starts == 0, source.objective or None, series
    )
    if source.crew_most:
        yield CrewLimited(source.crew_most)
    if source.reminders:
        yield RemindersSet(source.reminders)
    for squad in source.squads:
        yield SquadFormed(squad.id, squad.title)
    for berth in source.ship_slots:
        yield ShipSlotAdded(berth.id, berth.title, berth.models, berth.squad, berth.optional)
    for slot in source.crew_slots:
        yield CrewSlotAdded(slot.id, slot.role, slot.aboard, slot.squad, slot.optional)
    if source.lead and starts:
        yield LeadAssigned(source.lead)


def copy_at(operation: Operation, source: Operation, title: str, starts: int) -> Iterator[Decision]:
    """The same as a single operation, never as a template. Raises WindowUnusable and what `copy` raises."""
    check_planned(source)
    check_window(Window(starts, starts + source.window.length_s, source.window.zone), template=False)
    yield from copy(operation, source, title, starts, None)


def check_times(times: int) -> None:
    """Raises TimesUnusable."""
    if not 1 <= times <= TIMES_MAX:
        raise TimesUnusable(times=times)


def join_series(operation: Operation, series: Id) -> Iterator[Decision]:
    """Be one of a series. Harmless if it is. Raises OperationUnknown, OperationIsTemplate."""
    check_flown(operation)
    if operation.series != series:
        yield SeriesJoined(series)


def rename(operation: Operation, title: str) -> Iterator[Decision]:
    """Give another name; ends every name that stands, and so settles a contest. Raises OperationClosed."""
    check_changes(operation, operation.rival_titles)
    if operation.title != check_title(title) or operation.rival_titles:
        yield Renamed(title, entries(operation.names))


def describe(operation: Operation, organisation: Id, objective: str, place: str) -> Iterator[Decision]:
    """Say what for and where; ends every objective that stands. Raises OperationClosed, WordsUnusable."""
    check_changes(operation, operation.rival_objectives)
    said = Objective(check_words(objective, may_be_empty=True), check_name(place, may_be_empty=True))
    yield About(Described(entries(operation.objectives)), prose_of(organisation), said)


def reschedule(operation: Operation, window: Window) -> Iterator[Decision]:
    """Move it; ends every window that stands, and so settles a contest. Raises WindowUnusable, ZoneUnusable."""
    check_changes(operation, operation.rival_windows)
    check_window(window, template=operation.template)
    if operation.window != window or operation.rival_windows:
        yield Rescheduled(window.starts, window.ends, window.zone, entries(operation.windows))


def limit_crew(operation: Operation, most: int) -> Iterator[Decision]:
    """Set how many may come; 0: as many as there are crew slots. Raises CrewLimitUnusable, OperationClosed."""
    check_editable(operation)
    if not _fits(most, Crew):
        raise CrewLimitUnusable(most=most)
    if operation.crew_most != most:
        yield CrewLimited(most)


def set_reminders(operation: Operation, before: tuple[int, ...]) -> Iterator[Decision]:
    """Remind that many seconds before its beginning; none for no reminder. Raises RemindersUnusable."""
    check_editable(operation)
    wanted = tuple(sorted(set(before), reverse=True))
    if not _fits(wanted, Spans) or any(each > REMINDER_MAX_S for each in wanted):
        raise RemindersUnusable
    if operation.reminders != wanted:
        yield RemindersSet(wanted)


def form_squad(operation: Operation, squad: Id, title: str) -> Iterator[Decision]:
    """Form a squad. Raises OperationClosed, OperationFull, TitleUnusable."""
    check_editable(operation)
    if len(operation.squads) >= SQUADS_MAX:
        raise OperationFull(title=operation.title, count=len(operation.squads), what="squads")
    yield SquadFormed(squad, check_title(title))


def disband_squad(operation: Operation, squad: Id) -> Iterator[Decision]:
    """End a squad; its slots stay. Harmless if it is gone. Raises OperationClosed."""
    check_editable(operation)
    if any(each.id == squad for each in operation.squads):
        yield SquadDisbanded(squad)


def add_crew_slots(
    operation: Operation, slots: tuple[Id, ...], role: str, aboard: Id | None, squad: Id | None, optional: bool
) -> Iterator[Decision]:
    """Ask for members in a role. Raises SlotCountUnusable, OperationFull, SlotUnknown, SquadUnknown."""
    check_editable(operation)
    if not 1 <= len(slots) <= SLOTS_AT_ONCE_MAX:
        raise SlotCountUnusable(count=len(slots))
    if len(operation.crew_slots) + len(slots) > CREW_SLOTS_MAX:
        raise OperationFull(title=operation.title, count=len(operation.crew_slots), what="crew slots")
    if aboard is not None:
        _ship_slot(operation, aboard)
    _check_squad(operation, squad)
    for slot in slots:
        yield CrewSlotAdded(slot, check_title(role), aboard, squad, optional)


def add_ship_slot(
    operation: Operation, slot: Id, title: str, models: tuple[str, ...], squad: Id | None, optional: bool
) -> Iterator[Decision]:
    """Ask for a ship of one of these models, or of any. Raises OperationFull, SquadUnknown, ShipModelsUnusable."""
    check_editable(operation)
    if len(operation.ship_slots) >= SHIP_SLOTS_MAX:
        raise OperationFull(title=operation.title, count=len(operation.ship_slots), what="ship slots")
    _check_squad(operation, squad)
    wanted = tuple(dict.fromkeys(models))
    if not _fits(wanted, CatalogueKeys):
        raise ShipModelsUnusable
    yield ShipSlotAdded(slot, check_title(title), wanted, squad, optional)


def drop_slot(operation: Operation, slot: Id) -> Iterator[Decision]:
    """Ask for this member or ship no longer. Harmless if it is gone. Raises OperationUnknown, OperationClosed."""
    check_editable(operation)
    if slot in {*(each.id for each in operation.crew_slots), *(each.id for each in operation.ship_slots)}:
        yield SlotDropped(slot)


def assign_ship(operation: Operation, slot: Id, ship: Id, model: str) -> Iterator[Decision]:
    """Put a ship into a slot; it leaves the one it had. Raises SlotUnknown, ShipDoesNotFit, OperationClosed."""
    check_open(operation)
    berth = _ship_slot(operation, slot)
    if berth.models and model not in berth.models:
        raise ShipDoesNotFit(model=model, models=", ".join(berth.models))
    if [each.value for each in berth.claims] != [ship]:
        yield ShipAssigned(slot, ship, entries(berth.claims))


def release_ship(operation: Operation, slot: Id) -> Iterator[Decision]:
    """Let the ship of a slot go. Harmless if it is free. Raises SlotUnknown, OperationClosed."""
    check_open(operation)
    berth = _ship_slot(operation, slot)
    if berth.claims:
        yield ShipReleased(slot, entries(berth.claims))


def assign_lead(operation: Operation, member: Id) -> Iterator[Decision]:
    """Let a member lead; ends every other lead, contested ones too. Raises OperationUnknown, OperationClosed."""
    check_flown(operation)
    check_changes(operation, operation.rival_leads)
    if operation.lead != member or operation.rival_leads:
        yield LeadAssigned(member, entries(operation.leads))


def relieve_lead(operation: Operation) -> Iterator[Decision]:
    """Let nobody lead. Harmless if nobody does. Raises OperationUnknown, OperationClosed."""
    check_open(operation)
    if operation.leads:
        yield LeadRelieved(entries(operation.leads))


def check_window(window: Window, *, template: bool) -> None:
    """Raises WindowUnusable, ZoneUnusable."""
    if not usable(window.starts, window.ends, template=template):
        raise WindowUnusable(starts=window.starts, ends=window.ends)
    if not _fits(window.zone, Zone):
        raise ZoneUnusable(zone=window.zone[:NAME_LENGTH_MAX])


def _ship_slot(operation: Operation, slot: Id) -> ShipSlot:
    found = next((each for each in operation.ship_slots if each.id == slot), None)
    if found is None:
        raise SlotUnknown(title=operation.title)
    return found


def _check_squad(operation: Operation, squad: Id | None) -> None:
    if squad is not None and all(each.id != squad for each in operation.squads):
        raise SquadUnknown(title=operation.title)


def _fits(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
