"""Leaving out: what somebody wrote in a document is kept from its text, and taken in again (SPEC M3).

So a document is healed into which a change has come that makes it unreadable, and one that is full begins anew. What
operation, treaty or organisation it belongs to may be over: healing is not writing.
"""

from collections.abc import Iterator
from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.documents import check_kind
from scmanager.application.inverses import Past, back, by
from scmanager.application.saying_again import Step
from scmanager.application.verbs import EntryId, MemberId, ThingId, verb
from scmanager.domain import leaving
from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.document import Changed, Document, Kind, LeftOut, TakenIn, Text, owner_of
from scmanager.domain.event import Envelope, Id, Id32
from scmanager.spaces.documents import ChangeUnknown
from scmanager.spaces.subjects import prose_in

Result = dict[str, Any]
_US = 1_000_000


def _kind(past: Past) -> Kind:
    kind: Kind = past.event.document
    return kind


def _entry(past: Past) -> Id32:
    return past.envelope.entry


def again(past: Past) -> list[Step]:
    """Left out as before: the same changes, or the same span."""
    before: Document = past.before
    text = before.text(past.event.document, owner_of(past.event.document, past.envelope.member))
    found = next((each.said for each in text.leavings if each.entry == past.event.left), None)
    if found is None:
        return []
    named = tuple(change for change, entry in text.changes() if entry in found.entries)
    told: dict[str, Any] = {"thing_id": past.thing, "kind": found.document, "changes": named}
    if found.until:
        told |= {"author": found.author, "everything": found.author is None}
        told |= {"since_s": found.since // _US, "until_s": found.until // _US}
    return [Step("document.leave-out", told)]


@verb(
    "document.leave-out", "org", "personal",
    undo=back("document.take-in", LeftOut, thing="thing_id", aspect="leaving", kind=_kind, left=_entry),
)  # fmt: skip
def leave_out(
    desk: Desk,
    *,
    thing_id: ThingId,
    kind: Kind,
    changes: tuple[EntryId, ...] = (),
    author: MemberId | None = None,
    everything: bool = False,
    since_s: int = 0,
    until_s: int = 0,
    why: str = "",
) -> Result:
    """Make a document's text without some changes and without what builds on them: named ones, an author's, or all.

    `since_s` and `until_s` narrow the latter two to a span; without an end it is until now.
    """
    check_kind(desk, kind)
    state: Document = desk.state(DOCUMENTS, thing_id)
    text = state.text(kind, owner_of(kind, desk.me))
    written = tuple(_written(desk, text))
    entries = tuple(entry for change in changes for entry in _entries(text, change))
    last = max((each.hlc for each in written), default=0)
    until = (until_s * _US + _US - 1 if until_s else last) if author or everything else 0
    said = LeftOut(kind, entries, author, since_s * _US if until else 0, until)
    me = Envelope(b"", desk.log_id, 0, 0, desk.grant.id, desk.me, desk.grant.rank, thing_id)
    desk.decide(DOCUMENTS, thing_id, leaving.leave_out, me, said, written, why, prose_in(desk.space))
    return {"thing": thing_id.hex()}


@verb("document.take-in", "org", "personal", undo=by(again, TakenIn, aspect="leaving"))
def take_in(desk: Desk, *, thing_id: ThingId, kind: Kind, left: EntryId) -> Result:
    """Let changes count again that were left out of a document. `left`: the entry that left them out."""
    check_kind(desk, kind)
    desk.decide(DOCUMENTS, thing_id, leaving.take_in, desk.me, desk.grant.rank, kind, left)
    return {"thing": thing_id.hex()}


def _written(desk: Desk, text: Text) -> Iterator[Envelope]:
    for _, entry in text.changes():
        opened = desk.space.opened(entry)
        if opened is not None and isinstance(opened.event, Changed):
            yield desk.space.envelope(opened)


def _entries(text: Text, change: Id) -> list[Id32]:
    """That brought a change: several may claim it. Raises ChangeUnknown."""
    found = [entry for each, entry in text.changes() if each == change]
    if not found:
        raise ChangeUnknown(change=change.hex())
    return found
