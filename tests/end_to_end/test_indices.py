"""An index finds what a walk through all things finds, whatever came, changed or turned out void since last time."""

from typing import Any

from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.event import Id
from scmanager.domain.member import Standing
from scmanager.runtime import Node
from scmanager.spaces.journal import LENGTH_MAX
from tests.end_to_end.test_governing import Org, org
from tests.support.machines import carry, let_in

__all__ = ["org"]


def found(node: Node, org: Org, *standings: Standing) -> dict[Id, Any]:
    """By the index, which has to agree with a walk."""
    space = node.shelf.space(org.space)
    listed = list(space.indices.having(space, MEMBERS, "standing", standings))
    walked: dict[Id, Any] = dict(space.things(MEMBERS))
    assert dict(listed) == {each: one for each, one in walked.items() if one.standing in standings}
    assert len(listed) == len(dict(listed))
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
