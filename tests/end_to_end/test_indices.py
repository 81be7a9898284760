"""An index finds what a walk through all things finds, whatever came, changed or turned out void since last time."""

from typing import Any

from scmanager.application.fielding import BY_SHIP, BY_STANDING
from scmanager.domain.catalogue import MEMBERS, OPERATIONS
from scmanager.domain.event import Id
from scmanager.domain.member import Standing
from scmanager.domain.operation_events import CancelReason
from scmanager.runtime import Node
from scmanager.spaces.journal import LENGTH_MAX
from tests.end_to_end.test_governing import Org, org
from tests.support.machines import carry, let_in

__all__ = ["org"]


def found(node: Node, org: Org, *standings: Standing) -> dict[Id, Any]:
    """By the index, which has to agree with a walk."""
    space = node.shelf.space(org.space)
    listed = list(space.indices.having(space, BY_STANDING, standings))
    walked: dict[Id, Any] = dict(space.things(MEMBERS))
    assert dict(listed) == {each: one for each, one in walked.items() if one.standing in standings}
    assert len(listed) == len(dict(listed))
    for ids in space.indices.ids(space, BY_STANDING, standings):
        assert list(ids) == sorted(ids)
    return dict(listed)


def test_what_comes_changes_and_goes_is_found_under_its_value_of_now(org: Org) -> None:
    assert list(found(org.ada, org, Standing.JOINED)) == [org.space[:16]]
    grace, carl = (
        bytes.fromhex(org.ada.do("member.record", org.space, {"handle": each})["member"])
        for each in ("grace", "carl")
    )
    assert found(org.ada, org, Standing.RECORDED).keys() == {grace, carl}
    org.ada.do("member.leave", org.space, {"member_id": grace})
    assert found(org.ada, org, Standing.RECORDED).keys() == {carl}
    assert found(org.ada, org, Standing.LEFT, Standing.RECORDED).keys() == {grace, carl}
    assert found(org.ada, org, Standing.REMOVED) == {}


def test_what_a_cut_made_void_is_found_no_more(org: Org) -> None:
    bob = let_in(org.ada, org.bob, org.space, org.officer, org.folder)
    carry(org.bob, org.ada, org.space, org.folder)
    grace = bytes.fromhex(org.bob.do("member.record", org.space, {"handle": "grace"})["member"])
    assert found(org.bob, org, Standing.RECORDED).keys() == {grace}
    org.ada.do("member.set-role", org.space, {"member_id": bob, "role_id": org.lower})
    org.meet(org.ada, org.bob)
    assert found(org.bob, org, Standing.RECORDED) == {}


def test_more_than_the_journal_remembers_is_read_anew(org: Org) -> None:
    assert found(org.ada, org, Standing.RECORDED) == {}
    for number in range(LENGTH_MAX + 1):
        org.ada.do("member.record", org.space, {"handle": f"pilot-{number}"})
    assert len(found(org.ada, org, Standing.RECORDED)) == LENGTH_MAX + 1


def needing(node: Node, org: Org, *ships: Id) -> list[list[Id]]:
    """For each of these ships the operations that need it."""
    space = node.shelf.space(org.space)
    by_ship = [[each for ids in space.indices.ids(space, BY_SHIP, (ship,)) for each in ids] for ship in ships]
    for ship, listed in zip(ships, by_ship, strict=True):
        every: dict[Id, Any] = dict(space.things(OPERATIONS))
        assert listed == sorted(each for each, one in every.items() if ship in BY_SHIP.values(one))
        assert [each for each, _ in space.indices.having(space, BY_SHIP, (ship,))] == listed
    return by_ship


def test_a_thing_of_several_values_is_found_under_each_as_long_as_it_has_it(org: Org) -> None:
    def made(verb: str, thing: str, **arguments: Any) -> Id:
        return bytes.fromhex(org.ada.do(verb, org.space, arguments)[thing])

    ships = one, two = [made("ship.add", "ship", model="DRAK_Corsair", organisation=True) for _ in range(2)]
    assert needing(org.ada, org, *ships) == [[], []]
    starts, slots = 4_000_000_000, []
    for title in ("Raid", "Patrol"):
        new = made("operation.plan", "operation", title=title, starts_s=starts, ends_s=starts + 60)
        slots += [(new, made("operation.add-ship-slot", "slot", operation_id=new, title=each)) for each in "AB"]
    for (operation, slot), ship in zip(slots, (one, two, one, two), strict=True):
        org.ada.do("operation.assign-ship", org.space, {"operation_id": operation, "slot": slot, "ship_id": ship})
    (raid, first), (patrol, _) = slots[0], slots[2]
    assert needing(org.ada, org, *ships) == [sorted((raid, patrol))] * 2
    org.ada.do("operation.release-ship", org.space, {"operation_id": raid, "slot": first})
    assert needing(org.ada, org, *ships) == [[patrol], sorted((raid, patrol))]
    org.ada.do("operation.cancel", org.space, {"operation_id": patrol, "reason": CancelReason.OTHER})
    assert needing(org.ada, org, *ships) == [[], [raid]]
