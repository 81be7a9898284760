"""How fast the projector is: from the store's tail to five read models, beside a COPY of prebuilt audit rows.

100,000 realistic events of an organisation with 200 members and 600 ships: readiness changes, loans and returns,
assignments, notes, squadron lists. Sealed as in real life, all acting by standing grants, kept in an SQLite store.
All sides in one run, interleaved; medians. `follow` is reading, decryption, validity and folding in memory; `fill` is
rows, COPY, indices, digests, commit. Wall time is what a user waits; where others use the machine too, the processor
time of each stage says more.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from scmanager.adapters.postgres_server import remove, start
from scmanager.application import members
from scmanager.application.desk import Desk
from scmanager.domain import fleet, hangar, squadron
from scmanager.domain.catalogue import FLEETS, FOLDS, SHIPS, SQUADRONS
from scmanager.domain.ship_events import Readiness
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.projections import audit, generation
from scmanager.projections.runner import Projector
from scmanager.runtime import clock_us
from scmanager.spaces.shelf import Shelf
from tests.support.books import Books, add_ship, books, form_fleet, form_squadron, name_ship, record

EVENTS, MEMBERS, SHIPS_COUNT, ROUNDS = 100_000, 200, 600, 5
BATCH = 5_000


def measure(events: int = EVENTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Events a second of each stage, and the ratio of the projection to the COPY."""
    folder = Path(tempfile.mkdtemp())
    server = start(folder)
    try:
        with closing(SqliteStore(folder / "events.db")) as store, books(store=store) as made:
            _live(made, events)
            return _measure(made, server.dsn, rounds)
    finally:
        server.stop()
        remove(folder)


class Spent:
    """Seconds a stage took, by the clock and of processor time, each round."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    @contextmanager
    def timed(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), _processor_s()
        yield
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(_processor_s() - cpu)

    def rate(self, events: int) -> dict[str, int]:
        """Events a second by the clock: median and range."""
        rates = sorted(round(events / seconds) for seconds in self.wall)
        return {"median": rates[len(rates) // 2], "min": rates[0], "max": rates[-1]}

    def cpu_us(self, events: int) -> float:
        """The least processor time an event: what disturbs only adds to it."""
        return round(min(self.cpu) / events * 1e6, 1)


def _processor_s() -> float:
    """Of this process; the database server is not among them."""
    spent = os.times()
    return spent.user + spent.system


def _measure(made: Books, dsn: str, rounds: int) -> dict[str, Any]:
    total = made.store.last_pos()
    follow, fill, whole = Spent(), Spent(), Spent()
    raw, tail, command = [], [], []
    for _ in range(rounds):
        raw.append(_copy(made, dsn))
        shelf = Shelf(made.store, FOLDS, made.keys.get, clock_us)
        with whole.timed():
            with follow.timed():
                shelf.follow()
            with fill.timed():
                _rebuilt(made, shelf, dsn)
        tail.append(_in_batches(made, dsn))
        command.append(_one_command(made, dsn))
    copy, rebuild, live = (total / statistics.median(each) for each in (raw, fill.wall, tail))
    return {
        "events": total,
        "copy of prebuilt audit rows, rows/s": round(copy),
        "open, judge and fold what the store holds, events/s": follow.rate(total),
        "rebuild of five read models, events/s": fill.rate(total),
        "both, from a cold store, events/s": whole.rate(total),
        f"live in batches of {BATCH}, events/s": round(live),
        "rebuild / copy": round(rebuild / copy, 3),
        "live / copy": round(live / copy, 3),
        "processor us an event: open, judge and fold": follow.cpu_us(total),
        "processor us an event: rebuild, our side": fill.cpu_us(total),
        "one command to its commit there, ms": round(statistics.median(command) * 1000, 2),
    }


def _copy(made: Books, dsn: str) -> float:
    """The bare minimum: one prebuilt audit row an event, indices included."""
    space = made.shelf.space(made.space)
    data = audit.lines(space, list(space.entries())).encode()
    with psycopg.connect(dsn, autocommit=True) as connection:
        began = time.perf_counter()
        with connection.transaction():
            generation.create(connection, "raw", 1, indices=False)
            with connection.cursor().copy(f"COPY raw.audit ({', '.join(audit.COLUMNS)}) FROM STDIN") as copy:
                copy.write(data)
            generation.index(connection, "raw", audit.NAME)
        return time.perf_counter() - began


def _rebuilt(made: Books, shelf: Shelf, dsn: str) -> None:
    projector = Projector(shelf, made.store, made.keys.held, dsn)
    projector.rebuild()
    projector.close()


def _in_batches(made: Books, dsn: str) -> float:
    """An empty live generation follows batch by batch, as when peers send much at once."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS scm_read CASCADE")
    shelf = Shelf(made.store, FOLDS, made.keys.get, clock_us)
    projector = Projector(shelf, made.store, made.keys.held, dsn)
    projector.catch_up()
    took, pos = 0.0, 0
    while rows := made.store.tail(pos, BATCH):
        shelf.take(rows)
        pos = rows[-1].pos
        began = time.perf_counter()
        projector.catch_up()
        took += time.perf_counter() - began
    projector.close()
    return took


def _one_command(made: Books, dsn: str) -> float:
    projector = made.projector(dsn)
    projector.catch_up()
    took = []
    for _ in range(20):
        began = time.perf_counter()
        made.do(
            lambda desk: desk.decide(SHIPS, _id(1), hangar.set_readiness, desk.me, random.choice(_STATES), desk.now_s)
        )
        projector.catch_up()
        took.append(time.perf_counter() - began)
    projector.close()
    return statistics.median(took)


_STATES = (Readiness.READY, Readiness.DAMAGED, Readiness.LOST)


def _id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _live(made: Books, events: int) -> None:
    """The organisation's life, by real commands, many in one so that it is written fast."""
    people = [_id(100_000 + number) for number in range(MEMBERS)]
    ships = [_id(number) for number in range(SHIPS_COUNT)]
    fleets = [_id(200_000 + number) for number in range(10)]
    squadrons = [_id(300_000 + number) for number in range(30)]
    for number, person in enumerate(people):
        made.do(record(f"pilot-{number}", person))
    for number, ship in enumerate(ships):
        made.do(add_ship(ship, f"model_{number % 150}", people[number % MEMBERS] if number % 3 else b""))
    for ship in ships[::3]:
        made.do(name_ship(ship, f"Name of {ship.hex()[-4:]}"))
    for number, one in enumerate(fleets):
        made.do(form_fleet(one, f"Fleet {number}"))
    for number, one in enumerate(squadrons):
        made.do(form_squadron(one, f"Squadron {number}", fleets[number % 10]))
    chance = random.Random(1)
    while made.store.last_pos() < events:
        made.do(lambda desk: _some(desk, chance, people, ships, fleets, squadrons))


def _some(
    desk: Desk,
    chance: random.Random,
    people: list[bytes],
    ships: list[bytes],
    fleets: list[bytes],
    squadrons: list[bytes],
) -> None:
    for _ in range(500):
        ship, person, one, kind = chance.choice(ships), chance.choice(people), chance.choice(fleets), chance.random()
        if kind < 0.6:
            desk.decide(SHIPS, ship, hangar.set_readiness, desk.me, chance.choice(_STATES), desk.now_s)
        elif kind < 0.8:
            desk.decide(SHIPS, ship, hangar.assign, desk.me, one)
        elif kind < 0.82:
            members.note(desk, member_id=person, text=f"note {chance.random()}")
        elif kind < 0.92:
            place = chance.randrange(len(squadrons))
            wing, ship = squadrons[place], chance.choice(ships[place * 20 : place * 20 + 20])
            inside = desk.state(SQUADRONS, wing).ships
            act = squadron.release_ship if ship in inside else squadron.enlist_ship
            desk.decide(SQUADRONS, wing, act, ship)
        else:
            desk.decide(FLEETS, one, fleet.assign_lead, person)


if __name__ == "__main__":
    import json
    import sys

    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS), indent=2))
