"""The clock of a server at work: a reading far ahead dates nothing; a machine that was off for months goes on."""

from concurrent.futures import Future

import msgspec
import pytest

from scmanager.application.run_clock import AHEAD_H, ClockAhead, RunClock
from scmanager.application.sequencing import Reports, Sequencer
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger.reports import Receipt
from tests.application.test_sequencing import KEY, begun, nothing
from tests.support.intake import reported

HOUR_US = 3_600 * 10**6
DAY_US = 24 * HOUR_US


class Machine:
    """Its clock, and the time that passes."""

    def __init__(self, now_us: int) -> None:
        self.now_us, self.passed = now_us, 0.0
        self.clock = RunClock(lambda: self.now_us, lambda: self.passed)

    def wait(self, hours: int) -> None:
        self.now_us += hours * HOUR_US
        self.passed += hours * 3_600


def test_what_has_passed_bears_the_clock_out_however_long() -> None:
    machine = Machine(DAY_US)
    machine.wait(24 * 400)
    assert machine.clock.now_us() == 401 * DAY_US
    machine.now_us += AHEAD_H * HOUR_US
    assert machine.clock.now_us() == machine.now_us
    machine.now_us += 1
    with pytest.raises(ClockAhead, match=f"{AHEAD_H} hours"):
        machine.clock.now_us()
    machine.now_us -= 50 * DAY_US
    assert machine.clock.now_us() == machine.now_us, "behind dates nothing ahead"


def test_a_clock_that_jumps_ahead_dates_no_entry_and_reports_are_taken_again_once_it_is_right() -> None:
    store = MemoryStore()
    first = begun(store)
    machine = Machine(200 * DAY_US)  # Off for months since the log's last entry.
    taking = Sequencer(store, first.head, KEY, bytes(32), machine.clock.now_us, nothing)
    taking.start()

    def told() -> Receipt:
        answer: Future[bytes] = taking.submit(Reports(bytes([taking.head.size]) * 16, reported(1)))
        return msgspec.json.decode(answer.result(20), type=Receipt)

    assert told().hlc == 200 * DAY_US
    machine.now_us += 300 * DAY_US
    with pytest.raises(ClockAhead):
        told()
    assert taking.head.size == 2
    machine.now_us -= 300 * DAY_US
    machine.wait(1)
    assert told().hlc == 200 * DAY_US + HOUR_US
    taking.stop()
    store.close()
