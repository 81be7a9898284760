"""Events of earlier releases are read as today's version of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain import upcasting
from scmanager.domain.event import CATALOGUE, Event
from scmanager.domain.governance import Granted
from scmanager.domain.payload import Seconds, Title
from scmanager.domain.rights import ANYONE, RIGHT_NEEDED
from scmanager.domain.ship_events import Added, AddedFor
from scmanager.domain.upcasting import UPCASTERS, upcast, upcaster
from scmanager.eventstore import content
from scmanager.eventstore.content import Shared
from scmanager.spaces import opening
from scmanager.spaces.opening import event_of
from tests.support.arbitrary import structs
from tests.support.scenario import wired


class Flights:
    """Three versions of one event, as three releases might have had them."""

    def __init__(self) -> None:
        class PlannedFirst(Event, tag="flight.planned/1"):
            title: Title

        class PlannedSecond(Event, tag="flight.planned/2"):
            title: Title
            seats: Seconds

        class Planned(Event, tag="flight.planned/3"):
            name: Title
            seats: Seconds
            waiting: Seconds = 0

        self.first, self.second, self.newest = PlannedFirst, PlannedSecond, Planned


@contextmanager
def three_releases() -> Iterator[Any]:
    """The three versions are known meanwhile, and nobody else sees them."""
    known, steps = set(CATALOGUE), dict(UPCASTERS)
    try:
        yield Flights()
    finally:
        for tag in set(CATALOGUE) - known:
            del CATALOGUE[tag]
            opening._decoders.pop(tag, None)
        UPCASTERS.clear()
        UPCASTERS.update(steps)


@pytest.fixture
def flights() -> Iterator[Any]:
    with three_releases() as known:
        yield known


def register(flights: Any) -> None:
    upcaster(flights.second, flights.newest)(lambda old: flights.newest(old.title, old.seats))
    upcaster(flights.first, flights.second)(lambda old: flights.second(old.title, 1))


def fits(event: Event) -> bool:
    """Whether a reader would take it."""
    try:
        return wired(event) == event
    except msgspec.ValidationError:
        return False


def said(event: Event) -> Shared:
    """The event as part 0 carries it, written and read again."""
    raw = msgspec.Raw(msgspec.json.encode(event))
    read = content.read(content.encode(Shared(event.tag, b"g" * 32, b"c" * 16, b"", b"e" * 16, (), raw)))
    assert read is not None
    return read


def test_the_oldest_version_goes_through_every_step_whatever_order_they_were_registered_in(flights: Any) -> None:
    register(flights)
    assert upcast(flights.first("Jumptown")) == flights.newest("Jumptown", 1, 0)
    assert upcast(flights.second("Jumptown", 8)) == flights.newest("Jumptown", 8, 0)


def test_the_newest_version_stays_itself(flights: Any) -> None:
    register(flights)
    newest = flights.newest("Jumptown", 8, 2)
    assert upcast(newest) is newest


def test_an_entry_of_an_earlier_release_opens_as_the_newest_version(flights: Any) -> None:
    old = said(flights.first("Jumptown"))
    assert event_of(old) == flights.first("Jumptown")
    register(flights)
    assert event_of(old) == flights.newest("Jumptown", 1, 0)
    assert old.type == "flight.planned/1", "what was written is not touched"


def test_what_does_not_fit_the_old_version_is_not_upcast(flights: Any) -> None:
    register(flights)
    raw = msgspec.Raw(b'{"name":"Jumptown","seats":1}')
    assert event_of(Shared("flight.planned/1", b"g" * 32, b"c" * 16, b"", b"e" * 16, (), raw)) is None


def test_a_step_leads_to_a_later_version_of_the_same_type_only(flights: Any) -> None:
    for old, new in ((flights.second, flights.first), (flights.first, flights.first), (flights.first, Added)):
        with pytest.raises(TypeError, match="no later version"):
            upcaster(old, new)


def test_a_version_has_one_upcaster(flights: Any) -> None:
    register(flights)
    with pytest.raises(TypeError, match="already"):
        upcaster(flights.first, flights.newest)(lambda old: flights.newest(old.title, 1))


def test_what_governs_is_never_upcast(flights: Any) -> None:
    class Later(Event, tag="member.granted/2"):
        pass

    with pytest.raises(TypeError, match="governs"):
        upcaster(Granted, Later)


def test_what_was_open_to_everybody_does_not_come_to_count_as_said_by_right(
    flights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 4: evolve tells one's own from what needs a right by the type, so both versions need the same."""
    rights = {flights.first.tag: ANYONE, flights.second.tag: RIGHT_NEEDED[AddedFor.tag]}
    monkeypatch.setattr(upcasting, "RIGHT_NEEDED", rights)
    with pytest.raises(TypeError, match="different rights"):
        upcaster(flights.first, flights.second)


def test_two_versions_that_need_the_same_right_are_one_type(flights: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = RIGHT_NEEDED[AddedFor.tag]
    monkeypatch.setattr(upcasting, "RIGHT_NEEDED", {flights.first.tag: right, flights.second.tag: right})
    upcaster(flights.first, flights.second)(lambda old: flights.second(old.title, 1))
    assert upcast(flights.first("Jumptown")) == flights.second("Jumptown", 1)


@given(data=st.data())
def test_whatever_an_old_version_may_hold_becomes_something_the_new_version_may_hold(data: st.DataObject) -> None:
    """Every upcaster of this release, and those here. One that raised would stop a node at foreign bytes."""
    with three_releases() as flights:
        register(flights)
        for tag, (new, step) in UPCASTERS.items():
            old = data.draw(structs(CATALOGUE[tag]).filter(fits))
            stepped = step(old)
            assert type(stepped) is new
            assert fits(stepped)
