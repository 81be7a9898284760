"""What one may do with a treaty: the decisions. Moments are UTC seconds; the caller says what time it is."""

from collections.abc import Iterator

from scmanager.domain.contest import entries
from scmanager.domain.diplomacy import Side, other
from scmanager.domain.event import About, Decision, Id, Id32, State
from scmanager.domain.payload import INT_MAX
from scmanager.domain.treaty import Treaty, Version, undone_by
from scmanager.domain.treaty_events import (
    WARN_DAYS,
    WARN_DAYS_MAX,
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
    TreatyEvidence,
    TreatyTerms,
)
from scmanager.domain.words import check_title, check_words
from scmanager.errors import Refused


class TreatyKnown(Refused):
    """This treaty was proposed before, as {title}."""

    code = "treaty-known"
    hint = "Change its terms, scm treaty change-terms, or propose another one."


class TreatyUnknown(Refused):
    """There is no such treaty."""

    code = "treaty-unknown"
    hint = "Propose it first: scm treaty propose."


class TreatyDropped(Refused):
    """The proposal {title} was {reason}."""

    code = "treaty-dropped"
    hint = "Reinstate it, scm treaty reinstate, or propose another one: scm treaty propose."


class TreatyEnded(Refused):
    """The treaty {title} was ended."""

    code = "treaty-ended"
    hint = "If that was a mistake: scm treaty reinstate. Else propose another one: scm treaty propose."


class TreatyAgreed(Refused):
    """Both sides agreed to {title}."""

    code = "treaty-agreed"
    hint = "What both signed is ended, not taken back: scm treaty end."


class TreatyNotAgreed(Refused):
    """{title} is a proposal: nobody is bound by it."""

    code = "treaty-not-agreed"
    hint = "Decline it, scm treaty decline, or withdraw it: scm treaty withdraw."


class TreatyTimeUnusable(Refused):
    """These times do not fit: {why}."""

    code = "treaty-time-unusable"
    hint = "Give an end that is to come and lies behind the beginning, or none; up to 365 days of warning."


class TermsContested(Refused):
    """Several versions of the terms of {title} were put on the table at the same time."""

    code = "treaty-terms-contested"
    hint = "Read them with: scm treaty versions. Then choose one: scm treaty choose-terms."


class TermsUnknown(Refused):
    """{title} has no such version of its terms."""

    code = "treaty-terms-unknown"
    hint = "List the versions with: scm treaty versions."


class Times(State):
    """When terms hold, and how many days before their end to warn."""

    starts: int = 0
    """0: once they are agreed to."""
    until: int = 0
    """0: without end."""
    warn_days: int = WARN_DAYS


def propose(
    treaty: Treaty, contact: Id, kind: Kind, title: str, text: str, by: Side, times: Times, now: int
) -> Iterator[Decision]:
    """Put a treaty on the table, ours or theirs. Raises TreatyKnown, TreatyTimeUnusable, WordsUnusable."""
    if treaty.contact:
        raise TreatyKnown(title=treaty.title)
    _check_times(times, now)
    proposed = Proposed(contact, kind, check_title(title), by, times.starts, times.until, times.warn_days)
    yield About(proposed, contact, TreatyTerms(check_words(text)))


def change_terms(treaty: Treaty, text: str, times: Times, now: int) -> Iterator[Decision]:
    """Put another version on the table; what is agreed holds until both agree to it. Raises TreatyTimeUnusable."""
    _check_open(treaty)
    _check_times(times, now)
    changed = TermsChanged(times.starts, times.until, times.warn_days, entries(treaty.drafts))
    yield About(changed, treaty.contact, TreatyTerms(check_words(text)))


def choose_terms(treaty: Treaty, terms: Id32) -> Iterator[Decision]:
    """Decide which version is talked about, contested or not. Raises TermsUnknown, TreatyDropped, TreatyEnded."""
    _check_open(treaty)
    version = _version(treaty, terms)
    if treaty.draft != version or treaty.rival_drafts:
        yield TermsChosen(terms, entries(treaty.drafts))


def sign(treaty: Treaty, terms: Id32 | None, now: int) -> Iterator[Decision]:
    """Agree to a version for us (None: to the one on the table); of rival agreements it settles which one binds.

    Raises TermsContested, TermsUnknown, TreatyTimeUnusable, TreatyDropped, TreatyEnded.
    """
    version = _signable(treaty, terms, now)
    if not version.ours or _settles(treaty, version):
        yield Signed(version.entry, entries(treaty.agreements))


def claim_acceptance(treaty: Treaty, terms: Id32 | None, evidence: str, now: int) -> Iterator[Decision]:
    """Say that they agree to a version, and how one knows. It stays a claim. Raises what `sign` raises."""
    version = _signable(treaty, terms, now)
    if not version.theirs:
        words = TreatyEvidence(check_words(evidence, may_be_empty=True))
        yield About(AcceptanceClaimed(version.entry, entries(treaty.agreements)), treaty.contact, words)


def decline(treaty: Treaty) -> Iterator[Decision]:
    """The side that did not propose it says no. Asking twice is harmless. Raises TreatyUnknown, TreatyAgreed."""
    yield from _dropped(treaty, DropReason.DECLINED, other(treaty.by))


def withdraw(treaty: Treaty) -> Iterator[Decision]:
    """The side that proposed it takes it back. Asking twice is harmless. Raises TreatyUnknown, TreatyAgreed."""
    yield from _dropped(treaty, DropReason.WITHDRAWN, treaty.by)


def end(treaty: Treaty, reason: EndReason, by: Side, now: int, at: int = 0) -> Iterator[Decision]:
    """End an agreed treaty, at once (0) or at a time to come. Harmless if it was ended.

    Raises TreatyUnknown, TreatyNotAgreed, TreatyTimeUnusable.
    """
    check_known(treaty)
    if treaty.agreed is None:
        raise TreatyNotAgreed(title=treaty.title)
    if at and not now <= at <= INT_MAX:
        raise TreatyTimeUnusable(why="it cannot end in the past")
    if not treaty.ends:
        yield Ended(reason, by, at or now)


def reinstate(treaty: Treaty) -> Iterator[Decision]:
    """Take back that it was dropped or ended. Harmless if it was not. Raises TreatyUnknown."""
    check_known(treaty)
    if treaty.drops or treaty.ends:
        yield Reinstated(undone_by(treaty))


def _dropped(treaty: Treaty, reason: DropReason, by: Side) -> Iterator[Decision]:
    check_known(treaty)
    if treaty.agreed:
        raise TreatyAgreed(title=treaty.title)
    if not treaty.drops:
        yield Dropped(reason, by)


def _signable(treaty: Treaty, terms: Id32 | None, now: int) -> Version:
    _check_open(treaty)
    if terms is None and treaty.rival_drafts:
        raise TermsContested(title=treaty.title)
    version = _version(treaty, terms) if terms else treaty.draft
    if version is None:
        raise TermsUnknown(title=treaty.title)
    if 0 < version.until <= now:
        raise TreatyTimeUnusable(why="the end of these terms is over")
    return version


def _settles(treaty: Treaty, version: Version) -> bool:
    return version.agreed and bool(treaty.rival_agreements)


def _version(treaty: Treaty, terms: Id32) -> Version:
    found = treaty.version(terms)
    if found is None:
        raise TermsUnknown(title=treaty.title)
    return found


def _check_times(times: Times, now: int) -> None:
    if not (0 <= times.starts <= INT_MAX and 0 <= times.until <= INT_MAX):
        raise TreatyTimeUnusable(why="no calendar reaches that far")
    if 0 < times.until <= max(now, times.starts):
        raise TreatyTimeUnusable(why="the end is over, or lies before the beginning")
    if not 0 <= times.warn_days <= WARN_DAYS_MAX:
        raise TreatyTimeUnusable(why=f"{times.warn_days} days of warning")


def check_known(treaty: Treaty) -> None:
    """It was proposed. Raises TreatyUnknown."""
    if not treaty.contact:
        raise TreatyUnknown


def _check_open(treaty: Treaty) -> None:
    """Raises TreatyUnknown, TreatyEnded, TreatyDropped."""
    check_known(treaty)
    if treaty.ends:
        raise TreatyEnded(title=treaty.title)
    if treaty.dropped:
        raise TreatyDropped(title=treaty.title, reason=treaty.dropped.reason.value)
