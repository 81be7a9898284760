"""Placeholders: which living member somebody is whom a leader recorded. His history stays and is read as theirs."""

from collections.abc import Iterator

from scmanager.domain.attribution import CONFIRMING_RANK
from scmanager.domain.contest import entries
from scmanager.domain.event import Decision, Id
from scmanager.domain.member import Claimed, Member, NothingContested, check_known
from scmanager.errors import Refused


class NoPlaceholder(Refused):
    """This member acts here, or did: nobody's placeholder."""

    code = "member-no-placeholder"
    hint = "Choose an entry that a leader recorded and nobody has joined as."


class ClaimedAlready(Refused):
    """This placeholder belongs to another member already."""

    code = "member-claimed-already"
    hint = "If that was wrong, decide it: scm member settle-claim."


class ClaimConfirmed(Refused):
    """Somebody of rank 0 or 1 said whose this entry is."""

    code = "member-claim-confirmed"
    hint = "If that was wrong, ask somebody of rank 0 or 1 to decide it: scm member settle-claim."


class NotJoined(Refused):
    """Nobody has joined as this member: an entry belongs to somebody who has."""

    code = "member-not-joined"
    hint = "Name the member they joined as (scm member list); somebody let in joins first: scm member join."


def check_joined(living: Member) -> None:
    """Whoever an entry is said to be has joined as himself, and so is nobody's placeholder. Raises NotJoined."""
    if not living.joined:
        raise NotJoined


def claim(placeholder: Member, by: Id) -> Iterator[Decision]:
    """Say which living member a placeholder is. Raises MemberUnknown, NoPlaceholder, ClaimedAlready."""
    check_known(placeholder)
    if placeholder.is_himself or by == placeholder.id:
        raise NoPlaceholder
    if placeholder.claimed_by not in (None, by):
        raise ClaimedAlready
    if placeholder.claimed_by is None:
        yield Claimed(by)


def settle_claim(placeholder: Member, by: Id, actor_rank: int) -> Iterator[Decision]:
    """Decide whose a placeholder is, even if only one claim stands; rank 0 or 1 confirms it by that.

    Raises NothingContested, NoPlaceholder, ClaimConfirmed.
    """
    if not placeholder.claims:
        raise NothingContested
    if placeholder.is_himself or by == placeholder.id:
        raise NoPlaceholder
    confirms = actor_rank <= CONFIRMING_RANK and not placeholder.confirmed
    if not confirms and not placeholder.rival_claims and placeholder.claimed_by == by:
        return
    if placeholder.confirmed and actor_rank > CONFIRMING_RANK:
        raise ClaimConfirmed
    yield Claimed(by, entries(placeholder.claims))
