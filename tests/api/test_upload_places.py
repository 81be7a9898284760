"""Who has a place at an upload mirror when all are taken: each rule, and what the attacker does next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.api import upload_places
from scmanager.api.upload_places import IDLE_S, REMEMBERED_S, UPLOADS_MAX, Place, Places, TooManyUploads

LOG, OTHER = "example.com/log", "example.com/other"


class Mirror:
    """Its places, and a clock of its own."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.places = Places(lambda: self.now_s)

    def come(self, network: int, origin: str = LOG) -> Place:
        return self.asked(network, origin)[0]

    def asked(self, network: int, origin: str = LOG) -> tuple[Place, Place | None]:
        return self.places.take(f"198.51.100.{network}", origin)

    def full(self, origin: str = LOG) -> list[Place]:
        return [self.come(n, origin) for n in range(UPLOADS_MAX)]

    def refuses(self, network: int, origin: str = LOG) -> bool:
        try:
            self.come(network, origin)
        except TooManyUploads as error:
            return error.code == "mirror-too-many-uploads"
        return False


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()


def test_nobody_leaves_while_there_are_places(mirror: Mirror) -> None:
    assert [mirror.asked(1)[1] for _ in range(UPLOADS_MAX)] == [None] * UPLOADS_MAX


def test_whoever_brings_nothing_keeps_his_place_as_long_as_a_package_may_take(mirror: Mirror) -> None:
    full = mirror.full()
    mirror.now_s += IDLE_S
    assert mirror.refuses(100)
    mirror.places.brought(full[0], 256)
    mirror.now_s += 0.1
    assert mirror.asked(100)[1] is full[1]


def test_entries_that_lie_here_already_count_for_nothing(mirror: Mirror) -> None:
    full = mirror.full()
    mirror.now_s += IDLE_S + 1
    mirror.places.brought(full[0], 0)
    for each in full[1:]:
        mirror.places.brought(each, 1)
    assert mirror.asked(100)[1] is full[0]


def test_a_network_that_is_full_of_uploads_gives_up_its_own(mirror: Mirror) -> None:
    crowd = [mirror.places.take(f"2001:db8:7:{n:x}::/64", OTHER)[0] for n in range(UPLOADS_MAX - 1)]
    honest = mirror.come(1)
    for n in range(40):
        mirror.now_s += 0.05
        made, gone = mirror.places.take(f"2001:db8:7:{n + 99:x}::/64", OTHER)
        assert gone in crowd
        crowd = [*(each for each in crowd if each is not gone), made]
    assert mirror.asked(2)[1] in crowd, "who is of another network takes one of theirs"
    assert honest.idle_s(mirror.now_s) < IDLE_S


def test_a_network_with_one_place_takes_that_and_its_idle_time_with_it(mirror: Mirror) -> None:
    full = mirror.full()
    mirror.now_s += IDLE_S - 1
    again, gone = mirror.asked(3)
    assert gone is full[3]
    mirror.now_s += 2
    for each in full:
        mirror.places.brought(each, 1)
    assert mirror.asked(100)[1] is again, "to come again buys no time"


def test_what_is_being_brought_is_not_taken_by_its_neighbour(mirror: Mirror) -> None:
    full = mirror.full()
    mirror.places.brought(full[3], 256)
    assert mirror.refuses(3)
    mirror.now_s += IDLE_S + 1
    assert mirror.asked(3)[1] is full[3]


def test_each_log_has_a_place_of_its_own(mirror: Mirror) -> None:
    full = mirror.full(OTHER)
    for each in full:
        mirror.places.brought(each, 256)
    honest, gone = mirror.asked(100, LOG)
    assert gone in full
    assert mirror.refuses(101, LOG), "one, and no more than that"
    assert mirror.refuses(102, OTHER)
    assert honest in mirror.places._taken


def test_whoever_brought_something_just_now_gives_way_last(mirror: Mirror) -> None:
    busy = mirror.come(99, OTHER)
    mirror.places.brought(busy, 1)
    mirror.now_s += IDLE_S - 1
    for n in range(UPLOADS_MAX - 1):
        mirror.come(n, OTHER)
    assert mirror.asked(100, LOG)[1] is not busy


def test_networks_that_held_places_for_nothing_come_last(mirror: Mirror) -> None:
    for _ in range(2):
        full = mirror.full()
        mirror.now_s += IDLE_S - 1
        for each in full:
            mirror.places.leave(each)
    idle = mirror.full()
    mirror.now_s += 1
    _, gone = mirror.asked(100)
    assert gone in idle, "a fresh network goes before them at once"
    assert mirror.refuses(7 if gone is not idle[7] else 6) is False, "they change places with themselves alone"


def test_what_a_network_did_is_forgotten(mirror: Mirror) -> None:
    for each in mirror.full():
        mirror.now_s += IDLE_S + 1
        mirror.places.leave(each)
    mirror.now_s += REMEMBERED_S
    mirror.full()
    assert mirror.refuses(100)


def test_so_many_networks_are_remembered(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_places, "KNOWN_MAX", 5)
    for n in range(20):
        mirror.places.leave(mirror.come(n))
    assert len(mirror.places._idle) == 5


def test_who_asks_without_an_address_is_of_no_network(mirror: Mirror) -> None:
    full = [mirror.places.take("", LOG)[0] for _ in range(UPLOADS_MAX)]
    with pytest.raises(TooManyUploads):
        mirror.places.take("", LOG)
    mirror.now_s += IDLE_S + 1
    for each in full[1:]:
        mirror.places.brought(each, 1)
    assert mirror.places.take("", LOG)[1] is full[0]


ACTS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from((LOG, OTHER)), st.floats(0, 20)), min_size=8, max_size=60
)


@given(ACTS)
def test_an_upload_that_brings_something_in_time_keeps_its_place(acts: list[tuple[int, str, float]]) -> None:
    mirror = Mirror()
    honest = mirror.come(200)
    mirror.places.brought(honest, 1)
    for network, origin, wait_s in acts:
        mirror.now_s += wait_s
        mirror.refuses(network, origin)
        assert honest in mirror.places._taken
        assert len(mirror.places._taken) <= UPLOADS_MAX
        mirror.places.brought(honest, 1)
