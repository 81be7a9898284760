"""The pace of a body: who keeps it stays however long it takes, who does not is let go, and nobody saves up."""

from hypothesis import given
from hypothesis import strategies as st

from scmanager.api.pace import BYTES_A_S_MIN, PAUSE_S, Pace, first_to_leave

PIECES = st.lists(st.tuples(st.floats(0.0, PAUSE_S, exclude_max=True), st.integers(0, 1 << 20)), max_size=60)


@given(st.lists(st.floats(0.001, PAUSE_S / 2), min_size=1, max_size=200))
def test_who_sends_somewhat_faster_than_the_least_is_never_let_go(pauses: list[float]) -> None:
    pace, now = Pace(0.0), 0.0
    for pause in pauses:
        now += pause
        assert now < pace.until_s
        pace.heard(now, int(pause * BYTES_A_S_MIN * 1.01) + 1)


@given(PIECES)
def test_whatever_came_a_pause_ends_it_and_a_mean_below_the_least_as_well(pieces: list[tuple[float, int]]) -> None:
    pace, now, total = Pace(0.0), 0.0, 0
    for pause, size in pieces:
        if (now := now + pause) >= pace.until_s:
            break
        pace.heard(now, size)
        total += size
        assert pace.until_s <= now + PAUSE_S
        assert pace.until_s <= PAUSE_S + total / BYTES_A_S_MIN + 1e-6


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.integers(0, 1 << 20)), min_size=1))
def test_the_farthest_from_its_end_leaves_first_of_the_address_that_has_most(bodies: list[tuple[str, int]]) -> None:
    address, left = bodies[first_to_leave(bodies)]
    held = [each for each, _ in bodies]
    assert held.count(address) == max(map(held.count, held))
    most = [each for each in held if held.count(each) == held.count(address)]
    assert left == max(each for of, each in bodies if of in most)


def test_networks_of_one_machine_are_one_address() -> None:
    bodies = [("2001:db8:1:1::/64", 10), ("2001:db8:1:2::/64", 20), ("2001:db8:2::/64", 99), ("192.0.2.1", 99)]
    assert first_to_leave(bodies) == 1


def test_what_came_is_no_more_to_come() -> None:
    pace = Pace(0.0, 1_000)
    pace.heard(1.0, 400)
    assert pace.left_bytes == 600
    assert Pace(0.0).left_bytes > 1 << 60


def test_time_in_which_the_app_took_nothing_is_not_counted() -> None:
    pace = Pace(0.0)
    pace.waited_for_us(PAUSE_S * 5)
    assert pace.until_s == PAUSE_S * 6
