"""A fleet: ships under one name and one lead. Which ships are in it is said of each ship (`ship.assigned/1`).

A fleet has squadrons (`squadron`), which are things of their own: each names its fleet, or none.
"""

from collections.abc import Iterator

from scmanager.domain.contest import Led, begun_before, drop, entries, stake
from scmanager.domain.event import Decision, Envelope, Event, Id, replace
from scmanager.domain.payload import Entries, Id16, Title
from scmanager.domain.words import check_title, flaw_of_title
from scmanager.errors import Refused


class Formed(Event, tag="fleet.formed/1"):
    title: Title


class Renamed(Event, tag="fleet.renamed/1"):
    title: Title
    over: Entries = ()


class Disbanded(Event, tag="fleet.disbanded/1"):
    pass


class Reformed(Event, tag="fleet.reformed/1"):
    pass


class LeadAssigned(Event, tag="fleet.lead-assigned/1"):
    member: Id16
    over: Entries = ()


class LeadRelieved(Event, tag="fleet.lead-relieved/1"):
    over: Entries = ()


FleetEvent = Formed | Renamed | Disbanded | Reformed | LeadAssigned | LeadRelieved


class Fleet(Led):
    """A fleet, as its events so far tell it."""

    formed: bool = False
    disbanded: bool = False


class FleetFormedAlready(Refused):
    """This fleet was formed before, as {title}."""

    code = "fleet-formed-already"
    hint = "Rename it, or form another one."


class FleetUnknown(Refused):
    """There is no such fleet."""

    code = "fleet-unknown"
    hint = "Look at the list, scm fleet list, or form one: scm fleet form."


class FleetDisbanded(Refused):
    """The fleet {title} is disbanded."""

    code = "fleet-disbanded"
    hint = "Form it again first: scm fleet reform."


class FleetNameNotContested(Refused):
    """{title} is not one of several names that await a decision."""

    code = "fleet-name-not-contested"
    hint = "Choose one of the names shown as contested, or rename the fleet."


def form(fleet: Fleet, title: str) -> Iterator[Decision]:
    """Form a fleet. Asking twice is harmless. Raises FleetFormedAlready, TitleUnusable."""
    if fleet.formed and fleet.title != title:
        raise FleetFormedAlready(title=fleet.title)
    if not fleet.formed:
        yield Formed(check_title(title))


def rename(fleet: Fleet, title: str) -> Iterator[Decision]:
    """Give another name; ends every name that stands. Raises FleetUnknown, FleetDisbanded, TitleUnusable."""
    _check_live(fleet)
    if fleet.title != check_title(title) or fleet.rival_titles:
        yield Renamed(title, entries(fleet.names))


def settle_name(fleet: Fleet, title: str) -> Iterator[Decision]:
    """Decide for one of the contested names. Raises FleetNameNotContested."""
    _check_live(fleet)
    if not fleet.rival_titles or title not in (fleet.title, *fleet.rival_titles):
        raise FleetNameNotContested(title=title)
    yield Renamed(title, entries(fleet.names))


def disband(fleet: Fleet) -> Iterator[Decision]:
    """End a fleet; its ships and squadrons stay what they are. Asking twice is harmless. Raises FleetUnknown."""
    _check_formed(fleet)
    if not fleet.disbanded:
        yield Disbanded()


def reform(fleet: Fleet) -> Iterator[Decision]:
    """Undo a disbanding. Harmless if there is none. Raises FleetUnknown."""
    _check_formed(fleet)
    if fleet.disbanded:
        yield Reformed()


def assign_lead(fleet: Fleet, member: Id) -> Iterator[Decision]:
    """Let a member lead; ends every other lead, contested ones too. Raises FleetUnknown, FleetDisbanded."""
    _check_live(fleet)
    if fleet.lead != member or fleet.rival_leads:
        yield LeadAssigned(member, entries(fleet.leads))


def relieve_lead(fleet: Fleet) -> Iterator[Decision]:
    """Let nobody lead. Harmless if nobody does. Raises FleetUnknown, FleetDisbanded."""
    _check_live(fleet)
    if fleet.leads:
        yield LeadRelieved(entries(fleet.leads))


def evolve(fleet: Fleet, event: FleetEvent, envelope: Envelope) -> Fleet:
    """Total. Names or leads set at once are contested: the first in fold order holds, the others are kept beside it.

    - Formed by two under one id: the names are contested.
    - Disbanded and formed anew: the last in fold order stands. What was said of a disbanded fleet meanwhile is kept.
    """
    match event:
        case Formed() | Renamed() if flaw_of_title(event.title):
            return fleet  # Written by something that is not ours.
        case Formed() if begun_before(fleet.formed, envelope):
            return fleet
        case Formed(title):
            return replace(fleet, formed=True, names=stake(fleet.names, title, (), envelope))
        case Renamed(title, over):
            return replace(fleet, names=stake(fleet.names, title, over, envelope))
        case Disbanded():
            return replace(fleet, disbanded=True)
        case Reformed():
            return replace(fleet, disbanded=False)
        case LeadAssigned(member, over):
            return replace(fleet, leads=stake(fleet.leads, member, over, envelope))
        case LeadRelieved(over):
            return replace(fleet, leads=drop(fleet.leads, over, envelope))


def _check_formed(fleet: Fleet) -> None:
    if not fleet.formed:
        raise FleetUnknown


def _check_live(fleet: Fleet) -> None:
    _check_formed(fleet)
    if fleet.disbanded:
        raise FleetDisbanded(title=fleet.title)
