"""What can be said of a treaty: the events, and the words that go along with some of them.

Terms are versions: each change is a new one, named by its entry, and is signed and accepted as that version alone.
"""

import enum
from typing import Annotated

from msgspec import Meta

from scmanager.domain.diplomacy import Side
from scmanager.domain.event import Event, Personal
from scmanager.domain.payload import Entries, Entry, Id16, Seconds, Title
from scmanager.domain.words import Prose

WARN_DAYS_MAX = 365
WARN_DAYS = 14

Days = Annotated[int, Meta(ge=0, le=WARN_DAYS_MAX)]


class Kind(enum.StrEnum):
    """What a treaty is about."""

    ALLIANCE = "alliance"
    NON_AGGRESSION = "non-aggression"
    PEACE = "peace"
    COOPERATION = "cooperation"
    OTHER = "other"


class DropReason(enum.StrEnum):
    """Why a proposal came to nothing."""

    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class EndReason(enum.StrEnum):
    """Why an agreed treaty ended before its time."""

    CANCELLED = "cancelled"
    BROKEN = "broken"
    REPLACED = "replaced"
    FULFILLED = "fulfilled"
    MISTAKE = "mistake"


class Proposed(Event, tag="treaty.proposed/1"):
    """Carries TreatyTerms. Times in UTC seconds: `starts` 0 is once it is agreed, `until` 0 is without end."""

    contact: Id16
    kind: Kind
    title: Title
    by: Side = Side.US
    starts: Seconds = 0
    until: Seconds = 0
    warn_days: Days = WARN_DAYS


class TermsChanged(Event, tag="treaty.terms-changed/1"):
    """Carries TreatyTerms: another version, to be signed and accepted anew. What is agreed stays so meanwhile."""

    starts: Seconds = 0
    until: Seconds = 0
    warn_days: Days = WARN_DAYS
    over: Entries = ()


class TermsChosen(Event, tag="treaty.terms-chosen/1"):
    """This version is the one to talk about."""

    terms: Entry
    over: Entries = ()


class Signed(Event, tag="treaty.signed/1"):
    """We agree to this version: proved by this very entry."""

    terms: Entry
    over: Entries = ()


class AcceptanceClaimed(Event, tag="treaty.acceptance-claimed/1"):
    """They agree to this version, as one of us says. Carries TreatyEvidence."""

    terms: Entry
    over: Entries = ()


class Dropped(Event, tag="treaty.dropped/1"):
    """A proposal comes to nothing."""

    reason: DropReason
    by: Side = Side.US


class Ended(Event, tag="treaty.ended/1"):
    """`at`: from when on it does not hold, in UTC seconds."""

    reason: EndReason
    by: Side = Side.US
    at: Seconds = 0


class Reinstated(Event, tag="treaty.reinstated/1"):
    """What dropped or ended it, as far as it is named, is taken back."""

    over: Entries = ()


TreatyEvent = Proposed | TermsChanged | TermsChosen | Signed | AcceptanceClaimed | Dropped | Ended | Reinstated


class TreatyTerms(Personal):
    """What is agreed, in words. Sealed under the contact's id."""

    text: Prose


class TreatyEvidence(Personal):
    """How it is known that they agreed: who said it, and where. Sealed under the contact's id."""

    text: Prose
