"""A ship: whose it is, what state it is in, who has it on loan and which fleet it flies with.

A member's hangar is in his personal space. What he shares with an organisation is an event of its own in that space,
which quotes the ship's id and model.
"""

import enum

import msgspec

from scmanager.domain.contest import Claim, beside, claim, drop, holder, rivals, stake
from scmanager.domain.event import Envelope, Id, Id32, State, replace
from scmanager.domain.payload import TUPLE_MAX
from scmanager.domain.rights import ANYONE, RIGHT_NEEDED
from scmanager.domain.ship_events import (
    Added,
    AddedFor,
    Assigned,
    Detailed,
    Lent,
    Named,
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
    ShipEvent,
    Source,
    Transferred,
    TransferredFor,
    Unassigned,
    WordsRestored,
)


class Standing(enum.StrEnum):
    """Whether a ship counts in this space."""

    UNKNOWN = "unknown"
    PRESENT = "present"
    REMOVED = "removed"
    WITHDRAWN = "withdrawn"


class Loan(msgspec.Struct, frozen=True):
    """Who has the ship, and until when it was agreed (UTC seconds, 0 for no day)."""

    borrower: Id
    until: int = 0


class Brought(msgspec.Struct, frozen=True):
    """What one of its owners says a ship is, who brought it under this id: the entry may hold his Details."""

    owner: Owner
    entry: Id32
    model: str
    source: Source = Source.TYPED
    mark: Id | None = None


class Ship(State):
    """A ship, as its events so far tell it."""

    id: Id = b""
    standing: Standing = Standing.UNKNOWN
    removed_for: RemovalReason | None = None
    model: str = ""
    source: Source = Source.TYPED
    mark: Id | None = None
    owners: tuple[Claim[Owner], ...] = ()
    former_owners: tuple[Claim[Owner], ...] = ()
    brought: tuple[Brought, ...] = ()
    """By whom: one, or all who did it without knowing of each other, at most 64."""
    nickname: Id32 = b""
    """The entry whose part holds the Nickname."""
    details: Id32 = b""
    """The entry whose part holds the Details, if it carries any."""
    readiness: Readiness = Readiness.READY
    claim_until: int = 0
    """When a claim is through (UTC seconds); 0 in every other readiness."""
    loans: tuple[Claim[Loan], ...] = ()
    fleets: tuple[Claim[Id], ...] = ()

    @property
    def owner(self) -> Owner | None:
        """Whose it is; None if it is not known here."""
        return holder(self.owners)

    @property
    def claimants(self) -> frozenset[Id]:
        """Everybody whose it is or was, by somebody's word."""
        return frozenset(claim.value.id for claim in (*self.owners, *self.former_owners))

    @property
    def rival_owners(self) -> tuple[Owner, ...]:
        """To whom it was transferred at the same time. `settle_owner` decides."""
        return rivals(self.owners)

    @property
    def loan(self) -> Loan | None:
        """The loan that holds."""
        return holder(self.loans)

    @property
    def rival_loans(self) -> tuple[Loan, ...]:
        """To whom it was lent at the same time. `settle_loan` decides; else they wait for its return."""
        return rivals(self.loans)

    @property
    def fleet(self) -> Id | None:
        """The fleet it flies with."""
        return holder(self.fleets)

    @property
    def rival_fleets(self) -> tuple[Id, ...]:
        """To which it was assigned at the same time. Assigning it again settles it."""
        return rivals(self.fleets)


def owned_by(ship: Ship, member: Id) -> bool:
    """Whether it is this member's own."""
    return ship.owner == Owner(OwnerKind.MEMBER, member)


def readiness_at(ship: Ship, now: int) -> Readiness:
    """What state it is in at this time (UTC seconds): a claim that is through gives a ready ship."""
    through = ship.readiness is Readiness.IN_CLAIM and ship.claim_until <= now
    return Readiness.READY if through else ship.readiness


def claim_left_s(ship: Ship, now: int) -> int:
    """Seconds until its claim is through; 0 if it is in none."""
    return max(0, ship.claim_until - now)


def overdue(ship: Ship, now: int) -> bool:
    """Whether the day agreed on for its return is over (UTC seconds)."""
    return ship.loan is not None and 0 < ship.loan.until <= now


def evolve(ship: Ship, event: ShipEvent, envelope: Envelope) -> Ship:
    """Total. What an owner says counts only from the owner (rule 4), a return from the borrower too.

    - Transferred twice at once, also by two devices of one owner: the first in fold order has it, contested until
      `settle_owner`. An owner passes on his own claim and ends no other. Nickname and details end
      with their owner's claim.
    - Lent twice at once: the first in fold order has it, the other waits, contested until `settle_loan` or a return.
    - Assigned to two fleets at once: the first in fold order, contested until it is assigned again.
    - Two members share or add one id, neither knowing of the other's: the first in fold order has it, and it is
      contested. Who came first is what each says of himself, so the other is never dropped; once it is his, it is
      what he says it is.
    - Withdrawn by its owner and removed at once: withdrawn, in either order, and only he shows it again.
    - Readiness, removal and restoring, nickname, details: the last in fold order stands. A removed ship keeps
      the rest.
    """
    if not _counts(ship, event, envelope):
        return ship
    match event:
        case Added(model, source, mark):
            return _appear(ship, model, Owner(OwnerKind.MEMBER, envelope.member), source, mark, envelope)
        case AddedFor(model, owner, source, mark):
            return _appear(ship, model, owner, source, mark, envelope)
        case Shared(model):
            appeared = _appear(ship, model, Owner(OwnerKind.MEMBER, envelope.member), Source.TYPED, None, envelope)
            anew = owned_by(appeared, envelope.member) and ship.standing is not Standing.REMOVED
            return _told_anew(appeared, model) if anew else appeared
        case ShareWithdrawn():
            return replace(ship, standing=Standing.WITHDRAWN, removed_for=None)
        case Named() | Detailed() | WordsRestored():
            return _evolve_words(ship, event, envelope)
        case Removed(reason) if ship.standing in (Standing.PRESENT, Standing.REMOVED):
            return replace(ship, standing=Standing.REMOVED, removed_for=reason)
        case Restored() if ship.standing is Standing.REMOVED:
            return replace(ship, standing=Standing.PRESENT, removed_for=None)
        case ReadinessChanged(readiness, until):
            return replace(ship, readiness=readiness, claim_until=until if readiness is Readiness.IN_CLAIM else 0)
        case _:
            return _evolve_claims(ship, event, envelope)


def _evolve_words(ship: Ship, event: Named | Detailed | WordsRestored, envelope: Envelope) -> Ship:
    match event:
        case Named():
            return replace(ship, nickname=envelope.entry)
        case Detailed():
            return replace(ship, details=envelope.entry)
        case WordsRestored(nickname, details):
            return replace(ship, nickname=nickname or b"", details=details or b"")


def _evolve_claims(ship: Ship, event: ShipEvent, envelope: Envelope) -> Ship:
    match event:
        case TransferredFor(owner, over):
            return _with_owners(ship, stake(ship.owners, owner, over, envelope))
        case Transferred(owner, over):
            return _with_owners(ship, _pass_on(ship.owners, owner, over, envelope))
        case Lent(borrower) if any(loan.value.borrower == borrower for loan in ship.loans):
            return ship  # Lent to him from two devices: once is enough.
        case Lent(borrower, until):
            return replace(ship, loans=beside(ship.loans, Loan(borrower, until), envelope))
        case Returned(loan):
            return replace(ship, loans=tuple(each for each in ship.loans if each.entry != loan))
        case Assigned(fleet, over):
            return replace(ship, fleets=stake(ship.fleets, fleet, over, envelope))
        case Unassigned(over):
            return replace(ship, fleets=drop(ship.fleets, over, envelope))
        case _:
            return ship  # Said of a ship that is not in that state any more.


def _counts(ship: Ship, event: ShipEvent, envelope: Envelope) -> bool:
    if RIGHT_NEEDED.get(event.tag) is not ANYONE or owned_by(ship, envelope.member):
        return True
    me = Owner(OwnerKind.MEMBER, envelope.member)
    match event:
        case Added() | Shared():
            return ship.standing is Standing.UNKNOWN or not envelope.saw
        case Returned(loan):
            return any(each.entry == loan and each.value.borrower == envelope.member for each in ship.loans)
        case Transferred(_, over):  # Another device of his gave it away before; this one did not know.
            return any(each.value == me and each.entry in over for each in ship.former_owners)
        case _:
            return False


def _appear(ship: Ship, model: str, owner: Owner, source: Source, mark: Id | None, envelope: Envelope) -> Ship:
    if ship.standing is Standing.WITHDRAWN and ship.owner == owner and owned_by(ship, envelope.member):
        return replace(ship, standing=Standing.PRESENT)
    said = Brought(owner, envelope.entry, model, source, mark)
    if ship.standing is not Standing.UNKNOWN:
        known = bool(envelope.saw) or any(each.value == owner for each in (*ship.owners, *ship.former_owners))
        if known:
            return ship
        if ship.standing is Standing.WITHDRAWN:  # Whoever took it away holds nothing against who shows it.
            ended = (*ship.former_owners, *ship.owners)[-TUPLE_MAX:]
            return _appear(Ship(former_owners=ended), model, owner, source, mark, envelope)
        owners = beside(ship.owners, owner, envelope)
        return (
            ship if owners == ship.owners else replace(ship, owners=owners, brought=(*ship.brought, said)[:TUPLE_MAX])
        )
    return replace(
        ship,
        id=envelope.entity,
        standing=Standing.PRESENT,
        model=model,
        source=source,
        mark=mark,
        details=envelope.entry,
        owners=stake(ship.owners, owner, (), envelope),
        brought=(said,),
    )


def _told_anew(ship: Ship, model: str) -> Ship:
    """Its owner says that it is another model now; so it is if it comes back to him from a rival, too."""
    brought = tuple(
        msgspec.structs.replace(each, model=model) if each.owner == ship.owner else each for each in ship.brought
    )
    return replace(ship, model=model, brought=brought)


def _pass_on(
    owners: tuple[Claim[Owner], ...], to: Owner, over: tuple[Id32, ...], envelope: Envelope
) -> tuple[Claim[Owner], ...]:
    """An owner's own claims go to the next, in their place. Who gave it away before only stands beside the others."""
    me = Owner(OwnerKind.MEMBER, envelope.member)
    passed = [each for each in owners if each.value == me and each.entry in over]
    if not passed:
        return beside(owners, to, envelope)
    his = claim(to, envelope)
    return tuple(his if each == passed[0] else each for each in owners if each not in passed[1:])


def _with_owners(ship: Ship, owners: tuple[Claim[Owner], ...]) -> Ship:
    ended = tuple(each for each in ship.owners if each not in owners)
    after = replace(ship, owners=owners, former_owners=(*ship.former_owners, *ended)[-TUPLE_MAX:])
    if after.owner == ship.owner:
        return after
    his = next((each for each in ship.brought if each.owner == after.owner), None)
    if his is None or len(ship.brought) == 1:
        return replace(after, nickname=b"", details=b"")
    return replace(after, nickname=b"", details=his.entry, model=his.model, source=his.source, mark=his.mark)
