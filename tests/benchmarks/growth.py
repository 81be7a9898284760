"""How cost grows: every event type, n and four times n of it, about one thing and by one member. Four is linear.

Each is said in chains (everyone knows what came before) and at once (nobody does), with fresh ids and with the same
ones each time. Then what governs: own cuts, removals and grants of one member. `make growth` prints the worst.
"""

import enum
import hashlib
import math
import time
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args, get_origin

import msgspec

from scmanager.domain import change_graph, document, payload
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.event import CATALOGUE, Envelope, Event
from scmanager.domain.fold import Fold
from scmanager.domain.validity import judge
from scmanager.spaces.thing import Thing
from tests.support.scenario import THING, who
from tests.support.world import TABLE, Member, World, check, member_id

COUNT, TIMES = 200, 4
GOVERNING = 200
RATIO_MAX = 6.0
ROUNDS = 2
NOISE_MS = 5.0
"""What takes less for 4n events says nothing about growth."""

ADA = who("ada")
TEXTS = {
    payload.Title: "Vanguard", payload.Sid: "VNGD", payload.CatalogueKey: "aegis-vanguard", payload.Zone: "UTC",
    payload.RightKey: "fleet.form",
}  # fmt: skip


def measure() -> dict[str, Any]:
    """By type and manner: milliseconds for n and 4n events, and their ratio; the worst ratios apart."""
    found = {name: _grown(run) for name, run in (*_things(), *_governing())}
    told = {name: figures for name, figures in found.items() if figures["ms_of_four_times"] > NOISE_MS}
    worst = sorted(told.items(), key=lambda each: -each[1]["ratio"])
    above = {name: figures for name, figures in worst if figures["ratio"] > RATIO_MAX}
    return {
        "measured": len(found),
        "worst_ratio": {"value": worst[0][1]["ratio"], "of": worst[0][0], "aim": f"<= {RATIO_MAX:g}, four is linear"},
        "slowest_us_an_event": {name: figures["us_an_event"] for name, figures in _slowest(found)},
        "above": {name: str(figures) for name, figures in above.items()},
    }


def _slowest(found: dict[str, dict[str, float]]) -> list[tuple[str, dict[str, float]]]:
    return sorted(found.items(), key=lambda each: -each[1]["us_an_event"])[:8]


def _grown(run: Callable[[int], tuple[int, Callable[[], object]]]) -> dict[str, float]:
    """Processor time, the least of some rounds: nothing makes it less but luck."""
    taken, counts = [], []
    for factor in (1, TIMES):
        count, act = run(factor)
        best = math.inf
        for _ in range(ROUNDS):
            began = time.process_time()
            act()
            best = min(best, time.process_time() - began)
        taken.append(best)
        counts.append(count)
    return {
        "ms": round(taken[0] * 1000, 2),
        "ms_of_four_times": round(taken[1] * 1000, 2),
        "ratio": round(taken[1] / max(taken[0], 1e-6), 1),
        "us_an_event": round(taken[1] * 1e6 / counts[1], 1),
    }


# Things


def _things() -> Iterator[tuple[str, Callable[[int], tuple[int, Callable[[], object]]]]]:
    for tag, fold in FOLDS.items():
        for at_once in (False, True):
            for fresh in (False, True):
                manner = f"{'at once' if at_once else 'in a chain'}, {'fresh' if fresh else 'the same'} ids"
                yield f"{tag} {manner}", _telling(fold, CATALOGUE[tag], at_once, fresh)


def _telling(
    fold: Fold, kind: type[Event], at_once: bool, fresh: bool
) -> Callable[[int], tuple[int, Callable[[], object]]]:
    def run(factor: int) -> tuple[int, Callable[[], object]]:
        before = [_made(each, 0) for each in fold.events if each is not kind]
        said = [*before, *(_made(kind, number if fresh else 1) for number in range(1, COUNT * factor + 1))]
        told = [(_envelope(number, at_once), event) for number, event in enumerate(said)]

        def act() -> None:
            thing = Thing(fold)
            for envelope, event in told:
                thing.add(envelope, event)
            thing.contests()

        return COUNT * factor, act

    return run


def _envelope(number: int, at_once: bool) -> Envelope:
    saw = () if at_once or not number else (_bytes("entry", number - 1),)
    return Envelope(
        _bytes("entry", number), ADA * 2, number, number, ADA * 2, ADA, 1, THING, saw, _bytes("command", number)[:16]
    )


def _made(kind: type[Event], number: int) -> Event:
    """One event of a type; what is an id in it goes by the number."""
    if issubclass(kind, document.Changed):
        salt, name = _bytes("salt", number)[:16], document.KINDS[kind.tag]
        actor = document.actor_of(ADA, THING, name, salt)
        return kind(_bytes("change", number), actor, salt, 1, (change_graph.ROOT,))
    hints = typing.get_type_hints(kind, include_extras=True)
    event: Event = kind(**{name: _value(hints[name], name, number) for name in kind.__struct_fields__})
    return event


def _value(kind: Any, name: str, number: int) -> Any:
    if kind in TEXTS:
        return TEXTS[kind]
    if get_origin(kind) is tuple:
        return (_value(get_args(kind)[0], name, number),)
    if hasattr(kind, "__metadata__"):
        return _bounded(kind, name, number)
    if get_args(kind):
        return _value(get_args(kind)[0], name, number)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[number % len(kind)]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        return kind(**{each: _value(hints[each], each, number) for each in kind.__struct_fields__})
    return {bytes: _bytes(name, number), int: number, str: f"text {number}", bool: bool(number % 2)}[kind]


def _bounded(kind: Any, name: str, number: int) -> Any:
    plain, bounds = get_args(kind)[0], kind.__metadata__[-1]
    if plain is bytes:
        return _bytes(name, number)[: bounds.max_length or 32]
    if plain is int:
        most = bounds.le if bounds.le is not None else payload.INT_MAX
        return min(max(number, bounds.ge or 0), most)
    if plain is str:
        return {r"\A[A-Z]{2}\Z": "DE"}.get(bounds.pattern or "", "text")
    return _value(plain, name, number)


def _bytes(name: str, number: int) -> bytes:
    return hashlib.sha3_256(f"{name} {number}".encode()).digest()


# What governs


def _governing() -> Iterator[tuple[str, Callable[[int], tuple[int, Callable[[], object]]]]]:
    acts: Sequence[Callable[[World, Member, Member, int], None]] = (
        _cut_unseen, _cut_seen, _cut_forked, _remove, _grant, _grant_and_remove, _enrol_each_other,
    )  # fmt: skip
    for act in acts:
        yield f"governance: {act.__doc__}", _judging(act)


def _judging(
    act: Callable[[World, Member, Member, int], None],
) -> Callable[[int], tuple[int, Callable[[], object]]]:
    def run(factor: int) -> tuple[int, Callable[[], object]]:
        world = World()
        officer, member = (world.grant(world.founder, name, rank) for rank, name in ((1, "officer"), (2, "member")))
        act(world, officer, member, GOVERNING * factor)
        return len(world.facts), lambda: judge(world.space, world.facts, check, TABLE)

    return run


def _cut_unseen(world: World, _officer: Member, member: Member, count: int) -> None:
    """cuts of a phone with as many notes, each keeping one less"""
    phone = world.enrol(member, "phone")
    notes = [world.note(phone) for _ in range(count)]
    for note in reversed(notes):
        world.cut(member, "phone", note)


def _cut_seen(world: World, officer: Member, member: Member, count: int) -> None:
    """the same, while somebody above builds on the notes and on the cuts"""
    phone = world.enrol(member, "phone")
    notes = [world.note(phone) for _ in range(count)]
    for number, note in enumerate(reversed(notes)):
        cut = world.cut(member, "phone", note)
        if number % 8 == 0:
            world.note(officer, note if number % 16 else cut)


def _cut_forked(world: World, _officer: Member, member: Member, count: int) -> None:
    """cuts of a forked phone"""
    phone = world.enrol(member, "phone")
    notes = [world.note(phone) for _ in range(count)]
    for _ in range(count):
        world.note(phone, after=None if phone.log.last is not notes[-1] else notes[0])
    for note in reversed(notes):
        world.cut(member, "phone", note)


def _remove(world: World, officer: Member, member: Member, count: int) -> None:
    """removals of a member that keep all his notes"""
    notes = [world.note(member) for _ in range(count)]
    for _ in range(count):
        world.remove(officer, member.grant.id, notes[-1])


def _grant(world: World, _officer: Member, member: Member, count: int) -> None:
    """grants to one member"""
    for number in range(count):
        world.grant(member, f"device {number}", 3, member=member_id("somebody"))


def _grant_and_remove(world: World, officer: Member, member: Member, count: int) -> None:
    """grants to one member, each removed"""
    for number in range(count):
        grant = world.grant(member, f"device {number}", 3, member=member_id("somebody"))
        world.remove(officer, grant.grant.id)


def _enrol_each_other(world: World, officer: Member, member: Member, count: int) -> None:
    """devices that enrol each other under one key, then as many cuts of it"""
    device = member
    for _ in range(count):
        device = world.enrol(device, "phone")
        world.note(device)
    world.note(officer, device.log.last)
    for _ in range(count):
        world.cut(member, "phone")
