"""What one may do with a ship: the decisions. Who acts is an argument; what comes out tells by which voice.

An owner's decision yields the event that anyone may write for what is his. Anybody else's yields its twin (`...For`),
which needs the right `ship.manage`: the application asks for the right of what came out.
"""

from collections.abc import Iterator

import msgspec

from scmanager.domain.contest import entries
from scmanager.domain.event import About, Decision, Event, Id, Id32
from scmanager.domain.payload import INT_MAX, CatalogueKey
from scmanager.domain.ship import Loan, Ship, Standing, owned_by
from scmanager.domain.ship_events import (
    FOR,
    Added,
    AddedFor,
    Assigned,
    Detailed,
    Details,
    Lent,
    Named,
    Nickname,
    Owner,
    OwnerKind,
    Readiness,
    ReadinessChanged,
    RemovalReason,
    Removed,
    Restored,
    Returned,
    Shared,
    ShareWithdrawn,
    Source,
    Transferred,
    TransferredFor,
    Unassigned,
    WordsRestored,
)
from scmanager.domain.words import check_name
from scmanager.errors import Refused

CLAIM_MAX_S = 31 * 24 * 3600
"""The longest claim time that can be a claim time and not a slip."""


class ShipUnknown(Refused):
    """There is no such ship here."""

    code = "ship-unknown"
    hint = "Look at the list, scm ship list. Add it with scm ship add, or show one of your hangar: scm ship share."


class ShipKnown(Refused):
    """This ship is in the list already."""

    code = "ship-known"
    hint = "Change the entry that is there; find it with: scm ship list."


class ShipGone(Refused):
    """This ship is not here any more ({standing})."""

    code = "ship-gone"
    hint = "Bring it back first: scm ship restore, or its owner shows it again: scm ship share."


class ShipNotYours(Refused):
    """Only the owner can do this."""

    code = "ship-not-yours"
    hint = "Ask the owner, whom scm ship list names."


class OwnerUnclear(Refused):
    """It is not clear whose ship this shall be."""

    code = "ship-owner-unclear"
    hint = "Name one member, or the organisation; in your personal space every ship is yours."


class ModelUnusable(Refused):
    """{model} is no key of a ship catalogue."""

    code = "ship-model-unusable"
    hint = "Choose a model from the catalogue; its key has letters, digits, dots, hyphens and underscores only."


class ClaimTimeUnusable(Refused):
    """A claim cannot be through at {until:utc}."""

    code = "ship-claim-time-unusable"
    hint = "Give a time to come within 31 days for a ship in claim, and none for any other."


class LentAlready(Refused):
    """This ship is on loan."""

    code = "ship-lent-already"
    hint = "Have it returned first: scm ship return."


class LentToOwner(Refused):
    """A ship is not lent to its owner."""

    code = "ship-lent-to-owner"
    hint = "Choose another member."


class NotLent(Refused):
    """This ship is not on loan{to_whom}."""

    code = "ship-not-lent"
    hint = "Nothing is to be returned: scm ship list shows who has which ship."


class LoanTimeUnusable(Refused):
    """A loan cannot end at {until:utc}."""

    code = "ship-loan-time-unusable"
    hint = "Choose a later day, or none."


class ShipNotContested(Refused):
    """Nothing of this kind awaits a decision."""

    code = "ship-not-contested"
    hint = "Somebody may have settled it. What is still open: scm contested."


class OwnershipContested(Refused):
    """It is open whose ship this is."""

    code = "ship-ownership-contested"
    hint = "Somebody with the right ship.manage settles it first: scm contested, scm settle."


def add(
    ship: Ship,
    actor: Id,
    model: str,
    source: Source,
    mark: Id | None,
    owner: Owner,
    details: Details | None = None,
) -> Iterator[Decision]:
    """Add a ship; `model` is a key of the catalogue, `mark` 16 bytes as `Added` says.

    Raises ShipKnown, ModelUnusable.
    """
    if ship.standing is not Standing.UNKNOWN:
        raise ShipKnown
    _check_model(model)
    mine = owner == Owner(OwnerKind.MEMBER, actor)
    event = Added(model, source, mark) if mine else AddedFor(model, owner, source, mark)
    yield About(event, owner.subject, details) if details else event


def share(ship: Ship, actor: Id, model: str) -> Iterator[Decision]:
    """Show one's own ship to this organisation, or tell its new model. Raises ShipKnown, ShipGone, ModelUnusable."""
    _check_model(model)
    if ship.standing is not Standing.UNKNOWN and not owned_by(ship, actor):
        raise ShipKnown
    if ship.standing is Standing.REMOVED:
        raise ShipGone(standing=ship.standing.value)
    if ship.standing is not Standing.PRESENT or ship.model != model:
        yield Shared(model)


def withdraw_share(ship: Ship, actor: Id) -> Iterator[Decision]:
    """Show it no longer. Harmless if it is not shown. Raises ShipUnknown, ShipNotYours."""
    _check_known(ship)
    if not owned_by(ship, actor):
        raise ShipNotYours
    if ship.standing is not Standing.WITHDRAWN:
        yield ShareWithdrawn()


def name(ship: Ship, actor: Id, nickname: str) -> Iterator[Decision]:
    """Give it a nickname; empty takes it back. Raises ShipUnknown, ShipGone, WordsUnusable."""
    owner = _check_present(ship)
    words = Nickname(check_name(nickname, may_be_empty=True))
    yield About(_voiced(ship, actor, Named()), owner.subject, words)


def detail(ship: Ship, actor: Id, details: Details) -> Iterator[Decision]:
    """Say anew all that a hangar tool says of it. Raises ShipUnknown, ShipGone."""
    owner = _check_present(ship)
    yield About(_voiced(ship, actor, Detailed()), owner.subject, details)


def restore_words(ship: Ship, actor: Id, nickname: Id32, details: Id32) -> Iterator[Decision]:
    """Let the words of these earlier entries stand again (empty for none). Raises ShipUnknown, ShipGone."""
    _check_present(ship)
    if (ship.nickname, ship.details) != (nickname, details):
        yield _voiced(ship, actor, WordsRestored(nickname or None, details or None))


def remove(ship: Ship, actor: Id, reason: RemovalReason) -> Iterator[Decision]:
    """Take it off the list; what is known of it stays. Raises ShipUnknown, ShipGone (its owner withdrew it)."""
    _check_known(ship)
    if ship.standing is Standing.WITHDRAWN:
        raise ShipGone(standing=ship.standing.value)
    if ship.standing is not Standing.REMOVED or ship.removed_for is not reason:
        yield _voiced(ship, actor, Removed(reason))


def restore(ship: Ship, actor: Id) -> Iterator[Decision]:
    """Undo a removal. Harmless if there is none. Raises ShipUnknown."""
    _check_known(ship)
    if ship.standing is Standing.REMOVED:
        yield _voiced(ship, actor, Restored())


def transfer(ship: Ship, actor: Id, owner: Owner) -> Iterator[Decision]:
    """Give it to another owner. Raises ShipUnknown, ShipGone, OwnershipContested."""
    _check_present(ship)
    if ship.rival_owners:
        raise OwnershipContested
    if ship.owner != owner:
        yield _voiced(ship, actor, Transferred(owner, entries(ship.owners)))


def settle_owner(ship: Ship, owner: Owner) -> Iterator[Decision]:
    """Decide whose it is when it was given to two at once. Raises ShipNotContested."""
    if not ship.rival_owners or owner not in (ship.owner, *ship.rival_owners):
        raise ShipNotContested
    yield TransferredFor(owner, entries(ship.owners))


def set_readiness(ship: Ship, actor: Id, readiness: Readiness, now: int, until: int = 0) -> Iterator[Decision]:
    """Say what state it is in; `until` (UTC seconds) is the end of a claim. Raises ShipGone, ClaimTimeUnusable."""
    _check_present(ship)
    fits = now < until <= now + CLAIM_MAX_S if readiness is Readiness.IN_CLAIM else until == 0
    if not fits:
        raise ClaimTimeUnusable(until=until)
    if (ship.readiness, ship.claim_until) != (readiness, until):
        yield _voiced(ship, actor, ReadinessChanged(readiness, until))


def lend(ship: Ship, actor: Id, borrower: Id, now: int, until: int = 0) -> Iterator[Decision]:
    """Lend it to a member, if agreed until a time (UTC seconds).

    Raises ShipUnknown, ShipGone, LentToOwner, LentAlready, LoanTimeUnusable.
    """
    _check_present(ship)
    if owned_by(ship, borrower):
        raise LentToOwner
    if until and not now < until <= INT_MAX:
        raise LoanTimeUnusable(until=until)
    if ship.loan == Loan(borrower, until):
        return  # Asking twice is harmless.
    if ship.loan:
        raise LentAlready
    yield _voiced(ship, actor, Lent(borrower, until))


def return_(ship: Ship, actor: Id, borrower: Id) -> Iterator[Decision]:
    """End a loan; owner and borrower may both say it. Raises ShipUnknown, NotLent."""
    _check_known(ship)
    loans = [each.entry for each in ship.loans if each.value.borrower == borrower]
    if not loans:
        raise NotLent(to_whom=" to this member" if ship.loan else "")
    for loan in loans:
        event = Returned(loan)
        yield event if actor == borrower else _voiced(ship, actor, event)


def settle_loan(ship: Ship, actor: Id, borrower: Id) -> Iterator[Decision]:
    """Decide who has it when it was lent to two at once: the other loans end. Raises ShipNotContested."""
    if not ship.rival_loans or borrower not in {each.value.borrower for each in ship.loans}:
        raise ShipNotContested
    for loan in ship.loans:
        if loan.value.borrower != borrower:
            yield _voiced(ship, actor, Returned(loan.entry))


def assign(ship: Ship, actor: Id, fleet: Id) -> Iterator[Decision]:
    """Let it fly with a fleet; ends every other assignment, contested ones too. Raises ShipUnknown, ShipGone."""
    _check_present(ship)
    if ship.fleet != fleet or ship.rival_fleets:
        yield _voiced(ship, actor, Assigned(fleet, entries(ship.fleets)))


def unassign(ship: Ship, actor: Id) -> Iterator[Decision]:
    """Let it fly with none. Harmless if it does. Raises ShipUnknown."""
    _check_known(ship)
    if ship.fleets:
        yield _voiced(ship, actor, Unassigned(entries(ship.fleets)))


def _voiced(ship: Ship, actor: Id, event: Event) -> Event:
    """The event as its owner says it, or as one must who manages ships."""
    return event if owned_by(ship, actor) else FOR[type(event)](*msgspec.structs.astuple(event))


def _check_model(model: str) -> None:
    try:
        msgspec.convert(model, CatalogueKey)
    except msgspec.ValidationError as error:
        raise ModelUnusable(model=model) from error


def _check_known(ship: Ship) -> None:
    if ship.standing is Standing.UNKNOWN:
        raise ShipUnknown


def _check_present(ship: Ship) -> Owner:
    _check_known(ship)
    if ship.standing is not Standing.PRESENT or ship.owner is None:
        raise ShipGone(standing=ship.standing.value)
    return ship.owner
