"""Documents: what people write together of one thing, as a graph of Automerge changes (SPEC M3).

Part 0 says of each change its hash, its actor, its number and what it depends on; the change's bytes lie in a part of
their own, and this module never sees them. A change counts once all it depends on counts, whatever order a merge
hands it in; of two changes with one actor and number the first in fold order counts. So every replica has one graph.
A hash alone is nobody's: several actors may each say they wrote it, and the bytes tell who did. None of them keeps
another's change from counting.

What was counted can be left out again, by who ranks above its author (`leaving`): it stays in the graph, and the text
is made without it and without what builds on it.

What is one's own needs no right (a character's sheet); each other kind is an event type of its own, with its right.
"""

import enum
import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta

from scmanager.domain.change_graph import ChangeGraph, Link, counted
from scmanager.domain.event import Decision, Envelope, Event, Id, Id32, State, replace
from scmanager.domain.payload import INT_MAX, Entries, Entry, Id16
from scmanager.domain.subject import nobodys
from scmanager.domain.words import check_words
from scmanager.errors import Conflict, Refused

TEXT_BYTES_MAX: Final = 1 << 20
"""Of one document, as UTF-8."""
TYPED_MAX: Final = 1 << 21
"""Characters ever put into one document or taken out of it. What comes after that is left out, everywhere alike."""
CHANGE_COST: Final = 32
"""Characters that a change counts for beside its own: it needs as much memory to be read."""
DEPS_MAX: Final = 1000
"""Changes that one change builds on: as many can be made at once, before somebody who knows them all writes."""
LEAVINGS_MAX: Final = 64
"""That stand in one document at a time."""

Number = Annotated[int, Meta(ge=1, le=INT_MAX)]
Hashes = Annotated[tuple[Entry, ...], Meta(min_length=1, max_length=DEPS_MAX)]
"""Of changes."""
Moment = Annotated[int, Meta(ge=0, le=INT_MAX)]
"""UTC microseconds, as entries are dated; 0 is never."""


class Kind(enum.StrEnum):
    """What a document is to the thing it belongs to."""

    CHARTER = "charter"
    """Of an organisation."""
    BRIEFING = "briefing"
    """Of an operation, before it."""
    REPORT = "report"
    """Of an operation, after it."""
    TREATY = "treaty"
    """The wording of a treaty while it is talked about. What binds are its terms, which are signed one by one."""
    SHEET = "sheet"
    """Of a character, by its player."""


class Changed(Event):
    """A change of a document; its bytes are in part 1. `salt` makes the actor: see `actor_of`."""

    change: Entry
    actor: Id16
    salt: Id16
    number: Number
    deps: Hashes


class CharterChanged(Changed, tag="document.charter-changed/1"):
    """Of the organisation's charter."""


class BriefingChanged(Changed, tag="document.briefing-changed/1"):
    """Of an operation's briefing."""


class ReportChanged(Changed, tag="document.report-changed/1"):
    """Of an operation's after-action report."""


class TreatyChanged(Changed, tag="document.treaty-changed/1"):
    """Of a treaty's wording."""


class SheetChanged(Changed, tag="document.sheet-changed/1"):
    """Of a character's sheet, by its player."""


class LeftOut(Event, tag="document.left-out/1"):
    """Changes are left out of the text: the named ones, and what is dated in a span, by one author or by all.

    Of those, what its author wrote himself and what was written at a lower rank. Why stands in words of its own.
    """

    document: Kind
    entries: Entries = ()
    """That brought the named changes."""
    author: Id16 | None = None
    """Whose, of the span; nobody named: everybody's."""
    since: Moment = 0
    until: Moment = 0
    """The last moment of the span; 0: there is none."""


class TakenIn(Event, tag="document.taken-in/1"):
    """What somebody left out counts again, unless something else leaves it out too."""

    document: Kind
    left: Entry
    """The entry that left it out."""


DocumentEvent = CharterChanged | BriefingChanged | ReportChanged | TreatyChanged | SheetChanged | LeftOut | TakenIn

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        CharterChanged.tag: Kind.CHARTER,
        BriefingChanged.tag: Kind.BRIEFING,
        ReportChanged.tag: Kind.REPORT,
        TreatyChanged.tag: Kind.TREATY,
        SheetChanged.tag: Kind.SHEET,
    }
)
"""By event tag."""


class Leaving(State):
    """What somebody left out, while it stands."""

    entry: Id32
    member: Id
    rank: int
    hlc: int
    said: LeftOut

    def names(self, change: Envelope) -> bool:
        """Whether it is about the change that came with this, and by somebody who may say so."""
        if self.member != change.member and self.rank >= change.rank:
            return False
        inside = self.said.since <= change.hlc <= self.said.until
        return change.entry in self.said.entries or (inside and self.said.author in (None, change.member))


class Text(ChangeGraph, kw_only=True):
    """One document: the changes that count, how they end, and what of them is left out."""

    kind: Kind
    owner: Id = b""
    """Whose alone it is: of sheets."""
    leavings: tuple[Leaving, ...] = ()
    """What is left out of it, in fold order: the first LEAVINGS_MAX that stand."""


class Document(State):
    """What is written of one thing."""

    texts: tuple[Text, ...] = ()

    def text(self, kind: Kind, owner: Id = b"") -> Text:
        """One document; empty if nobody wrote it. `owner` matters for sheets alone."""
        return next(
            (each for each in self.texts if each.kind is kind and each.owner == owner), Text(kind=kind, owner=owner)
        )


class Made(State):
    """A change that was made and is to be recorded; its bytes go beside it."""

    change: Id32
    actor: Id
    salt: Id
    number: int
    deps: tuple[Id32, ...]


class DocumentTooLong(Refused):
    """This text has {bytes} bytes, {most} are allowed."""

    code = "document-too-long"
    hint = "Shorten it, or put a part of it elsewhere."


class DocumentMoved(Conflict):
    """The document was changed while your change was made."""

    code = "document-moved"
    hint = "Nothing was recorded. Send the same change again."


def actor_of(member: Id, entity: Id, kind: Kind, salt: Id) -> Id:
    """The Automerge actor (16 bytes) that a member writes a document under: nobody else can write as it."""
    said = b"scm/document-actor/1\n" + member + entity + kind.value.encode() + b"\n" + salt
    return hashlib.sha3_256(said).digest()[:16]


def salt_of(log: Id32, grant: Id32, more: bytes = b"") -> Id:
    """What makes a member's actor: another for each log and each grant he acts by.

    Whoever writes an actor's changes must know all earlier ones; a log that was given up, or a grant with void
    entries, may hide some. `more` makes one for a single change.
    """
    return hashlib.sha3_256(b"scm/document-salt/1\n" + log + grant + more).digest()[:16]


def subject_of(entity: Id, kind: Kind) -> Id:
    """Whose key seals a document that is nobody's own: its own, so that no member's erasure takes it along."""
    return nobodys(hashlib.sha3_256(b"scm/document-subject/1\n" + entity + kind.value.encode()).digest())


def shared_by(document: Document, member: Id) -> tuple[Kind, ...]:
    """The documents of a thing that a member wrote in and that are not his alone: they outlast his erasure."""
    return tuple(each.kind for each in document.texts if not each.owner and member in each.authors)


def owner_of(kind: Kind, member: Id) -> Id:
    """Whose document it is, if it is one member's alone; else nobody's."""
    return member if kind is Kind.SHEET else b""


def check_text(text: str) -> str:
    """The text, if a document may say it; it may be empty. Raises WordsUnusable, DocumentTooLong."""
    size = len(check_words(text, TEXT_BYTES_MAX, may_be_empty=True).encode())
    if size > TEXT_BYTES_MAX:
        raise DocumentTooLong(bytes=size, most=TEXT_BYTES_MAX)
    return text


def change(document: Document, entity: Id, member: Id, kind: Kind, made: Made) -> Iterator[Decision]:
    """Record a change that was made of the document as it was. Raises DocumentMoved if it no longer fits it."""
    text = document.text(kind, owner_of(kind, member))
    fits = made.number == text.number(made.actor) + 1 and all(map(text.knows, made.deps))
    if not fits or made.actor != actor_of(member, entity, kind, made.salt):
        raise DocumentMoved
    said = (made.change, made.actor, made.salt, made.number, made.deps)
    match kind:
        case Kind.CHARTER:
            yield CharterChanged(*said)
        case Kind.BRIEFING:
            yield BriefingChanged(*said)
        case Kind.REPORT:
            yield ReportChanged(*said)
        case Kind.TREATY:
            yield TreatyChanged(*said)
        case Kind.SHEET:
            yield SheetChanged(*said)


def evolve(document: Document, event: DocumentEvent, envelope: Envelope) -> Document:
    """Total. Edits at the same time both count: Automerge merges them. Nothing here is ever contested.

    A change under an actor that is not its author's counts for nothing, nor does one whose number his actor has used.
    """
    if isinstance(event, LeftOut | TakenIn):
        text = document.text(event.document, owner_of(event.document, envelope.member))
        return _replaced(document, text, _leave(text, event, envelope))
    kind = KINDS[event.tag]
    owner = owner_of(kind, envelope.member)
    if event.actor != actor_of(envelope.member, envelope.entity, kind, event.salt):
        return document
    text = document.text(kind, owner)
    link = Link(event.change, event.actor, event.number, event.deps, envelope.entry, envelope.member)
    return _replaced(document, text, counted(text, link))


def _replaced(document: Document, text: Text, by: Text) -> Document:
    if by is text:
        return document
    others = tuple(each for each in document.texts if (each.kind, each.owner) != (text.kind, text.owner))
    return replace(document, texts=(*others, by))


def _leave(text: Text, event: LeftOut | TakenIn, envelope: Envelope) -> Text:
    """Who ranks no lower than whoever left something out may take it in again. Too many at a time do not count."""
    if isinstance(event, LeftOut):
        if len(text.leavings) >= LEAVINGS_MAX or any(each.entry == envelope.entry for each in text.leavings):
            return text
        leaving = Leaving(envelope.entry, envelope.member, envelope.rank, envelope.hlc, event)
        return replace(text, leavings=(*text.leavings, leaving))
    kept = tuple(each for each in text.leavings if each.entry != event.left or envelope.rank > each.rank)
    return replace(text, leavings=kept) if kept != text.leavings else text
