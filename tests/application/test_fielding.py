"""Can we field this? From an organisation's real hangars."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.application.fielding import can_we_field
from scmanager.domain.fielding import Fielding, Flaw, Missing
from scmanager.domain.operation_events import Answer, CancelReason
from scmanager.domain.operation_rules import OperationUnknown
from scmanager.domain.ship_events import Readiness, RemovalReason
from tests.support.machines import Machine, found
from tests.support.node import Seat

STARTS = 4_000_000_000


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Seat]:
    with Machine(tmp_path, "ada").open() as node:
        yield Seat(node, found(node))


@pytest.fixture
def raid(org: Seat) -> bytes:
    """An operation that wants a Corsair and a gunner aboard."""
    new = org.made("operation", "operation.plan", title="Raid", starts_s=STARTS, ends_s=STARTS + 60)
    hull = org.made("slot", "operation.add-ship-slot", operation_id=new, title="Gunship", models=("DRAK_Corsair",))
    org.do("operation.add-crew-slots", operation_id=new, role="gunner", aboard=hull)
    return new


def asked(org: Seat, operation: bytes, *, everybody: bool = False) -> Fielding:
    return can_we_field(org.node.shelf.space(org.space), operation, org.node.now_us() // 10**6, everybody=everybody)


def test_a_members_ship_comes_with_him_only(org: Seat, raid: bytes) -> None:
    grace = org.made("member", "member.record", handle="grace")
    ship = org.made("ship", "ship.add", model="DRAK_Corsair", owner=grace)
    org.do("operation.sign-up", operation_id=raid)
    answer = asked(org, raid)
    assert (answer.ships[0].missing, answer.ships[0].would[0].flaw) == (Missing.NOBODY, Flaw.KEEPER_AWAY)
    assert answer.crew[0].missing is Missing.NO_SHIP
    assert asked(org, raid, everybody=True).complete
    org.do("ship.lend", ship_id=ship, borrower=org.me)
    assert (asked(org, raid).ships[0].ship, asked(org, raid).complete) == (ship, True)
    org.do("operation.sign-up", operation_id=raid, answer=Answer.DECLINED)
    assert asked(org, raid, everybody=True).crew[0].could == (grace,)


def test_nobody_whose_name_was_erased_is_proposed(org: Seat, raid: bytes) -> None:
    org.do("operation.sign-up", operation_id=raid)
    org.do("ship.add", model="DRAK_Corsair", organisation=True)
    grace, hana = (org.made("member", "member.record", handle=handle) for handle in ("grace", "hana"))
    assert set(asked(org, raid, everybody=True).crew[0].could) == {org.me, grace, hana}
    org.do("member.erase", member_id=grace)
    assert asked(org, raid, everybody=True).crew[0].could == (org.me, hana)


def test_of_the_whole_roster_those_who_are_only_invited_are_not_counted_on(org: Seat, raid: bytes) -> None:
    org.do("operation.sign-up", operation_id=raid)
    org.do("ship.add", model="DRAK_Corsair", organisation=True)
    invited = org.made("member", "member.invite")
    assert asked(org, raid, everybody=True).crew[0].could == (org.me,)
    org.do("operation.sign-up", operation_id=raid, member_id=invited)
    assert asked(org, raid).crew[0].could == (org.me, invited)


def test_a_ship_is_taken_as_it_will_be_when_it_begins(org: Seat) -> None:
    soon = org.node.now_us() // 10**6 + 7200
    raid = org.made("operation", "operation.plan", title="Raid", starts_s=soon, ends_s=soon + 60)
    org.do("operation.add-ship-slot", operation_id=raid, title="Any")
    ship = org.made("ship", "ship.add", model="DRAK_Corsair", organisation=True)
    for readiness, until_s, flaw in (
        (Readiness.IN_CLAIM, soon - 60, None),
        (Readiness.IN_CLAIM, soon + 60, Flaw.IN_CLAIM),
        (Readiness.DAMAGED, 0, Flaw.DAMAGED),
        (Readiness.LOST, 0, Flaw.LOST),
    ):
        org.do("ship.set-readiness", ship_id=ship, readiness=readiness, until_s=until_s)
        answer = asked(org, raid).ships[0]
        assert ([each.flaw for each in answer.would] or [None]) == [flaw]
        assert (answer.ship == ship) is (flaw is None)


def test_a_ship_sold_while_assigned_is_named_as_lost_and_another_is_proposed(org: Seat, raid: bytes) -> None:
    org.do("operation.sign-up", operation_id=raid)
    slot = asked(org, raid).ships[0].slot.id
    first, second = (org.made("ship", "ship.add", model="DRAK_Corsair", organisation=True) for _ in range(2))
    org.do("operation.assign-ship", operation_id=raid, slot=slot, ship_id=first)
    assert asked(org, raid).ships[0].stands
    org.do("ship.remove", ship_id=first, reason=RemovalReason.SOLD)
    answer = asked(org, raid).ships[0]
    assert (answer.ship, answer.lost, answer.stands) == (second, first, False)


def test_a_ship_that_flies_in_another_operation_at_that_time_is_not_counted_on(org: Seat, raid: bytes) -> None:
    org.do("operation.sign-up", operation_id=raid)
    ship = org.made("ship", "ship.add", model="DRAK_Corsair", organisation=True)
    other = org.made("operation", "operation.plan", title="Patrol", starts_s=STARTS + 59, ends_s=STARTS + 99)
    hull = org.made("slot", "operation.add-ship-slot", operation_id=other, title="Any")
    org.do("operation.assign-ship", operation_id=other, slot=hull, ship_id=ship)
    assert asked(org, raid).ships[0].would[0].flaw is Flaw.ELSEWHERE
    org.do("operation.reschedule", operation_id=other, starts_s=STARTS + 60, ends_s=STARTS + 99)
    assert asked(org, raid).complete
    org.do("operation.reschedule", operation_id=other, starts_s=STARTS, ends_s=STARTS + 99)
    org.do("operation.cancel", operation_id=other, reason=CancelReason.OTHER)
    assert asked(org, raid).complete


def test_who_left_is_not_counted_on_and_what_is_not_planned_is_refused(org: Seat, raid: bytes) -> None:
    org.made("ship", "ship.add", model="DRAK_Corsair", organisation=True)
    grace = org.made("member", "member.record", handle="grace")
    org.do("operation.sign-up", operation_id=raid, member_id=grace)
    (slot,) = (each.slot.id for each in asked(org, raid).crew)
    org.do("operation.take-slot", operation_id=raid, member_id=grace, slot=slot)
    assert asked(org, raid).complete
    org.do("member.leave", member_id=grace)
    assert asked(org, raid).crew[0].missing is Missing.NOBODY
    with pytest.raises(OperationUnknown):
        asked(org, b"?" * 16)
