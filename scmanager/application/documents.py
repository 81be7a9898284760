"""Documents: texts that several write, of an organisation, an operation, a treaty or a character (SPEC M3).

Whoever may say the short words about a thing may write its documents. Edits made at the same time are merged.
"""

from typing import Any

from scmanager.application.desk import Desk, Quoted
from scmanager.application.drafting import AtDesk, Drafting
from scmanager.application.inverses import final, like
from scmanager.application.verbs import EntryId, ThingId, verb
from scmanager.domain import character, document, negotiation, operation_flow, operation_rules, organisation
from scmanager.domain.catalogue import CHARACTERS, DOCUMENTS, OPERATIONS, ORGANISATIONS, TREATIES
from scmanager.domain.document import Kind, Made, Text
from scmanager.domain.event import Id, Id32
from scmanager.errors import Refused
from scmanager.spaces.documents import ChangeUnknown, Place, Step
from scmanager.spaces.scribe import Draft, Told

Result = dict[str, Any]


class KindElsewhere(Refused):
    """A document of the kind {kind} does not belong into a space of the kind {space}."""

    code = "document-kind-elsewhere"
    hint = "A character's sheet lies in your personal space (--personal), all others in an organisation's."


class ThingUnknown(Refused):
    """There is nothing here that has a document of the kind {kind} under this id."""

    code = "document-thing-unknown"
    hint = "Name the organisation for its charter, an operation for its briefing or report, a treaty, a character."


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
    made = drafting.documents.write(
        place, lambda known, reading: _draft(drafting, place, known, base or reading.heads, wanted)
    )
    return lambda desk: _record(desk, drafting, place, made)


@verb("document.undo", "org", "personal", drafted=True, undo=like("document.edit"))
def undo(drafting: Drafting, *, thing_id: ThingId, kind: Kind, change: EntryId | None = None) -> AtDesk:
    """Take back what a change did, or your last one: later edits stay. What is undone can be undone again."""
    place = _place(drafting, thing_id, kind)
    steps = drafting.documents.usable(place)
    first, last = _meant(steps, drafting.me, change)
    before = drafting.documents.text_at(place, first.deps)
    made = drafting.documents.write(place, lambda known, _: _draft(drafting, place, known, (last.change,), before))
    return lambda desk: _record(desk, drafting, place, made)


def _place(drafting: Drafting, thing_id: Id, kind: Kind) -> Place:
    return Place(drafting.space.id, thing_id, kind, document.owner_of(kind, drafting.me))


def _draft(drafting: Drafting, place: Place, text: Text, base: tuple[Id32, ...], wanted: str) -> Draft:
    """What the scribe needs: the usual actor goes on counting, a spare one writes where it cannot."""
    if len(base) > document.DEPS_MAX:
        raise document.DocumentScattered(count=len(base), most=document.DEPS_MAX)
    actor, spare = (_actor(drafting, place, more) for more in (b"", drafting.command))
    return Draft(tuple(sorted(set(base))), wanted, actor, text.number(actor) + 1, spare)


def _salt(drafting: Drafting, more: bytes) -> Id:
    return document.salt_of(drafting.log, drafting.grant.id, more)


def _actor(drafting: Drafting, place: Place, more: bytes) -> Id:
    return document.actor_of(drafting.me, place.entity, place.kind, _salt(drafting, more))


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


def _record(desk: Desk, drafting: Drafting, place: Place, made: tuple[Told, ...]) -> Result:
    """Each change as an event of its own, the bytes beside it. Raises DocumentMoved, and what forbids it."""
    subject = _check_thing(desk, place.kind, place.entity)
    salts = {_actor(drafting, place, more): _salt(drafting, more) for more in (b"", drafting.command)}
    for told in made:
        one = Made(told.change, told.actor, salts[told.actor], told.number, told.deps)
        for event in document.change(desk.state(DOCUMENTS, place.entity), place.entity, desk.me, place.kind, one):
            desk.record(DOCUMENTS, place.entity, Quoted(event, ((subject, told.data),)))  # type: ignore[arg-type] # no words of its own
    return {"thing": place.entity.hex(), "changes": [told.change.hex() for told in made]}


def _check_thing(desk: Desk, kind: Kind, thing: Id) -> Id:
    """Under whose key the words are sealed: the document's own, the contact's, or the player's.

    Raises what forbids writing it.
    """
    if (kind is Kind.SHEET) is not (desk.space.kind == "personal"):
        raise KindElsewhere(kind=kind.value, space=desk.space.kind)
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
            character.check_own(desk.state(CHARACTERS, thing), desk.me)
            return desk.me
        case _:
            raise ThingUnknown(kind=kind.value)
    return document.subject_of(thing, kind)
