"""The clock jumps, forward and back, while a node runs and while it does not: nobody forks, and commands go on."""

import itertools
from pathlib import Path

import pytest

from scmanager.application.desk import ClockBehind
from scmanager.domain.catalogue import MEMBERS, ORGANISATIONS
from scmanager.runtime import Node
from scmanager.spaces.clock import ClockSlow
from scmanager.spaces.opening import parse_row
from tests.support.machines import Machine, carry, found, let_in, officer_role

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


def record(node: Node, space: bytes, handle: str) -> bytes:
    return bytes.fromhex(node.do("member.record", space, {"handle": handle})["member"])


def members(node: Node, space: bytes) -> int:
    return len(list(node.shelf.space(space).things(MEMBERS)))


def check_logs(node: Node) -> None:
    """Every own log rises strictly, and none forked."""
    for head in node.store.heads():
        assert head.branch == 0
        hlcs = [parse_row(row).hlc for row in node.store.read(head.log, 0, 0, 10_000)]
        assert all(one < two for one, two in itertools.pairwise(hlcs))


@pytest.mark.parametrize("jumps", [[-DAY], [30 * HOUR, 0], [400 * DAY, 0], [400 * DAY, -DAY, 30 * HOUR, 0]])
def test_jumps_while_it_runs_hide_nothing_and_sign_nothing_that_others_would_hold(
    jumps: list[int], ada: Machine
) -> None:
    with ada.open() as node:
        space = found(node)
        newest_s, recorded = 0, 1
        for ahead_s in jumps:
            ada.clock.ahead_s = ahead_s
            if newest_s > ahead_s + 26 * HOUR:
                with pytest.raises(ClockBehind):
                    record(node, space, "too early")
            else:
                record(node, space, f"pilot-{ahead_s}")
                newest_s, recorded = max(newest_s, ahead_s), recorded + 1
            assert members(node, space) == recorded  # Seen at once, whatever the clock says.
        check_logs(node)
        assert len(node.store.heads()) == 1
    ada.clock.ahead_s = 0
    with ada.open() as node:
        check_logs(node)
        before = members(node, space)
        record(node, space, "later")
        assert members(node, space) == before + 1


def test_a_jump_of_a_day_between_runs_is_no_doubt(ada: Machine) -> None:
    ada.clock.ahead_s = DAY
    with ada.open() as node:
        space = found(node)
    ada.clock.ahead_s = 0
    with ada.open() as node:
        assert node.doubt is None
        assert node.clock_hint() == ""
        record(node, space, "grace")
        assert members(node, space) == 2
        assert len(node.store.heads()) == 1


@pytest.mark.parametrize("jump_s", [30 * HOUR, 400 * DAY])
def test_an_own_head_far_ahead_leads_to_one_new_log_that_is_kept(jump_s: int, ada: Machine) -> None:
    with ada.open() as node:
        space = found(node)
        ada.clock.ahead_s = jump_s
        record(node, space, "from the future")
        ada.clock.ahead_s = 0
        assert "set back" in node.clock_hint()
        (old,) = node.store.heads()
    for restart in range(3):
        with ada.open() as node:
            assert "wait for their time" in node.clock_hint()
            assert members(node, space) == 1 + restart
            record(node, space, f"now-{restart}")
            node.writer.forget_seats()
            assert node.writer.seat_log(space) != old.log
            heads = node.store.heads(space)
            assert len(heads) == 2  # One continuation, not one for each start.
            assert old in heads  # Never written again.
            check_logs(node)
    ada.clock.ahead_s = jump_s
    with ada.open() as node:
        assert members(node, space) == 5  # Its time has come: nothing was lost.
        assert node.clock_hint() == ""
        assert all(verdict.valid for verdict in node.shelf.space(space).verdicts.entries.values())


def test_when_everything_is_held_the_clock_is_said_to_be_slow_and_goes_on_once_it_is_right(ada: Machine) -> None:
    ada.clock.ahead_s = 400 * DAY
    with ada.open() as node:
        space = found(node)
    ada.clock.ahead_s = 0
    with ada.open() as node:
        assert "your clock is slow" in node.clock_hint()
        with pytest.raises(ClockSlow) as raised:
            record(node, space, "grace")
        assert "clock" in raised.value.hint
        other = found(node, "Another")  # What does not need the clock goes on.
        assert record(node, other, "grace")
        ada.clock.ahead_s = 400 * DAY - HOUR
        assert record(node, space, "grace")  # Without a new start.
        assert members(node, space) == 2
        assert node.clock_hint() == ""
        check_logs(node)
    with ada.open() as node:
        assert node.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Nova"


def test_entries_of_others_from_the_future_wait_for_their_time_and_then_count(ada: Machine, tmp_path: Path) -> None:
    bob = Machine(tmp_path, "bob")
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        let_in(host, guest, space, officer_role(host, space), tmp_path)
        carry(guest, host, space, tmp_path)
        bob.clock.ahead_s = 30 * HOUR
        record(guest, space, "early")
        carry(guest, host, space, tmp_path)
        assert members(host, space) == 2
        assert "1 entries" in host.clock_hint()
        record(host, space, "meanwhile")
        assert members(host, space) == 3
        ada.clock.ahead_s = 5 * HOUR
        host.shelf.time_passed()
        assert members(host, space) == 4
        assert host.clock_hint() == ""
        check_logs(host)
