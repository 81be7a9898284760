"""An organisation: its name and tag, its description, and whom it is affiliated with.

Who is in it and may do what stands in grants (governance). Somebody in several organisations is in several spaces.
"""

from collections.abc import Iterator

from scmanager.domain.contest import Titled, entries, stake
from scmanager.domain.event import About, Decision, Envelope, Event, Id, Id32, Personal, State, replace
from scmanager.domain.payload import TUPLE_MAX, Entries, Id16, Sid, Title
from scmanager.domain.prose import prose_of
from scmanager.domain.roll import Roll
from scmanager.domain.words import Prose, check_title, check_words, flaw_of_title
from scmanager.errors import Refused

_SID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class Founded(Event, tag="organisation.founded/1"):
    title: Title
    sid: Sid = ""


class Described(Event, tag="organisation.described/1"):
    """Carries a Description."""


class Renamed(Event, tag="organisation.renamed/1"):
    title: Title
    over: Entries = ()


class SidSet(Event, tag="organisation.sid-set/1"):
    sid: Sid


class Archived(Event, tag="organisation.archived/1"):
    pass


class Restored(Event, tag="organisation.restored/1"):
    pass


class Affiliated(Event, tag="organisation.affiliated/1"):
    organisation: Id16
    title: Title


class Unaffiliated(Event, tag="organisation.unaffiliated/1"):
    organisation: Id16


OrganisationEvent = Founded | Described | Renamed | SidSet | Archived | Restored | Affiliated | Unaffiliated


class Description(Personal):
    """What the organisation says of itself. Sealed under the organisation's own id."""

    text: Prose


class Affiliation(State):
    """Another organisation, by its space's first 16 bytes, and the name it had then."""

    organisation: Id
    title: str


class Organisation(Titled):
    """An organisation, as its events so far tell it. `id` is empty until it is founded."""

    id: Id = b""
    sid: str = ""
    profile: Id32 = b""
    """The entry whose part holds the description."""
    archived: bool = False
    affiliations: Roll[Id, Affiliation] = Roll()


class AlreadyFounded(Refused):
    """This organisation was founded before, as {title}."""

    code = "organisation-already-founded"
    hint = "Rename it, or found another one in a space of its own."


class NotFounded(Refused):
    """There is no organisation here yet."""

    code = "organisation-not-founded"
    hint = "Import the newest file of it (scm space import), or found one: scm organisation found."


class OrganisationArchived(Refused):
    """{title} is archived and does not change."""

    code = "organisation-archived"
    hint = "Restore it first: scm organisation restore."


class SidUnusable(Refused):
    """{sid} is not a short tag."""

    code = "organisation-sid-unusable"
    hint = "Use 1 to 10 capital letters A to Z and digits, or nothing."


class NameNotContested(Refused):
    """{title} is not one of several names that await a decision."""

    code = "organisation-name-not-contested"
    hint = "Choose one of the names shown as contested, or rename the organisation."


class AffiliatedWithItself(Refused):
    """An organisation is not affiliated with itself."""

    code = "organisation-affiliated-with-itself"
    hint = "Choose another organisation."


class TooManyAffiliations(Refused):
    """There are {count} affiliations already, which is as many as there may be."""

    code = "organisation-too-many-affiliations"
    hint = "End one that no longer holds."


def found(organisation: Organisation, title: str, sid: str = "") -> Iterator[Decision]:
    """Give a new space its organisation. Raises AlreadyFounded, TitleUnusable, SidUnusable."""
    if organisation.id:
        raise AlreadyFounded(title=organisation.title)
    yield Founded(check_title(title), check_sid(sid))


def describe(organisation: Organisation, text: str) -> Iterator[Decision]:
    """Say what the organisation is about; empty text takes it back. Raises WordsUnusable, OrganisationArchived."""
    check_open(organisation)
    yield About(Described(), prose_of(organisation.id), Description(check_words(text, may_be_empty=True)))


def rename(organisation: Organisation, title: str) -> Iterator[Decision]:
    """Give another name. It ends every name that stands, contested ones too. Raises TitleUnusable."""
    check_open(organisation)
    if organisation.title == check_title(title) and not organisation.rival_titles:
        return  # It has that name.
    yield Renamed(title, entries(organisation.names))


def settle_name(organisation: Organisation, title: str) -> Iterator[Decision]:
    """Decide for one of the contested names. Raises NameNotContested."""
    check_open(organisation)
    if not organisation.rival_titles or title not in (organisation.title, *organisation.rival_titles):
        raise NameNotContested(title=title)
    yield Renamed(title, entries(organisation.names))


def set_sid(organisation: Organisation, sid: str) -> Iterator[Decision]:
    """Set the short tag; empty for none. Raises SidUnusable."""
    check_open(organisation)
    if organisation.sid != check_sid(sid):
        yield SidSet(sid)


def archive(organisation: Organisation) -> Iterator[Decision]:
    """Close the books: everything stays readable, nothing changes. Raises NotFounded."""
    _check_founded(organisation)
    if not organisation.archived:
        yield Archived()


def restore(organisation: Organisation) -> Iterator[Decision]:
    """Open an archived organisation again. Raises NotFounded."""
    _check_founded(organisation)
    if organisation.archived:
        yield Restored()


def affiliate(organisation: Organisation, other: Id, title: str) -> Iterator[Decision]:
    """Note that another organisation belongs with us; it says nothing for them. Raises AffiliatedWithItself."""
    check_open(organisation)
    if other == organisation.id:
        raise AffiliatedWithItself
    known = organisation.affiliations.get(other)
    if known == Affiliation(other, check_title(title)):
        return  # Noted before.
    others = len(organisation.affiliations) - (known is not None)
    if others >= TUPLE_MAX:
        raise TooManyAffiliations(count=others)
    yield Affiliated(other, title)


def unaffiliate(organisation: Organisation, other: Id) -> Iterator[Decision]:
    """End an affiliation. Harmless if there is none. Raises OrganisationArchived."""
    check_open(organisation)
    if organisation.affiliations.has(other):
        yield Unaffiliated(other)


def evolve(organisation: Organisation, event: OrganisationEvent, envelope: Envelope) -> Organisation:
    """Total. Two names given at once are contested: the first in fold order holds, the others wait for `settle_name`.

    Description, tag, archiving and affiliations: the last in fold order stands, and whoever disagrees says it again.
    """
    match event:
        case Founded() | Renamed() | Affiliated() if flaw_of_title(event.title):
            return organisation  # Written by something that is not ours.
        case Founded() | SidSet() if not usable_sid(event.sid):
            return organisation
        case Founded() if organisation.id:
            return organisation  # Founded once.
        case Founded(title, sid):
            names = stake(organisation.names, title, (), envelope)
            return replace(organisation, id=envelope.entity, names=names, sid=organisation.sid or sid)
        case Described():
            return replace(organisation, profile=envelope.entry)
        case Renamed(title, over):
            return replace(organisation, names=stake(organisation.names, title, over, envelope))
        case SidSet(sid):
            return replace(organisation, sid=sid)
        case Archived():
            return replace(organisation, archived=True)
        case Restored():
            return replace(organisation, archived=False)
        case Affiliated(other, title):
            noted = organisation.affiliations.enter_last(other, Affiliation(other, title))
            return replace(organisation, affiliations=noted)
        case Unaffiliated(other):
            return replace(organisation, affiliations=organisation.affiliations.strike(other))


def _check_founded(organisation: Organisation) -> None:
    if not organisation.id:
        raise NotFounded


def check_open(organisation: Organisation) -> None:
    """It is founded, and changes. Raises NotFounded, OrganisationArchived."""
    _check_founded(organisation)
    if organisation.archived:
        raise OrganisationArchived(title=organisation.title)


def check_sid(sid: str) -> str:
    """The tag, if it can be one. Raises SidUnusable."""
    if not usable_sid(sid):
        raise SidUnusable(sid=sid)
    return sid


def usable_sid(sid: str) -> bool:
    """Whether this may be a tag: up to ten capital letters and digits."""
    return len(sid) <= 10 and set(sid) <= _SID_CHARACTERS
