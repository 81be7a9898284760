"""Saying a value again: for each field that can be contested, the verb that sets it to a value of its past.

Settling chooses among values that stand against each other; undoing goes back to the one from before. Both say it by
the ordinary verb, with its rights and its checks. Words are read from the entry that holds them and written anew.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from scmanager.application.desk import Desk
from scmanager.application.verbs import VERBS
from scmanager.domain import hangar
from scmanager.domain import operation_crew as crew
from scmanager.domain.catalogue import CHARACTERS, MACHINES, OPERATIONS, SHIPS, TREATIES
from scmanager.domain.character import Character, CharacterSheet
from scmanager.domain.clash import Rival
from scmanager.domain.contact import ContactNote
from scmanager.domain.diplomacy import Side, Stance
from scmanager.domain.event import Id, Personal
from scmanager.domain.machine import Machine, MachineName
from scmanager.domain.member import Note, Profile, RemovalReason
from scmanager.domain.operation_events import Cancellation, Objective
from scmanager.domain.operation_parts import Call, Stage, Window
from scmanager.domain.organisation import Description
from scmanager.domain.role import Template
from scmanager.domain.ship import Ship, owned_by
from scmanager.domain.ship_events import Nickname, OwnerKind, WordsRestored, WordsRestoredFor
from scmanager.domain.treaty import Treaty
from scmanager.domain.treaty_events import EndReason
from scmanager.errors import Refused
from scmanager.spaces.personal import Absence


class WordsGone(Refused):
    """The words to be said again cannot be read here ({why})."""

    code = "words-gone"
    hint = "Write them anew with the ordinary command."


class Step(msgspec.Struct, frozen=True):
    """Something to be said: a verb and its arguments."""

    verb: str
    arguments: dict[str, Any]
    act: Callable[[Desk], None] | None = None
    """What to do instead, where no verb of that name says it alone."""
    private: bool = False
    """Whether its arguments are words, which are told nowhere but in the event itself."""

    @property
    def told(self) -> str:
        """What it says, in one line; without personal words."""
        shown = {
            name: value.hex() if isinstance(value, bytes) else str(value)
            for name, value in self.arguments.items()
            if isinstance(value, bytes) or not self.private
        }
        words = " (with the words it had)" if self.private else ""
        return f"{self.verb} {', '.join(f'{name} {value}' for name, value in shown.items())}".strip() + words

    def take(self, desk: Desk) -> None:
        """Say it. Raises what the verb raises."""
        if self.act is not None:
            self.act(desk)
        else:
            VERBS[self.verb].act(desk, **self.arguments)


class Again(msgspec.Struct, frozen=True):
    """What is to be said again: a field of a thing, and the value with the entry that set it."""

    thing: Id
    part: Id
    value: Any
    """The value; for words the entry that holds them, or the words themselves. None for none."""
    entry: bytes = b""
    """The entry that set it; empty for a new value."""


Say = Callable[[Desk, Again], Step]


def again_of(thing: Id, part: Id, rival: Rival) -> Again:
    """One of the values that stand against each other, to be said again."""
    return Again(thing, part, rival.value, rival.entry)


def _plain(verb: str, thing: str | None, argument: str, none: str = "") -> Say:
    """A verb of a thing and one value; `none`: the verb that says there is none."""

    def say(_desk: Desk, said: Again) -> Step:
        ids = {thing: said.thing} if thing else {}
        return Step(none, ids) if none and not said.value else Step(verb, ids | {argument: said.value})

    return say


def _worded(verb: str, thing: str | None, kind: type[Personal], **names: str) -> Say:
    """A verb that writes words; `names`: which field of the words each argument is."""

    def say(desk: Desk, said: Again) -> Step:
        words = words_of(desk, said.value, kind)
        told = {name: getattr(words, field) if words else "" for name, field in names.items()}
        if isinstance(said.value, Personal):  # One text was typed: the rest of the words stays.
            told = dict(list(told.items())[:1])
        return Step(verb, ({thing: said.thing} if thing else {}) | told, private=True)

    return say


def words_of(desk: Desk, value: Any, kind: type[Personal]) -> Any:
    """The words of an entry, or those given; None where there are none. Raises WordsGone."""
    if isinstance(value, Personal) or not value:
        return value or None
    found = desk.words_in(desk.space, value, kind)
    if isinstance(found, Absence):
        raise WordsGone(why=found.value)
    return found


def _details(desk: Desk, said: Again) -> Step:
    one: Ship = desk.state(SHIPS, said.thing)

    def act(at: Desk) -> None:
        before = at.recorded
        at.decide(SHIPS, said.thing, hangar.restore_words, at.me, one.nickname, said.value or b"")
        if at.recorded == before:  # They stand already; that they shall is to be said all the same.
            restored = WordsRestored if owned_by(one, at.me) else WordsRestoredFor
            at.record(SHIPS, said.thing, restored(one.nickname or None, one.details or None))

    return Step("ship.details", {"ship_id": said.thing}, act)


def _template(_desk: Desk, said: Again) -> Step:
    template: Template = said.value
    told = {"title": template.title, "rank": template.rank, "rights": template.rights}
    return Step("role.change", {"role_id": said.thing, **told})


def _joining(_desk: Desk, said: Again) -> Step:
    if said.value == "joined":
        return Step("member.confirm", {"member_id": said.thing})
    return Step("member.remove", {"member_id": said.thing, "reason": RemovalReason.OTHER})


def _owner(desk: Desk, said: Again) -> Step:
    one: Ship = desk.state(SHIPS, said.thing)
    verb = "ship.settle-owner" if one.rival_owners else "ship.transfer"
    mine = said.value.kind is OwnerKind.MEMBER
    return Step(verb, {"ship_id": said.thing} | ({"owner": said.value.id} if mine else {"organisation": True}))


def _loan(_desk: Desk, said: Again) -> Step:
    return Step("ship.settle-loan", {"ship_id": said.thing, "borrower": said.value.borrower})


def _window(_desk: Desk, said: Again) -> Step:
    window: Window = said.value
    times = {"starts_s": window.starts, "ends_s": window.ends, "zone": window.zone}
    return Step("operation.reschedule", {"operation_id": said.thing, **times})


def _course(desk: Desk, said: Again) -> Step:
    """What became of an operation, with the words that went along when it was called off."""
    call, ids = said.value or Call(Stage.PLANNED), {"operation_id": said.thing}
    match call.stage:
        case Stage.PLANNED:
            return Step("operation.reinstate", ids)
        case Stage.STARTED:
            return Step("operation.start", ids)
        case Stage.COMPLETED:
            return Step("operation.complete", ids | {"outcome": call.outcome})
        case Stage.CANCELLED:
            pass
    words = desk.words_in(desk.space, said.entry, Cancellation)
    text = words.text if isinstance(words, Cancellation) else ""
    return Step("operation.cancel", ids | {"reason": call.reason, "text": text}, private=bool(text))


def _in_slot(verb: str, argument: str, none: str) -> Say:
    def say(_desk: Desk, said: Again) -> Step:
        ids = {"operation_id": said.thing, "slot": said.part}
        return Step(verb, ids | {argument: said.value}) if said.value else Step(none, ids)

    return say


def _place(desk: Desk, said: Again) -> Step:
    """Who comes of those that signed up at once."""
    thing = desk.space.thing(OPERATIONS, said.thing)
    open_ = (each for each in thing.contests() if not each.settled and each.field == "place") if thing else ()
    rivals = tuple(each.value for contest in open_ for each in contest.rivals)
    told = {"operation_id": said.thing, "member_id": said.value}

    def act(at: Desk) -> None:
        at.decide(OPERATIONS, said.thing, crew.give_place, said.value, rivals)

    return Step("operation.sign-up", told, act if said.value in rivals else None)


def _stance(_desk: Desk, said: Again) -> Step:
    """Neutral where none was taken."""
    return Step("contact.set-stance", {"contact_id": said.thing, "stance": said.value or Stance.NEUTRAL})


def _standing(desk: Desk, said: Again) -> Step:
    """A treaty that was agreed to while it was dropped: it holds, or it is ended after all."""
    if said.value == "agreed":
        return Step("treaty.reinstate", {"treaty_id": said.thing})
    one: Treaty = desk.state(TREATIES, said.thing)
    by = one.dropped.by if one.dropped else Side.US
    return Step("treaty.end", {"treaty_id": said.thing, "reason": EndReason.CANCELLED, "by": by})


def _sheet(desk: Desk, said: Again) -> Step:
    one: Character = desk.state(CHARACTERS, said.thing)
    if said.value in (one.sheet, *one.rival_sheets) and one.rival_sheets:
        return Step("character.settle-sheet", {"character_id": said.thing, "sheet": said.value})
    words = words_of(desk, said.value, CharacterSheet)
    return Step("character.describe", {"character_id": said.thing} | msgspec.structs.asdict(words), private=True)


def _machine(desk: Desk, said: Again) -> Step:
    one: Machine = desk.state(MACHINES, said.thing)
    words = words_of(desk, said.value, MachineName)
    return Step("device.name", {"device": one.device, "name": words.text if words else ""}, private=True)


SAY: Final[Mapping[tuple[str, str], Say]] = MappingProxyType(
    {
        ("organisation", "name"): _plain("organisation.rename", None, "title"),
        ("organisation", "description"): _worded("organisation.describe", None, Description, text="text"),
        ("organisation", "tag"): _plain("organisation.set-sid", None, "sid"),
        ("role", "template"): _template,
        ("member", "joining"): _joining,
        ("member", "claim"): _plain("member.settle-claim", "member_id", "by"),
        ("member", "profile"): _worded(
            "member.change-profile", "member_id", Profile, handle="handle", display_name="display_name"
        ),
        ("member", "note"): _worded("member.note", "member_id", Note, text="text"),
        ("ship", "owner"): _owner,
        ("ship", "loan"): _loan,
        ("ship", "fleet"): _plain("ship.assign", "ship_id", "fleet_id", "ship.unassign"),
        ("ship", "nickname"): _worded("ship.name", "ship_id", Nickname, nickname="text"),
        ("ship", "details"): _details,
        ("fleet", "name"): _plain("fleet.rename", "fleet_id", "title"),
        ("fleet", "lead"): _plain("fleet.assign-lead", "fleet_id", "member_id", "fleet.relieve-lead"),
        ("squadron", "name"): _plain("squadron.rename", "squadron_id", "title"),
        ("squadron", "lead"): _plain("squadron.assign-lead", "squadron_id", "member_id", "squadron.relieve-lead"),
        ("squadron", "fleet"): _plain("squadron.move", "squadron_id", "fleet_id", "squadron.move"),
        ("operation", "name"): _plain("operation.rename", "operation_id", "title"),
        ("operation", "window"): _window,
        ("operation", "objective"): _worded(
            "operation.describe", "operation_id", Objective, objective="objective", place="place"
        ),
        ("operation", "lead"): _plain("operation.assign-lead", "operation_id", "member_id", "operation.relieve-lead"),
        ("operation", "course"): _course,
        ("operation", "place"): _place,
        ("operation", "crew"): _in_slot("operation.take-slot", "member_id", "operation.leave-slot"),
        ("operation", "ship"): _in_slot("operation.assign-ship", "ship_id", "operation.release-ship"),
        ("contact", "name"): _plain("contact.rename", "contact_id", "title"),
        ("contact", "space"): _plain("contact.identify", "contact_id", "space_id"),
        ("contact", "stance"): _stance,
        ("contact", "tag"): _plain("contact.set-sid", "contact_id", "sid"),
        ("contact", "reported"): _plain("contact.report-stance", "contact_id", "stance"),
        ("contact", "note"): _worded("contact.note", "contact_id", ContactNote, text="text"),
        ("treaty", "terms"): _plain("treaty.choose-terms", "treaty_id", "terms"),
        ("treaty", "agreement"): _plain("treaty.sign", "treaty_id", "terms"),
        ("treaty", "standing"): _standing,
        ("character", "sheet"): _sheet,
        ("player", "main"): _plain("character.choose-main", None, "character_id", "character.drop-main"),
        ("machine", "name"): _machine,
    }
)
"""By kind of thing and field: one for each of `clash_fields.FIELDS`."""
