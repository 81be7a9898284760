"""A large organisation, made through the writer as members' machines would make it, in commands of many decisions."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain import hangar, member
from scmanager.domain import operation_crew as crew
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import MEMBERS, OPERATIONS, SHIPS
from scmanager.domain.operation_events import Answer
from scmanager.domain.operation_parts import Window
from scmanager.domain.ship_events import Owner, OwnerKind, Source
from scmanager.runtime import Node

MODELS = tuple(f"{maker}_{name}" for maker in ("AEGS", "ANVL", "DRAK", "MISC", "ORIG", "RSI") for name in (
    "Avenger", "Carrack", "Corsair", "Cutlass_Black", "Freelancer", "Gladius", "Hammerhead", "Mole", "Prospector",
    "Reclaimer", "Sabre", "Vulture",
))  # fmt: skip
NAMED_EVERY = 5
"""Every so many ships have a name of their own."""
FIRST_S = 4_000_000_000
AT_ONCE = 500
"""Decisions in one command."""


class Large(msgspec.Struct, frozen=True):
    """What was made, as ids."""

    members: list[bytes]
    ships: list[bytes]
    operations: list[bytes]
    entries: int


def fill(node: Node, space: bytes, *, members: int, ships: int, operations: int, answers: int = 12) -> Large:
    """Members with names, ships of theirs, operations with words, slots and answers; in a few hundred commits."""
    people, hulls, outings = ([secrets.token_bytes(16) for _ in range(n)] for n in (members, ships, operations))
    before = node.store.last_pos()
    _do(node, space, (_person(each, n) for n, each in enumerate(people)))
    _do(node, space, (_ship(each, n, people[n % members]) for n, each in enumerate(hulls)))
    _do(node, space, (_outing(each, n, people, hulls, answers) for n, each in enumerate(outings)), AT_ONCE // 20)
    return Large(people, hulls, outings, node.store.last_pos() - before)


def _do(node: Node, space: bytes, acts: Iterator[Callable[[Desk], None]], at_once: int = AT_ONCE) -> None:
    waiting = list(acts)
    for first in range(0, len(waiting), at_once):

        def act(desk: Desk, some: list[Callable[[Desk], None]] = waiting[first : first + at_once]) -> dict[str, Any]:
            for each in some:
                each(desk)
            return {}

        node.writer.do(Command(secrets.token_bytes(16), space, act))


def _person(new: bytes, number: int) -> Callable[[Desk], None]:
    return lambda desk: desk.decide(MEMBERS, new, member.record, new, f"Pilot-{number:04}", f"The {number}th")


def _ship(new: bytes, number: int, owner: bytes) -> Callable[[Desk], None]:
    def act(desk: Desk) -> None:
        whose = Owner(OwnerKind.MEMBER, owner)
        desk.decide(SHIPS, new, hangar.add, desk.me, MODELS[number % len(MODELS)], Source.TYPED, None, whose)
        if number % NAMED_EVERY == 0:
            desk.decide(SHIPS, new, hangar.name, desk.me, f"Moonbeam {number}")

    return act


def _outing(new: bytes, number: int, people: list[bytes], hulls: list[bytes], answers: int) -> Callable[[Desk], None]:
    def act(desk: Desk) -> None:
        def say(decide: Callable[..., Any], *arguments: Any) -> None:
            desk.decide(OPERATIONS, new, decide, *arguments)

        starts, berth = FIRST_S + number * 3600, desk.new_id()
        guns = tuple(desk.new_id() for _ in range(6))
        say(planning.plan, f"Patrol {number}", Window(starts, starts + 7200, "Europe/Berlin"))
        say(planning.describe, desk.organisation, "Keep the lanes open.", "Yela")
        flown = MODELS[number % len(hulls) % len(MODELS)]
        say(planning.add_ship_slot, berth, "Gunship", (flown, MODELS[0]), None, False)
        say(planning.add_crew_slots, guns, "gunner", berth, None, False)
        say(planning.assign_ship, berth, hulls[number % len(hulls)], flown)
        coming = [people[(number * answers + n) % len(people)] for n in range(answers)]
        for each in coming:
            say(crew.sign_up, desk.me, each, Answer.ACCEPTED, ("gunner",))
        say(crew.take_slot, desk.me, coming[0], guns[0])

    return act
