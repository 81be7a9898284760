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

from scmanager.domain.event import Decision, Envelope, Event, Id, Id32, State, replace
from scmanager.domain.pages import Pages, entered, found, members, moved
from scmanager.domain.payload import INT_MAX, TUPLE_MAX, Entries, Entry, Id16
from scmanager.domain.words import check_words
from scmanager.errors import Conflict, Refused

ROOT: Final = bytes.fromhex("d7776c7c30d635c598d653f66d70e450be4ef3cee792255b58e8a7e4cc0fe88f")
"""The hash of the change that every document begins with: an empty text. It is in no entry."""
TEXT_BYTES_MAX: Final = 1 << 20
"""Of one document, as UTF-8."""
TYPED_MAX: Final = 1 << 21
"""Characters ever put into one document or taken out of it. What comes after that is left out, everywhere alike."""
CHANGE_COST: Final = 32
"""Characters that a change counts for beside its own: it needs as much memory to be read."""
DEPS_MAX: Final = 1000
"""Changes that one change builds on: as many can be made at once, before somebody who knows them all writes."""
WAITING_MAX: Final = 256
"""Changes of one document that are kept while something they depend on has not come."""

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


class Link(State):
    """A change that waits for what it depends on."""

    change: Id32
    actor: Id
    number: int
    deps: tuple[Id32, ...]
    entry: Id32
    member: Id
    known: int = 0
    """So many of the first `deps` count; the next one has not come."""


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


class Text(State):
    """One document: the changes that count, and how they end."""

    kind: Kind
    owner: Id = b""
    """Whose alone it is: of sheets."""
    pages: Pages[Id32, Id32] = ()
    """The changes that count, in order, each with the entry that brought it.

    Whatever else has a hash that counts already stands under hash and entry.
    """
    ends: Pages[Id32, bool] = ({ROOT: True},)
    """The set of the changes on which no other depends."""
    end_count: int = 1
    tails: Pages[Id, int] = ()
    """How far each actor has come."""
    authors: tuple[Id, ...] = ()
    """The first 64 members who wrote it."""
    newest: Id32 = b""
    """The entry of the change that was counted last."""
    newest_by: Id = b""
    waiting: tuple[Link, ...] = ()
    leavings: tuple[Leaving, ...] = ()
    """What is left out of it, in fold order."""

    @property
    def heads(self) -> tuple[Id32, ...]:
        """The changes on which no other depends, sorted."""
        return tuple(sorted(members(self.ends)))

    @property
    def count(self) -> int:
        """How many changes count."""
        return sum(map(len, self.pages))

    def knows(self, change: Id32) -> bool:
        """Whether this change counts."""
        return change == ROOT or any(change in page for page in self.pages)

    def claims(self, change: Id32) -> int:
        """How many entries that count say they brought it."""
        return sum(each == change for each, _ in self.changes())

    def number(self, actor: Id) -> int:
        """Of the actor's newest change that counts; 0 if there is none."""
        return found(self.tails, actor) or 0

    def changes(self) -> Iterator[tuple[Id32, Id32]]:
        """(change, entry) of all that count, each after what it depends on."""
        for page in self.pages:
            for change, entry in page.items():
                yield change[: len(entry)], entry


class Document(State):
    """What is written of one thing."""

    texts: tuple[Text, ...] = ()

    def text(self, kind: Kind, owner: Id = b"") -> Text:
        """One document; empty if nobody wrote it. `owner` matters for sheets alone."""
        return next((each for each in self.texts if each.kind is kind and each.owner == owner), Text(kind, owner))


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
    return hashlib.sha3_256(b"scm/document-subject/1\n" + entity + kind.value.encode()).digest()[:16]


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
    return _replaced(document, text, _count(text, link))


def _replaced(document: Document, text: Text, by: Text) -> Document:
    if by is text:
        return document
    others = tuple(each for each in document.texts if (each.kind, each.owner) != (text.kind, text.owner))
    return replace(document, texts=(*others, by))


def _leave(text: Text, event: LeftOut | TakenIn, envelope: Envelope) -> Text:
    """Who ranks no lower than whoever left something out may take it in again."""
    if isinstance(event, LeftOut):
        known = any(each.entry == envelope.entry for each in text.leavings)
        leaving = Leaving(envelope.entry, envelope.member, envelope.rank, envelope.hlc, event)
        return text if known else replace(text, leavings=(*text.leavings, leaving))
    kept = tuple(each for each in text.leavings if each.entry != event.left or envelope.rank > each.rank)
    return replace(text, leavings=kept) if kept != text.leavings else text


def _count(text: Text, link: Link) -> Text:
    """The text once this change has come, and whatever had waited for it."""
    if text.number(link.actor) >= link.number:
        return text
    link = _known(text, link)
    if not _ready(text, link):
        said = (link.change, link.actor, link.number)
        known = any((each.change, each.actor, each.number) == said for each in text.waiting)
        full = len(text.waiting) >= WAITING_MAX
        return text if known or full else replace(text, waiting=(*text.waiting, link))
    text = _with(text, link)
    while (following := next((each for each in text.waiting if _ready(text, each)), None)) is not None:
        text = _with(text, following)
    return text


def _known(text: Text, link: Link) -> Link:
    """With the count of what of its deps is known by now. What is known once stays so: no dep is looked up twice."""
    known = link.known
    while known < len(link.deps) and text.knows(link.deps[known]):
        known += 1
    return link if known == link.known else replace(link, known=known)


def _ready(text: Text, link: Link) -> bool:
    return link.known == len(link.deps) and link.number == text.number(link.actor) + 1


def _with(text: Text, link: Link) -> Text:
    known = link.member in text.authors or len(text.authors) >= TUPLE_MAX
    again = text.knows(link.change)
    gone = {each: False for each in link.deps if found(text.ends, each)}
    left = text.end_count - len(gone) + (not again)
    if not left:  # Somebody says that it builds on itself. An end there always is.
        gone, left = {}, text.end_count
    grown = replace(
        text,
        pages=entered(text.pages, {link.change + link.entry if again else link.change: link.entry}),
        ends=moved(text.ends, gone if again else gone | {link.change: True}),
        end_count=left,
        tails=entered(text.tails, {link.actor: link.number}),
        authors=text.authors if known else (*text.authors, link.member),
        newest=link.entry,
        newest_by=link.member,
    )
    if not text.waiting:
        return grown
    waiting = (each for each in text.waiting if not _spent(each, link))
    return replace(grown, waiting=tuple(_known(grown, each) if _waits_for(each, link) else each for each in waiting))


def _spent(waiting: Link, counted: Link) -> bool:
    """Whether its actor has used its number by now: it never counts."""
    return waiting.actor == counted.actor and waiting.number <= counted.number


def _waits_for(waiting: Link, counted: Link) -> bool:
    return waiting.known < len(waiting.deps) and waiting.deps[waiting.known] == counted.change
