"""Readers: buckets that empty and fill, addresses as a web server in front names them, a table that stays small."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.api import readers
from scmanager.api.readers import (
    FILL_S,
    KNOWN_MAX,
    ROOM,
    OpenRequests,
    Readers,
    TooManyOpen,
    TooManyRequests,
    address_of,
    cost_of,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def scope(*forwarded: bytes, path: str = "/checkpoint") -> dict[str, object]:
    return {"type": "http", "path": path, "headers": [(b"x-forwarded-for", each) for each in forwarded]}


def test_a_bucket_empties_and_time_fills_it() -> None:
    clock = Clock()
    held = Readers(clock)
    assert [held.wait_s("a", ROOM / 4) for _ in range(4)] == [0.0] * 4
    assert held.wait_s("a", 1) == pytest.approx(1 / FILL_S)
    assert held.wait_s("b", 1) == 0.0
    clock.now += 10 / FILL_S
    assert held.wait_s("a", 10) == pytest.approx(0.0, abs=1e-6)
    assert held.wait_s("a", 1) > 0
    clock.now += 10_000
    assert held.wait_s("a", ROOM) == 0.0
    assert held.wait_s("a", 1) > 0, "it never holds more than it has room for"


def test_who_is_refused_loses_nothing() -> None:
    held = Readers(Clock())
    assert held.wait_s("a", ROOM - 5) == 0.0
    assert held.wait_s("a", 6) > 0
    assert held.wait_s("a", 5) == 0.0


def test_as_many_are_known_as_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "KNOWN_MAX", 3)
    held = Readers(Clock())
    for name in ("a", "b", "c"):
        held.wait_s(name, ROOM)
    assert held.wait_s("a", 1) > 0, "known, and last now"
    held.wait_s("d", 1)
    assert held.wait_s("a", 1) > 0
    assert held.wait_s("b", 1) == 0.0, "it asked longest ago and was forgotten"
    assert KNOWN_MAX == 20_000


@pytest.mark.parametrize(
    ("forwarded", "reader"),
    [
        ((), ""),
        ((b"203.0.113.9",), "203.0.113.9"),
        ((b"6.6.6.6, 203.0.113.9",), "203.0.113.9"),
        ((b"6.6.6.6", b"203.0.113.9"), "203.0.113.9"),
        ((b"::ffff:203.0.113.9",), "203.0.113.9"),
        ((b"2001:db8:1:2:3:4:5:6",), "2001:db8:1:2::/64"),
        ((b"2001:db8:1:2:ffff::1",), "2001:db8:1:2::/64"),
        ((b"noise",), "unknown"),
        ((b"",), "unknown"),
    ],
)
def test_the_last_address_counts_which_the_web_server_in_front_wrote(
    forwarded: tuple[bytes, ...], reader: str
) -> None:
    assert address_of(scope(*forwarded)) == reader


def test_who_asks_from_this_machine_is_not_counted() -> None:
    held = Readers(Clock())
    for _ in range(1000):
        held.check(scope(path="/api/v1/updates"))
    outside = scope(b"203.0.113.9", path="/api/v1/updates")
    for _ in range(int(ROOM / cost_of("/api/v1/updates"))):
        held.check(outside)
    with pytest.raises(TooManyRequests) as caught:
        held.check(outside)
    assert caught.value.facts["seconds"] == 1


def test_tiles_are_cheap() -> None:
    assert cost_of("/tile/0/000") < cost_of("/api/v1/ledger/inclusion/3") < cost_of("/api/v1/plugins")


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_bytes_are_some_reader(noise: list[bytes]) -> None:
    assert isinstance(address_of(scope(*noise)), str)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([b"192.0.2.1", b"2001:db8::1", b"2001:db8::2"])), max_size=40)
)
def test_what_one_address_has_open_is_bounded_and_forgotten_when_closed(moves: list[tuple[bool, bytes]]) -> None:
    held, opened = OpenRequests(2), dict[str, list[ExitStack]]()
    for opens, address in moves:
        asked = scope(address)
        mine = opened.setdefault(address_of(asked), [])
        if not opens:
            if mine:
                mine.pop().close()
            continue
        one = ExitStack()
        try:
            one.enter_context(held.one(asked))
        except TooManyOpen:
            assert len(mine) == 2
        else:
            mine.append(one)
            assert len(mine) <= 2
    assert len(held) == sum(bool(each) for each in opened.values())


def test_who_asks_from_this_machine_is_not_counted_open() -> None:
    held = OpenRequests(1)
    with held.one(scope()), held.one(scope()):
        assert len(held) == 0
