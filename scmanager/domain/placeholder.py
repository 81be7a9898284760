"""Placeholders: which living member somebody is whom a leader recorded. His history stays and is read as theirs."""

from collections.abc import Iterator

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


def claim(placeholder: Member, by: Id) -> Iterator[Decision]:
    """Say which living member a placeholder is. Raises MemberUnknown, NoPlaceholder, ClaimedAlready."""
    check_known(placeholder)
    if placeholder.is_himself or by == placeholder.id:
        raise NoPlaceholder
    if placeholder.claimed_by not in (None, by):
        raise ClaimedAlready
    if placeholder.claimed_by is None:
        yield Claimed(by)


def settle_claim(placeholder: Member, by: Id) -> Iterator[Decision]:
    """Decide whose a placeholder is, even if only one claim stands. Raises NothingContested, NoPlaceholder."""
    if not placeholder.claims:
        raise NothingContested
    if placeholder.is_himself or by == placeholder.id:
        raise NoPlaceholder
    if placeholder.rival_claims or placeholder.claimed_by != by:
        yield Claimed(by, entries(placeholder.claims))
