"""The last place in a crew, taken by two who did not know of each other: both are shown, and who leads decides."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scmanager.application.desk import Desk
from scmanager.domain.catalogue import OPERATIONS
from scmanager.domain.operation_crew import manifest, taker
from scmanager.domain.operation_events import Answer, SignedUp, SlotTaken
from scmanager.errors import Refused
from scmanager.runtime import Node
from scmanager.spaces.contests import Contested, contests_of
from tests.end_to_end.test_dated_back import act_on, dated_back
from tests.support.three_machines import Org

START_S = 4_000_000_000


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    one = Org(tmp_path)
    yield one
    one.close()


def planned(org: Org) -> tuple[bytes, bytes, int]:
    """An operation with one slot, and when it was planned (microseconds)."""
    window = {"starts_s": START_S, "ends_s": START_S + 3600}
    operation = bytes.fromhex(org.ada.do("operation.plan", org.space, {"title": "Jump", **window})["operation"])
    ids = {"operation_id": operation}
    (slot,) = org.ada.do("operation.add-crew-slots", org.space, ids | {"role": "pilot"})["slots"]
    org.carry(org.ada, org.cleo)
    org.carry(org.ada, org.bob)
    return operation, bytes.fromhex(slot), org.ada.shelf.space(org.space).hlc


def come(node: Node, org: Org, operation: bytes, slot: bytes | None = None) -> None:
    node.do("operation.sign-up", org.space, {"operation_id": operation, "answer": Answer.ACCEPTED})
    if slot is not None:
        node.do("operation.take-slot", org.space, {"operation_id": operation, "slot": slot})
    org.carry(node, org.ada)


def contested(org: Org, operation: bytes) -> list[Contested]:
    with org.ada.shelf.lock:
        space = org.ada.shelf.space(org.space)
        return list(contests_of(space, OPERATIONS, operation, space.state(OPERATIONS, operation)))


def open_places(org: Org, operation: bytes) -> list[list[bytes]]:
    found = [each.contest for each in contested(org, operation) if not each.contest.settled]
    assert {each.field for each in found} <= {"place"}
    return [[each.value for each in contest.rivals] for contest in found]


def in_crew(org: Org, operation: bytes) -> tuple[bytes, ...]:
    return manifest(org.state(OPERATIONS, operation)).crew


def has_slot(org: Org, operation: bytes) -> bytes | None:
    (slot,) = org.state(OPERATIONS, operation).crew_slots
    return taker(slot, frozenset(in_crew(org, operation)))


def settle(org: Org, node: Node, operation: bytes, chosen: int) -> None:
    (found,) = [each.contest for each in contested(org, operation) if not each.contest.settled]
    entry = found.rivals[chosen].entry
    node.do("settle", org.space, {"thing": operation, "field": "place", "entry": entry})


def test_who_dates_his_sign_up_back_has_nobodys_place_unseen(org: Org, tmp_path: Path) -> None:
    with closing(dated_back(org, tmp_path)) as tablet:
        operation, slot, then = planned(org)
        org.carry(org.ada, tablet)
        come(org.cleo, org, operation, slot)
        assert (open_places(org, operation), has_slot(org, operation)) == ([], org.cleo_id)

        def said(desk: Desk) -> None:
            desk.record(OPERATIONS, operation, SignedUp(Answer.ACCEPTED))
            desk.record(OPERATIONS, operation, SlotTaken(slot))

        act_on(tablet, org, said, then)
    assert open_places(org, operation) == [[org.bob_id, org.cleo_id]]
    settle(org, org.ada, operation, 1)
    assert (in_crew(org, operation), has_slot(org, operation)) == ((org.cleo_id,), org.cleo_id)
    assert open_places(org, operation) == []
    (settled,) = [each.contest for each in contested(org, operation) if each.contest.field == "place"]
    assert (settled.by, settled.outcome) == (org.ada.shelf.space(org.space).id[:16], org.cleo_id)


@pytest.mark.parametrize("chosen", [0, 1])
def test_the_last_place_taken_by_two_at_once_is_whose_who_leads_says(org: Org, chosen: int) -> None:
    operation, _, _ = planned(org)
    come(org.cleo, org, operation)
    come(org.bob, org, operation)
    (rivals,) = open_places(org, operation)
    assert rivals == [org.cleo_id, org.bob_id]
    settle(org, org.ada, operation, chosen)
    assert (in_crew(org, operation), open_places(org, operation)) == ((rivals[chosen],), [])
    org.carry(org.ada, org.bob)
    come(org.bob, org, operation)  # Again, and knowing: nothing is open anew.
    assert (in_crew(org, operation), open_places(org, operation)) == ((rivals[chosen],), [])


def test_whoever_may_not_lead_settles_nobodys_place_and_who_knew_that_it_was_full_waits(org: Org) -> None:
    operation, _, _ = planned(org)
    come(org.cleo, org, operation)
    org.carry(org.ada, org.bob)
    come(org.bob, org, operation)
    assert open_places(org, operation) == [], "he knew"
    other, _, _ = planned(org)
    come(org.cleo, org, other)
    come(org.bob, org, other)
    org.carry(org.ada, org.bob)
    with pytest.raises(Refused):
        settle(org, org.bob, other, 1)


def test_more_places_end_what_was_open(org: Org) -> None:
    operation, _, _ = planned(org)
    come(org.cleo, org, operation)
    come(org.bob, org, operation)
    assert open_places(org, operation) == [[org.cleo_id, org.bob_id]]
    org.ada.do("operation.limit-crew", org.space, {"operation_id": operation, "most": 2})
    assert (len(in_crew(org, operation)), open_places(org, operation)) == (2, [])
