"""What can be contested, by kind of thing: each field with its verb, its right, and where the state keeps it."""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from scmanager.domain import (
    character,
    contact,
    fleet,
    machine,
    member,
    operation_events,
    organisation,
    player,
    role,
    ship_events,
    squadron,
    treaty_events,
)
from scmanager.domain.clash import Contenders, Contest, Field, Knew
from scmanager.domain.contest import Claim
from scmanager.domain.event import Id
from scmanager.domain.member import Member
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import manifest, place_rivals
from scmanager.domain.operation_parts import Stage
from scmanager.domain.ship import Loan, Ship
from scmanager.domain.ship import Standing as ShipStanding
from scmanager.domain.ship_events import Owner, OwnerKind
from scmanager.domain.treaty import Treaty


def _all(name: str) -> Callable[[Any], Contenders]:
    """The claims that a state keeps under this name."""
    read = attrgetter(name)
    return lambda state: ((b"", read(state)),)


def _crew(operation: Operation) -> Iterator[tuple[Id, tuple[Claim[Any], ...]]]:
    """Who of the crew is in one slot: those who only wait do not contend for it."""
    if any(len(slot.claims) > 1 for slot in operation.crew_slots):
        crew = frozenset(manifest(operation).crew)
        for slot in operation.crew_slots:
            yield slot.id, tuple(each for each in slot.claims if each.value in crew)


def _places(operation: Operation, knew: Knew) -> Contenders:
    """Who has a place and who would have it, had he come first."""
    rivals = place_rivals(operation, knew)
    if rivals:
        yield b"", tuple(Claim(each.member, each.entry) for each in rivals)


def _ships(operation: Operation) -> Contenders:
    return ((slot.id, slot.claims) for slot in operation.ship_slots)


def _joining(one: Member) -> Contenders:
    if one.join_contested:
        yield b"", (Claim("joined", one.joined), Claim("withdrawn", one.withdrawal))


def _standing(treaty: Treaty) -> Contenders:
    """Agreed to while it was dropped."""
    if treaty.agreements and treaty.drops and not treaty.ends:
        dropped = treaty.drops[0]
        yield b"", (Claim("agreed", treaty.agreements[0].entry), Claim(dropped.value.reason.value, dropped.entry))


def _is_over(operation: Operation) -> bool:
    """Who and which ship is in a slot is changed no more; what it is called, and what became of it, still is."""
    return operation.call.stage in (Stage.COMPLETED, Stage.CANCELLED)


def _is_gone(ship: Ship) -> bool:
    return ship.standing is not ShipStanding.PRESENT


def _is_done(treaty: Treaty) -> bool:
    """It ended or came to nothing: nobody signs it."""
    return bool(treaty.ends or treaty.drops)


def _has_no_stance(one: contact.Contact) -> bool:
    """Peace comes first, or it is archived."""
    return one.archived or bool(one.wars)


def _itself(thing: Id, _: Any) -> Id:
    return thing


def _player(_: Id, one: character.Character) -> Id | None:
    return one.player or None


def _namer(_: Id, one: machine.Machine) -> Id | None:
    return one.owner or None


def _owner(_: Id, ship: Ship) -> Id | None:
    return ship.owner.id if ship.owner and ship.owner.kind is OwnerKind.MEMBER else None


_oe, _se, _te = operation_events, ship_events, treaty_events
_archived, _disbanded, _withdrawn = attrgetter("archived"), attrgetter("disbanded"), attrgetter("withdrawn")
_CREW_MOVES = (_oe.SlotTaken, _oe.SlotTakenFor, _oe.SlotLeft, _oe.SlotLeftFor, _oe.SlotDropped)
_PLACES = (_oe.SignedUp, _oe.SignedUpFor)
_PLACE_MOVES = (*_PLACES, _oe.CrewLimited, _oe.CrewSlotAdded, _oe.SlotDropped)
_SHIP_MOVES = (_oe.ShipAssigned, _oe.ShipReleased, _oe.SlotDropped)

FIELDS: Final[Mapping[str, tuple[Field, ...]]] = MappingProxyType(
    {
        "organisation": (
            Field("name", "organisation.rename", organisation.Renamed, _all("names"), closed=_archived),
            Field(
                "description", "organisation.describe", organisation.Described,
                reads=attrgetter("profile"), writes=(organisation.Described,), words=organisation.Description,
                closed=_archived,
            ),
            Field(
                "tag", "organisation.set-sid", organisation.SidSet,
                reads=attrgetter("sid"), writes=(organisation.Founded, organisation.SidSet), closed=_archived,
            ),
        ),
        "role": (Field("template", "role.change", role.Changed, _all("templates"), closed=_withdrawn),),
        "member": (
            Field("joining", "member.confirm", member.Confirmed, _joining),
            Field("claim", "member.settle-claim", member.Claimed, _all("claims"), noun="member"),
            Field(
                "profile", "member.change-profile", member.ProfileChangedFor, own=_itself,
                reads=attrgetter("profile"), writes=(member.Recorded, member.ProfileChanged), words=member.Profile,
            ),
            Field(
                "note", "member.note", member.Noted,
                reads=attrgetter("note"), writes=(member.Noted,), words=member.Note,
            ),
        ),
        "ship": (
            Field("owner", "ship.settle-owner", _se.TransferredFor, _all("owners"), noun="owner"),
            Field("loan", "ship.settle-loan", _se.ReturnedFor, _all("loans"), own=_owner, noun="member"),
            Field("fleet", "ship.assign", _se.AssignedFor, _all("fleets"), own=_owner, noun="fleet", closed=_is_gone),
            Field(
                "nickname", "ship.name", _se.NamedFor, own=_owner, words=_se.Nickname,
                reads=attrgetter("nickname"), writes=(_se.Named, _se.WordsRestored), closed=_is_gone,
            ),
            Field(
                "details", "hangar.import", _se.DetailedFor, own=_owner, words=_se.Details,
                reads=attrgetter("details"),
                writes=(_se.Added, _se.AddedFor, _se.Shared, _se.Detailed, _se.WordsRestored), closed=_is_gone,
            ),
        ),
        "fleet": (
            Field("name", "fleet.rename", fleet.Renamed, _all("names"), closed=_disbanded),
            Field("lead", "fleet.assign-lead", fleet.LeadAssigned, _all("leads"), noun="member", closed=_disbanded),
        ),
        "squadron": (
            Field("name", "squadron.rename", squadron.Renamed, _all("names"), closed=_disbanded),
            Field(
                "lead", "squadron.assign-lead", squadron.LeadAssigned, _all("leads"), noun="member", closed=_disbanded
            ),
            Field(
                "fleet", "squadron.move", squadron.Moved, noun="fleet",
                reads=attrgetter("fleet"), writes=(squadron.Formed, squadron.Moved), closed=_disbanded,
            ),
        ),
        "operation": (
            Field("name", "operation.rename", _oe.Renamed, _all("names")),
            Field("window", "operation.reschedule", _oe.Rescheduled, _all("windows")),
            Field("objective", "operation.describe", _oe.Described, _all("objectives"), words=_oe.Objective),
            Field("lead", "operation.assign-lead", _oe.LeadAssigned, _all("leads"), noun="member"),
            Field("course", "operation.reinstate", _oe.Reinstated, _all("calls")),
            Field(
                "place", "operation.sign-up", _oe.SignedUpFor, met=_places, when=_PLACE_MOVES, noun="member",
                reads=lambda operation: manifest(operation).crew, writes=_PLACES, closed=_is_over,
            ),
            Field(
                "crew", "operation.take-slot", _oe.SlotTakenFor, _crew, when=_CREW_MOVES, noun="member",
                closed=_is_over,
            ),
            Field(
                "ship", "operation.assign-ship", _oe.ShipAssigned, _ships, when=_SHIP_MOVES, noun="ship",
                closed=_is_over,
            ),
        ),
        "contact": (
            Field("name", "contact.rename", contact.Renamed, _all("names"), closed=_archived),
            Field("space", "contact.identify", contact.Identified, _all("spaces"), noun="space", closed=_archived),
            Field("stance", "contact.set-stance", contact.StanceSet, _all("stances"), closed=_has_no_stance),
            Field(
                "tag", "contact.set-sid", contact.SidSet,
                reads=attrgetter("sid"), writes=(contact.Recorded, contact.SidSet), closed=_archived,
            ),
            Field(
                "reported", "contact.report-stance", contact.StanceReported,
                reads=attrgetter("reported"), writes=(contact.StanceReported,), closed=_archived,
            ),
            Field(
                "note", "contact.note", contact.Noted,
                reads=attrgetter("note"), writes=(contact.Noted,), words=contact.ContactNote, closed=_archived,
            ),
        ),
        "treaty": (
            Field(
                "terms", "treaty.choose-terms", _te.TermsChosen, _all("drafts"), words=_te.TreatyTerms,
                closed=_is_done,
            ),
            Field("agreement", "treaty.sign", _te.Signed, _all("agreements"), words=_te.TreatyTerms, closed=_is_done),
            Field("standing", "treaty.reinstate", _te.Reinstated, _standing),
        ),
        "character": (
            Field(
                "sheet", "character.describe", character.Described, _all("sheets"),
                own=_player, words=character.CharacterSheet,
            ),
        ),
        "player": (
            Field("main", "character.choose-main", player.MainChosen, _all("mains"), own=_itself, noun="character"),
        ),
        "machine": (
            Field(
                "name", "device.name", machine.Named, own=_namer, words=machine.MachineName,
                reads=attrgetter("name"), writes=(machine.Named,),
            ),
        ),
    }
)  # fmt: skip
"""By the name of the fold."""


def id_of(value: Any) -> bytes | None:
    """The id that a value is, or is about: a member, a ship, a fleet, an entry."""
    match value:
        case bytes():
            return value or None
        case Owner(_, id_):
            return id_
        case Loan(borrower):
            return borrower
        case _:
            return None


def concerns(field: Field, thing: Id, state: Any, contest: Contest, member: Id) -> bool:
    """Whether it is his own, or one of the values is he: such as two who were made the lead at once."""
    return field.own(thing, state) == member or any(id_of(each.value) == member for each in contest.rivals)


def field_of(kind: str, name: str) -> Field | None:
    """A field of a kind of thing, if there is one."""
    return next((each for each in FIELDS.get(kind, ()) if each.name == name), None)
