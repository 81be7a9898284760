"""Documents: texts that several write, of an organisation, an operation, a treaty or a character (SPEC M3).

Whoever may say the short words about a thing may write its documents. Edits made at the same time are merged.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from scmanager.application.desk import Desk, Quoted
from scmanager.application.drafting import AtDesk, Drafting
from scmanager.application.inverses import final, like
from scmanager.application.verbs import EntryId, ThingId, verb
from scmanager.domain import character, document, negotiation, operation_flow, operation_rules, organisation
from scmanager.domain.catalogue import CHARACTERS, DOCUMENTS, OPERATIONS, ORGANISATIONS, TREATIES
from scmanager.domain.document import Kind, Leaving, Made, Text
from scmanager.domain.event import Id, Id32
from scmanager.errors import Refused
from scmanager.spaces.document_history import Step
from scmanager.spaces.documents import ChangeUnknown, Place
from scmanager.spaces.scribe import Draft, Reading, Told

Result = dict[str, Any]


class KindElsewhere(Refused):
    """A document of the kind {kind} does not belong into a space of the kind {space}."""

    code = "document-kind-elsewhere"
    hint = "A character's sheet lies in your personal space (--personal), all others in an organisation's."


class ThingUnknown(Refused):
    """There is nothing here that has a document of the kind {kind} under this id."""

    code = "document-thing-unknown"
    hint = "Name the organisation for its charter, an operation for its briefing or report, a treaty, a character."


class DocumentScattered(Refused):
    """This document has {count} versions that nobody brought together; {most} at most can be."""

    code = "document-scattered"
    hint = "Name fewer in `base`, or leave out what somebody made on purpose: scm document leave-out."


class NothingToUndo(Refused):
    """You changed nothing in this document."""

    code = "document-nothing-to-undo"
    hint = "Name the change to be undone; the history lists them: scm document history."


@verb(
    "document.edit", "org", "personal", drafted=True,
    undo=final(
        "edits of others may stand on it; they stay when you take yours back: scm document undo.",
        document.CharterChanged, document.BriefingChanged, document.ReportChanged, document.TreatyChanged,
        document.SheetChanged,
    ),
)  # fmt: skip
def edit(drafting: Drafting, *, thing_id: ThingId, kind: Kind, text: str, base: tuple[EntryId, ...] = ()) -> AtDesk:
    """Write a document anew: only what differs is changed, so that edits at the same time merge.

    `base`: the changes that the text you edited ended with, if it was not the present one.
    """
    wanted = document.check_text(text)
    place = _place(drafting, thing_id, kind)
    return _drafted(drafting, place, lambda heads: base or heads, wanted)


@verb("document.undo", "org", "personal", drafted=True, undo=like("document.edit"))
def undo(drafting: Drafting, *, thing_id: ThingId, kind: Kind, change: EntryId | None = None) -> AtDesk:
    """Take back what a change did, or your last one: later edits stay. What is undone can be undone again."""
    place = _place(drafting, thing_id, kind)
    steps = drafting.documents.usable(place)
    first, last = _meant(steps, drafting.me, change)
    before = drafting.documents.text_at(place, first.deps)
    return _drafted(drafting, place, lambda _: (last.change,), before)


def _place(drafting: Drafting, thing_id: Id, kind: Kind) -> Place:
    return Place(drafting.space.id, thing_id, kind, document.owner_of(kind, drafting.me))


class _Hand(msgspec.Struct, frozen=True):
    """Whom a member writes one document as, while nothing more is left out of it."""

    salts: Mapping[Id, Id]
    """The usual actor's, then that of a spare one which never wrote."""
    leavings: tuple[Leaving, ...]


def _hand(drafting: Drafting, place: Place, text: Text) -> _Hand:
    """Where something is left out the usual actor is another: what follows his changes may be left out with them."""
    usual = b"".join(each.entry for each in text.leavings)
    salts = [document.salt_of(drafting.log, drafting.grant.id, more) for more in (usual, drafting.command)]
    actors = {document.actor_of(drafting.me, place.entity, place.kind, salt): salt for salt in salts}
    return _Hand(actors, text.leavings)


def _drafted(
    drafting: Drafting, place: Place, base: Callable[[tuple[Id32, ...]], tuple[Id32, ...]], wanted: str
) -> AtDesk:
    """Have the changes made that lead from `base` (of the present heads) to the text."""
    hands: list[_Hand] = []

    def draft(text: Text, reading: Reading) -> Draft:
        at = tuple(sorted(set(base(reading.heads))))
        if len(at) > document.DEPS_MAX:
            raise DocumentScattered(count=len(at), most=document.DEPS_MAX)
        hands.append(_hand(drafting, place, text))
        actor, spare = hands[-1].salts
        return Draft(at, wanted, actor, text.number(actor) + 1, spare)

    made = drafting.documents.write(place, draft)
    return lambda desk: _record(desk, place, hands[-1], made)


def _meant(steps: tuple[Step, ...], me: Id, change: Id32 | None) -> tuple[Step, Step]:
    """The first and the last change of the command that is to be undone: a long text is several changes.

    Raises ChangeUnknown, NothingToUndo.
    """
    if change is None:
        meant = next((each for each in reversed(steps) if each.envelope.member == me), None)
        if meant is None:
            raise NothingToUndo
    else:
        meant = next((each for each in steps if each.change == change), None)
        if meant is None:
            raise ChangeUnknown(change=change.hex())
    author = (meant.envelope.member, meant.envelope.command)
    whole = [each for each in steps if (each.envelope.member, each.envelope.command) == author]
    return whole[0], whole[-1]


def _record(desk: Desk, place: Place, hand: _Hand, made: tuple[Told, ...]) -> Result:
    """Each change as an event of its own, the bytes beside it. Raises DocumentMoved, and what forbids it."""
    subject = _check_thing(desk, place.kind, place.entity)
    if desk.state(DOCUMENTS, place.entity).text(place.kind, place.owner).leavings != hand.leavings:
        raise document.DocumentMoved
    for told in made:
        one = Made(told.change, told.actor, hand.salts[told.actor], told.number, told.deps)
        for event in document.change(desk.state(DOCUMENTS, place.entity), place.entity, desk.me, place.kind, one):
            desk.record(DOCUMENTS, place.entity, Quoted(event, ((subject, told.data),)))  # type: ignore[arg-type] # no words of its own
    return {"thing": place.entity.hex(), "changes": [told.change.hex() for told in made]}


def check_kind(desk: Desk, kind: Kind) -> None:
    """Raises KindElsewhere."""
    if (kind is Kind.SHEET) is not (desk.space.kind == "personal"):
        raise KindElsewhere(kind=kind.value, space=desk.space.kind)


def _check_thing(desk: Desk, kind: Kind, thing: Id) -> Id:
    """Under whose key the words are sealed: the document's own, the contact's, or the player's.

    Raises what forbids writing it.
    """
    check_kind(desk, kind)
    match kind:
        case Kind.CHARTER if thing == desk.organisation:
            organisation.check_open(desk.state(ORGANISATIONS, thing))
        case Kind.BRIEFING:
            operation_rules.check_editable(desk.state(OPERATIONS, thing))
        case Kind.REPORT:
            operation_flow.check_begun(desk.state(OPERATIONS, thing))
        case Kind.TREATY:
            treaty = desk.state(TREATIES, thing)
            negotiation.check_known(treaty)
            contact: Id = treaty.contact
            return contact
        case Kind.SHEET:
            character.own(desk.state(CHARACTERS, thing), desk.me)
            return desk.me
        case _:
            raise ThingUnknown(kind=kind.value)
    return document.subject_of(thing, kind)
