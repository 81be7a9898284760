"""Reading ahead changes how fast a space is followed, and nothing else."""

import time
from collections.abc import Iterator

import pytest

from scmanager.domain.catalogue import FOLDS, MEMBERS, SHIPS
from scmanager.runtime import clock_us
from scmanager.spaces import ahead
from scmanager.spaces.opening import KeyOf
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space
from tests.support.books import Books, add_ship, books, name_ship, record


@pytest.fixture(scope="module")
def made() -> Iterator[Books]:
    with books() as life:
        for number in range(1, 30):
            new = number.to_bytes(16, "big")
            life.do(record(f"pilot-{number}", new))
            life.do(add_ship(new, owner=new))
            life.do(name_ship(new, f'"Nick\\u0000name" {number}'))
        yield life


def followed(made: Books, key_of: KeyOf, bulk: int) -> Space:
    shelf = Shelf(made.store, FOLDS, key_of, clock_us)
    shelf.follow(bulk)
    assert shelf.pos == made.store.last_pos()
    return shelf.space(made.space)


def told(space: Space) -> tuple[object, ...]:
    return (
        list(space.entries()), dict(space.verdicts.entries), space.frontier(), space.hlc, space.pos, space.kind,
        space.waiting, {fold.name: dict(space.things(fold)) for fold in (MEMBERS, SHIPS)},
    )  # fmt: skip


def test_a_space_read_ahead_is_the_space_read_here(made: Books) -> None:
    here, there = followed(made, made.keys.get, 10**9), followed(made, made.keys.get, 1)
    assert told(there) == told(here)
    assert len(list(here.entries())) > 80


def test_nearly_everything_is_found_ahead(made: Books) -> None:
    """Else it is opened here, rightly and slowly."""
    with ahead.Reader() as reader:
        while not reader.ready:
            time.sleep(0.01)
        [(rows, found)] = ahead.read(made.store, 0, made.keys.get, reader, (), 10_000)
    assert [row.pos for row in rows if row.pos not in found] == [1]


def test_without_a_key_entries_stay_closed_as_ever(made: Books) -> None:
    here, there = followed(made, lambda _: None, 10**9), followed(made, lambda _: None, 1)
    assert told(there) == told(here)
    assert there.waiting[1] > 80


def test_a_reader_that_dies_costs_nothing_but_time(made: Books) -> None:
    with ahead.Reader() as reader:
        pages = ahead.read(made.store, 0, made.keys.get, reader, (), 10)
        rows, found = next(pages)
        assert len(found) == 9
        reader.process.kill()
        reader.process.wait()
        rest = list(pages)
    assert [*rows, *(row for more, _ in rest for row in more)] == made.store.tail(0, 10_000)
    assert rest[-1][1] == {}


def test_logs_founded_while_it_starts_are_known_to_it(made: Books) -> None:
    rows = made.store.tail(0, 10)
    with ahead.Reader() as reader:
        pages = list(ahead.read(made.store, 10, made.keys.get, reader, rows[:1], 10_000))
    assert all(row.pos in found for rows, found in pages for row in rows)


def test_little_is_read_without_another_process(made: Books) -> None:
    assert list(ahead.pages(made.store, 0, made.keys.get)) == []
    assert list(ahead.pages(made.store, made.store.last_pos(), made.keys.get, bulk=1)) == []
