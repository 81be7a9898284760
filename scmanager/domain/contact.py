"""A contact: another organisation as this one knows it, by name or by its space, and how the two stand.

Our stance is our own word. Theirs is what one of us reports. War is a state of its own: it is declared, whatever the
stance was, and lasts until peace is made. What treaties in force add is worked out when somebody looks (`relation`).
"""

from collections.abc import Iterable, Iterator

from scmanager.domain.contest import Claim, Titled, begun_before, beside, drop, entries, holder, rivals, stake
from scmanager.domain.diplomacy import Side, Stance, Step, remembered
from scmanager.domain.event import About, Decision, Envelope, Event, Id, Id32, Personal, replace
from scmanager.domain.organisation import check_sid, usable_sid
from scmanager.domain.payload import Entries, Entry, Sid, Title
from scmanager.domain.words import Prose, check_title, check_words, flaw_of_title
from scmanager.errors import Refused


class Recorded(Event, tag="contact.recorded/1"):
    """`space` is the organisation's own space, if somebody knows it: a claim."""

    title: Title
    sid: Sid = ""
    space: Entry | None = None


class Renamed(Event, tag="contact.renamed/1"):
    title: Title
    over: Entries = ()


class SidSet(Event, tag="contact.sid-set/1"):
    sid: Sid


class Identified(Event, tag="contact.identified/1"):
    """The organisation of that space is meant: a claim."""

    space: Entry
    over: Entries = ()


class Noted(Event, tag="contact.noted/1"):
    """Carries a ContactNote."""


class Archived(Event, tag="contact.archived/1"):
    pass


class Restored(Event, tag="contact.restored/1"):
    pass


class StanceSet(Event, tag="contact.stance-set/1"):
    """Our stance towards them. War is declared instead."""

    stance: Stance
    over: Entries = ()


class StanceReported(Event, tag="contact.stance-reported/1"):
    """Their stance towards us, as one of us tells it."""

    stance: Stance


class WarDeclared(Event, tag="contact.war-declared/1"):
    """By us, or, as one of us tells it, by them. Ends the stances that are named."""

    by: Side = Side.US
    over: Entries = ()


class PeaceMade(Event, tag="contact.peace-made/1"):
    """Ends the declarations of war that are named."""

    over: Entries = ()


ContactEvent = (
    Recorded
    | Renamed
    | SidSet
    | Identified
    | Noted
    | Archived
    | Restored
    | StanceSet
    | StanceReported
    | WarDeclared
    | PeaceMade
)


class ContactNote(Personal):
    """What is known of them: envoys, meeting places, old quarrels. Sealed under the contact's own id."""

    text: Prose


class Contact(Titled):
    """Another organisation, as our events so far tell it. `id` is empty until it is recorded."""

    id: Id = b""
    sid: str = ""
    spaces: tuple[Claim[Id32], ...] = ()
    note: Id32 = b""
    """The entry whose part holds the ContactNote."""
    archived: bool = False
    stances: tuple[Claim[Stance], ...] = ()
    wars: tuple[Claim[Side], ...] = ()
    """The declarations of war that no peace has ended, and by whom."""
    reported: Stance | None = None
    reported_in: Id32 = b""
    """The entry that reported their stance."""
    history: tuple[Step, ...] = ()

    @property
    def space(self) -> Id32 | None:
        """Their space, as one of us claims."""
        return holder(self.spaces)

    @property
    def rival_spaces(self) -> tuple[Id32, ...]:
        """Spaces claimed at the same time. Naming one of them again settles it."""
        return rivals(self.spaces)

    @property
    def stance(self) -> Stance:
        """How we stand towards them; neutral until somebody says otherwise."""
        return Stance.WAR if self.wars else holder(self.stances) or Stance.NEUTRAL

    @property
    def rival_stances(self) -> tuple[Stance, ...]:
        """Stances taken at the same time. Setting one of them again settles it."""
        return rivals(self.stances)


class ContactKnown(Refused):
    """{title} is among the contacts already."""

    code = "contact-known"
    hint = "Find it with scm search, and change that entry; if it is archived: scm contact restore."


class ContactUnknown(Refused):
    """There is no such contact."""

    code = "contact-unknown"
    hint = "Record the other organisation first: scm contact record."


class ContactArchived(Refused):
    """The contact {title} is archived and does not change."""

    code = "contact-archived"
    hint = "Restore it first: scm contact restore."


class ContactIsUs(Refused):
    """That is this organisation's own space."""

    code = "contact-is-us"
    hint = "Give the id of the other organisation's space, or leave it out."


class StanceNotForWar(Refused):
    """War is not a stance that is set."""

    code = "contact-war-is-declared"
    hint = "Declare war: scm contact declare-war. It needs the right diplomacy.commit."


class AtWar(Refused):
    """There is war with {title}."""

    code = "contact-at-war"
    hint = "Make peace first: scm contact make-peace."


class NotAtWar(Refused):
    """There is no war with {title}."""

    code = "contact-not-at-war"
    hint = "Nothing is to be ended: somebody may have made peace already."


def relation(contact: Contact, promised: Iterable[Stance]) -> Stance:
    """How things are, given what treaties in force promise: war, else an alliance, else a pact, else the stance."""
    if contact.wars:
        return Stance.WAR
    held = set(promised)
    return next((each for each in (Stance.ALLY, Stance.NON_AGGRESSION_PACT) if each in held), contact.stance)


def record(contact: Contact, title: str, us: Id32, sid: str = "", space: Id32 | None = None) -> Iterator[Decision]:
    """Enter another organisation. Asking twice is harmless. Raises ContactKnown, ContactIsUs, TitleUnusable."""
    if contact.id and contact.title != title:
        raise ContactKnown(title=contact.title)
    if space == us:
        raise ContactIsUs
    if not contact.id:
        yield Recorded(check_title(title), check_sid(sid), space)


def rename(contact: Contact, title: str) -> Iterator[Decision]:
    """Give another name; ends every name that stands. Raises ContactUnknown, ContactArchived, TitleUnusable."""
    check_live(contact)
    if contact.title != check_title(title) or contact.rival_titles:
        yield Renamed(title, entries(contact.names))


def set_sid(contact: Contact, sid: str) -> Iterator[Decision]:
    """Set their short tag; empty for none. Raises ContactUnknown, ContactArchived, SidUnusable."""
    check_live(contact)
    if contact.sid != check_sid(sid):
        yield SidSet(sid)


def identify(contact: Contact, space: Id32, us: Id32) -> Iterator[Decision]:
    """Claim which space is theirs; ends every other claim. Raises ContactUnknown, ContactArchived, ContactIsUs."""
    check_live(contact)
    if space == us:
        raise ContactIsUs
    if contact.space != space or contact.rival_spaces:
        yield Identified(space, entries(contact.spaces))


def note(contact: Contact, text: str) -> Iterator[Decision]:
    """Keep a note about them; empty text takes it back. Raises ContactUnknown, ContactArchived, WordsUnusable."""
    check_live(contact)
    yield About(Noted(), contact.id, ContactNote(check_words(text, may_be_empty=True)))


def archive(contact: Contact) -> Iterator[Decision]:
    """Put it away; everything stays readable. Asking twice is harmless. Raises ContactUnknown."""
    _check_recorded(contact)
    if not contact.archived:
        yield Archived()


def restore(contact: Contact) -> Iterator[Decision]:
    """Take an archived one out again. Harmless if it is not archived. Raises ContactUnknown."""
    _check_recorded(contact)
    if contact.archived:
        yield Restored()


def set_stance(contact: Contact, stance: Stance) -> Iterator[Decision]:
    """Say how we stand towards them; settles a contested stance too. Raises StanceNotForWar, AtWar."""
    check_live(contact)
    if stance is Stance.WAR:
        raise StanceNotForWar
    if contact.wars:
        raise AtWar(title=contact.title)
    if holder(contact.stances) is not stance or contact.rival_stances:
        yield StanceSet(stance, entries(contact.stances))


def report_stance(contact: Contact, stance: Stance) -> Iterator[Decision]:
    """Say how they stand towards us, as far as one hears. Raises ContactUnknown, ContactArchived."""
    check_live(contact)
    if contact.reported is not stance:
        yield StanceReported(stance)


def declare_war(contact: Contact, by: Side) -> Iterator[Decision]:
    """Go to war, or say that they did. Harmless if there is war. Raises ContactUnknown, ContactArchived."""
    check_live(contact)
    if not contact.wars:
        yield WarDeclared(by, entries(contact.stances))


def make_peace(contact: Contact) -> Iterator[Decision]:
    """End the war: from here on the stance is neutral until another is taken. Raises ContactUnknown, NotAtWar."""
    check_live(contact)
    if not contact.wars:
        raise NotAtWar(title=contact.title)
    yield PeaceMade(entries(contact.wars))


def evolve(contact: Contact, event: ContactEvent, envelope: Envelope) -> Contact:
    """Total. Names, spaces or stances given at once are contested: the first in fold order holds until said again.

    - Recorded by two under one id: names, spaces and tags are contested.
    - War declared twice at once is one war. Peace ends the declarations its author knew, in either order: one that
      came at the same time stands.
    - A stance taken while war was declared waits below the war, and is seen again when peace is made.
    - Tag, note, archiving, and what is reported of them: the last in fold order stands.
    """
    match event:
        case Recorded() | Renamed() if flaw_of_title(event.title):
            return contact  # Written by something that is not ours.
        case Recorded() | SidSet() if not usable_sid(event.sid):
            return contact
        case Recorded() if begun_before(contact.id, envelope):
            return contact
        case Recorded(title, sid, space):
            return replace(
                contact,
                id=envelope.entity,
                names=stake(contact.names, title, (), envelope),
                sid=(sid or contact.sid) if contact.id else (contact.sid or sid),
                spaces=stake(contact.spaces, space, (), envelope) if space else contact.spaces,
                history=remembered(contact.history, event, envelope),
            )
        case Renamed(title, over):
            return replace(contact, names=stake(contact.names, title, over, envelope))
        case SidSet(sid):
            return replace(contact, sid=sid)
        case Identified(space, over):
            return replace(contact, spaces=stake(contact.spaces, space, over, envelope))
        case Noted():
            return replace(contact, note=envelope.entry)
        case Archived() | Restored():
            return replace(contact, archived=isinstance(event, Archived))
        case _:
            return _evolve_stance(contact, event, envelope)


def _evolve_stance(contact: Contact, event: ContactEvent, envelope: Envelope) -> Contact:
    match event:
        case StanceSet(stance, over) if stance is not Stance.WAR:
            history = remembered(contact.history, event, envelope, said=stance.value)
            return replace(contact, stances=stake(contact.stances, stance, over, envelope), history=history)
        case StanceReported(stance):
            history = remembered(contact.history, event, envelope, Side.THEM, stance.value)
            return replace(contact, reported=stance, reported_in=envelope.entry, history=history)
        case WarDeclared(by, over):
            return replace(
                contact,
                wars=beside(contact.wars, by, envelope),
                stances=drop(contact.stances, over, envelope),
                history=remembered(contact.history, event, envelope, by, Stance.WAR.value),
            )
        case PeaceMade(over):
            history = remembered(contact.history, event, envelope)
            return replace(contact, wars=drop(contact.wars, over, envelope), history=history)
        case _:
            return contact  # War is no stance that is set.


def _check_recorded(contact: Contact) -> None:
    """Raises ContactUnknown."""
    if not contact.id:
        raise ContactUnknown


def check_live(contact: Contact) -> None:
    """Raises ContactUnknown, ContactArchived."""
    _check_recorded(contact)
    if contact.archived:
        raise ContactArchived(title=contact.title)
