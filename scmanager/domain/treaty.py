"""A treaty: what two organisations promise each other, from proposal to end, as our log tells it.

It is agreed once one version of its terms is signed by us and accepted by them; their acceptance is a claim of one of
us. Whether it is in force, about to expire or over is worked out for a moment (`phase_at`): no clock ends anything.
"""

import enum
from collections.abc import Iterable

from scmanager.domain.contact import Contact
from scmanager.domain.contest import (
    OF_ONE_AUTHOR_MAX,
    Claim,
    begun_before,
    beside,
    drop,
    entries,
    holder,
    rivals,
    stake,
)
from scmanager.domain.diplomacy import Proof, Side, Stance, Step, remembered
from scmanager.domain.event import Envelope, Id, Id32, State, replace
from scmanager.domain.payload import TUPLE_MAX
from scmanager.domain.treaty_events import (
    WARN_DAYS,
    AcceptanceClaimed,
    Dropped,
    DropReason,
    Ended,
    EndReason,
    Kind,
    Proposed,
    Reinstated,
    Signed,
    TermsChanged,
    TermsChosen,
    TreatyEvent,
)
from scmanager.domain.words import flaw_of_title

DAY_S = 24 * 3600
PROMISES = {Kind.ALLIANCE: Stance.ALLY, Kind.NON_AGGRESSION: Stance.NON_AGGRESSION_PACT}
"""The stance that a treaty in force promises, for the kinds that promise one."""
AGAINST_WAR = frozenset({Kind.ALLIANCE, Kind.NON_AGGRESSION, Kind.PEACE})
"""The kinds that do not go together with war."""


class Phase(enum.StrEnum):
    """How a treaty is at a moment."""

    PROPOSED = "proposed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    AGREED = "agreed"
    """Both agree; its time is to come."""
    IN_FORCE = "in-force"
    EXPIRING = "expiring"
    """In force, and within the days of warning before its end."""
    EXPIRED = "expired"
    ENDED = "ended"


class Proposal(State):
    """What was put on the table, named by the entry that did it."""

    entry: Id32
    author: Id
    contact: Id
    kind: Kind
    title: str
    by: Side


class Version(State):
    """One version of the terms, named by the entry that wrote it and whose part holds the TreatyTerms."""

    entry: Id32
    author: Id
    proposal: Id32
    """The entry of the proposal whose terms they are."""
    starts: int = 0
    until: int = 0
    warn_days: int = WARN_DAYS
    ours: Id32 = b""
    """The entry by which we signed it."""
    theirs: Id32 = b""
    """The entry that claims their acceptance."""
    evidence: tuple[Id32, ...] = ()
    """The entries that claim it, at most 64: two may, each with a TreatyEvidence of its own."""

    @property
    def agreed(self) -> bool:
        """Whether both sides said yes to it."""
        return bool(self.ours and self.theirs)

    @property
    def our_proof(self) -> Proof:
        """Our signature is an entry of our own log."""
        return Proof.PROVED if self.ours else Proof.NONE

    @property
    def their_proof(self) -> Proof:
        """Theirs is a claim of ours, until they sign themselves."""
        return Proof.CLAIMED if self.theirs else Proof.NONE


class Drop(State):
    """How a proposal came to nothing."""

    reason: DropReason
    by: Side


class End(State):
    """How an agreed treaty ended: `at` in UTC seconds."""

    reason: EndReason
    by: Side
    at: int


class Treaty(State):
    """A treaty, as its events so far tell it. `contact` is empty until it is proposed."""

    contact: Id = b""
    kind: Kind = Kind.OTHER
    title: str = ""
    by: Side = Side.US
    proposals: tuple[Proposal, ...] = ()
    """One, or those of all who put it on the table without knowing of each other, at most 64."""
    versions: tuple[Version, ...] = ()
    drafts: tuple[Claim[Id32], ...] = ()
    """The version that is talked about."""
    agreements: tuple[Claim[Id32], ...] = ()
    """The version that both agreed to."""
    drops: tuple[Claim[Drop], ...] = ()
    ends: tuple[Claim[End], ...] = ()
    history: tuple[Step, ...] = ()

    @property
    def draft(self) -> Version | None:
        """The version on the table; the agreed one, unless a change is proposed."""
        return self.version(holder(self.drafts))

    @property
    def rival_drafts(self) -> tuple[Id32, ...]:
        """Versions that were put on the table at the same time. Choosing one settles it."""
        return rivals(self.drafts)

    @property
    def agreed(self) -> Version | None:
        """The version that binds."""
        return self.version(holder(self.agreements))

    @property
    def rival_agreements(self) -> tuple[Id32, ...]:
        """Other versions that were agreed to at the same time. Signing one of them again settles it."""
        return rivals(self.agreements)

    @property
    def dropped(self) -> Drop | None:
        """How the proposal came to nothing."""
        return holder(self.drops)

    @property
    def ended(self) -> End | None:
        """How it ended before its time."""
        return holder(self.ends)

    @property
    def contested(self) -> bool:
        """Whether people said things at the same time that do not go together."""
        return bool(self.rival_drafts or self.rival_agreements or (self.agreements and self.drops and not self.ends))

    def version(self, entry: Id32 | None) -> Version | None:
        """The version of this entry, if there is one."""
        return next((each for each in self.versions if each.entry == entry), None)


def ends_at(treaty: Treaty) -> int:
    """When an agreed treaty stops to hold (UTC seconds); 0 for never, and while nothing is agreed."""
    agreed, ended = treaty.agreed, treaty.ended
    ends = [agreed.until if agreed else 0, ended.at if agreed and ended else 0]
    return min((each for each in ends if each), default=0)


def warns_from(treaty: Treaty) -> int:
    """From when on its end is near (UTC seconds); 0 for never."""
    end, agreed = ends_at(treaty), treaty.agreed
    return max(1, end - agreed.warn_days * DAY_S) if agreed and end else 0


def phase_at(treaty: Treaty, now: int) -> Phase:
    """How it is at this moment (UTC seconds)."""
    agreed, ended = treaty.agreed, treaty.ended
    if agreed is None:
        return Phase(treaty.dropped.reason.value) if treaty.dropped else Phase.PROPOSED
    if ended and ended.at <= now and not 0 < agreed.until < ended.at:
        return Phase.ENDED
    if 0 < agreed.until <= now:
        return Phase.EXPIRED
    if now < agreed.starts:
        return Phase.AGREED
    return Phase.EXPIRING if 0 < warns_from(treaty) <= now else Phase.IN_FORCE


def in_force_at(treaty: Treaty, now: int) -> bool:
    """Whether it binds at this moment (UTC seconds)."""
    return phase_at(treaty, now) in (Phase.IN_FORCE, Phase.EXPIRING)


def at_odds(contact: Contact, in_force: Iterable[Kind]) -> bool:
    """Whether there is war in spite of a treaty in force: both were said at the same time, or a treaty came back."""
    return bool(contact.wars) and not AGAINST_WAR.isdisjoint(in_force)


def evolve(treaty: Treaty, event: TreatyEvent, envelope: Envelope) -> Treaty:
    """Total.

    - Proposed by two under one id: their terms are contested; with whom it is, and what, is said by those that hold.
    - Terms changed or chosen twice at once: contested until one version is chosen; each keeps its text and its yeses.
    - Two versions agreed to at once: the first in fold order binds, contested until one is signed again.
    - Agreed while it was dropped: agreed, in either order, contested until it is ended or reinstated.
    - Ended while a change of terms was agreed to: ended, in either order. Ended twice: the first in fold order.
    - Ended and reinstated at once: ended, in either order; reinstating takes back only what its author knew.
    """
    evolved = _evolve(treaty, event, envelope)
    return _of_its_proposal(evolved) if len(evolved.proposals) > 1 else evolved


def _evolve(treaty: Treaty, event: TreatyEvent, envelope: Envelope) -> Treaty:
    match event:
        case Proposed() if flaw_of_title(event.title) or begun_before(treaty.contact, envelope):
            return treaty  # Written by something that is not ours; or proposed before.
        case Proposed():
            return _proposed(treaty, event, envelope)
        case _ if not treaty.contact:
            return treaty
        case TermsChanged(over=over):
            return _written(_remember(treaty, event, envelope), event, over, envelope)
        case TermsChosen(terms, over) if treaty.version(terms):
            return replace(_remember(treaty, event, envelope), drafts=stake(treaty.drafts, terms, over, envelope))
        case Signed() | AcceptanceClaimed() if treaty.version(event.terms):
            return _assented(treaty, event, envelope)
        case Dropped(reason, by):
            remembering = _remember(treaty, event, envelope, by, reason.value)
            return replace(remembering, drops=beside(treaty.drops, Drop(reason, by), envelope))
        case Ended(reason, by, at):
            remembering = _remember(treaty, event, envelope, by, reason.value)
            return replace(remembering, ends=beside(treaty.ends, End(reason, by, at), envelope))
        case Reinstated(over):
            drops, ends = drop(treaty.drops, over, envelope), drop(treaty.ends, over, envelope)
            return replace(_remember(treaty, event, envelope), drops=drops, ends=ends)
        case _:
            return treaty  # Of a version that nobody wrote.


def _proposed(treaty: Treaty, event: Proposed, envelope: Envelope) -> Treaty:
    proposal = Proposal(envelope.entry, envelope.member, event.contact, event.kind, event.title, event.by)
    his = sum(each.author == envelope.member for each in treaty.proposals)
    if not _has_room(treaty, envelope) or his >= OF_ONE_AUTHOR_MAX or proposal in treaty.proposals:
        return treaty
    if not treaty.contact:
        treaty = replace(treaty, contact=event.contact, kind=event.kind, title=event.title, by=event.by)
    treaty = replace(treaty, proposals=(*treaty.proposals, proposal))
    return _written(_remember(treaty, event, envelope, event.by, event.kind.value), event, (), envelope)


def _of_its_proposal(treaty: Treaty) -> Treaty:
    """With whom it is and what, as the proposal says whose terms bind, or are on the table."""
    shown = treaty.agreed or treaty.draft
    for each in treaty.proposals:
        if shown is not None and each.entry == shown.proposal:
            return replace(treaty, contact=each.contact, kind=each.kind, title=each.title, by=each.by)
    return treaty


def undone_by(treaty: Treaty) -> tuple[Id32, ...]:
    """What reinstating it names."""
    return (*entries(treaty.drops), *entries(treaty.ends))[:TUPLE_MAX]


def _written(treaty: Treaty, event: Proposed | TermsChanged, over: tuple[Id32, ...], envelope: Envelope) -> Treaty:
    known = treaty.version(envelope.entry) is not None
    if not known and not _has_room(treaty, envelope):
        return treaty
    changed = next((each for each in map(treaty.version, over) if each), treaty.draft)
    proposal = changed.proposal if changed and isinstance(event, TermsChanged) else envelope.entry
    version = Version(envelope.entry, envelope.member, proposal, event.starts, event.until, event.warn_days)
    versions = treaty.versions if known else (*treaty.versions, version)
    return replace(treaty, versions=versions, drafts=stake(treaty.drafts, envelope.entry, over, envelope))


def _has_room(treaty: Treaty, envelope: Envelope) -> bool:
    """No more versions than people can tell apart; and by one author no more than half, whatever date they bear."""
    his = sum(each.author == envelope.member for each in treaty.versions)
    return len(treaty.versions) < TUPLE_MAX and his < TUPLE_MAX // 2


def _assented(treaty: Treaty, event: Signed | AcceptanceClaimed, envelope: Envelope) -> Treaty:
    """One more yes to a version. The yes that completes it makes it binding, and so does each repeated one."""
    side = Side.US if isinstance(event, Signed) else Side.THEM
    versions = tuple(
        _with_assent(each, side, envelope.entry) if each.entry == event.terms else each for each in treaty.versions
    )
    treaty = replace(_remember(treaty, event, envelope, side), versions=versions)
    version = treaty.version(event.terms)
    if version is None or not version.agreed:
        return treaty
    return replace(treaty, agreements=stake(treaty.agreements, event.terms, event.over, envelope))


def _with_assent(version: Version, side: Side, entry: Id32) -> Version:
    if side is Side.US:
        return replace(version, ours=version.ours or entry)
    told = version.evidence if entry in version.evidence else (*version.evidence, entry)[:TUPLE_MAX]
    return replace(version, theirs=version.theirs or entry, evidence=told)


def _remember(treaty: Treaty, event: TreatyEvent, envelope: Envelope, side: Side = Side.US, said: str = "") -> Treaty:
    return replace(treaty, history=remembered(treaty.history, event, envelope, side, said))
