"""Operations: the solver on 200 people and 60 slots, a sign-up as a command, and folding what many answered."""

import secrets
import statistics
import tempfile
import time
from pathlib import Path

from scmanager.application import operations
from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain.event import Envelope
from scmanager.domain.fielding import Hand, Hull, field
from scmanager.domain.operation import Operation, evolve
from scmanager.domain.operation_events import Answer, Planned, SignedUp
from scmanager.domain.operation_parts import CrewSlot, ShipSlot
from tests.support.machines import Machine, found

PEOPLE, SLOTS, SHIPS, MODELS = 200, 60, 600, 12
SIGN_UPS = 300


def measure() -> dict[str, object]:
    """Seconds, milliseconds, and events a second."""
    return {"solver_s": _solver(), "sign_up": _sign_ups(), "fold": _fold()}


def _id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _solver() -> dict[str, object]:
    """Roles that overlap, ships of few models, and half of the crew slots on board."""
    ships = tuple(ShipSlot(_id(n), "any", (f"model-{n % MODELS}",)) for n in range(SLOTS))
    slots = tuple(
        CrewSlot(_id(1000 + n), f"role {n % 7}", _id(n) if n % 2 else None, optional=n % 5 == 0) for n in range(SLOTS)
    )
    operation = Operation(id=_id(1), crew_slots=slots, ship_slots=ships)
    hands = [Hand(_id(2000 + n), (f"role {n % 7}", f"role {n % 3}")) for n in range(PEOPLE)]
    hulls = [Hull(_id(5000 + n), f"model-{n % (MODELS - 1)}") for n in range(SHIPS)]
    taken = []
    for _ in range(9):
        began = time.perf_counter()
        field(operation, hands, hulls)
        taken.append(time.perf_counter() - began)
    return {"median": round(statistics.median(taken), 4), "max": round(max(taken), 4), "aim": "<= 1"}


def _sign_ups() -> dict[str, object]:
    """One after the other, each durable, by members a leader speaks for."""
    taken = []
    with tempfile.TemporaryDirectory(prefix="scm-bench-") as folder, Machine(Path(folder), "node").open() as node:
        space = found(node)
        arguments = {"title": "Jumptown", "starts_s": 4_000_000_000, "ends_s": 4_000_007_200}
        operation = bytes.fromhex(node.do("operation.plan", space, arguments)["operation"])
        people = [
            bytes.fromhex(node.do("member.record", space, {"handle": f"p{n}"})["member"]) for n in range(SIGN_UPS)
        ]
        for each in people:

            def act(desk: Desk, member: bytes = each) -> dict[str, object]:
                return operations.sign_up(desk, operation_id=operation, member_id=member)  # type: ignore[arg-type]

            began = time.perf_counter()
            node.writer.do(Command(secrets.token_bytes(16), space, act))
            taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return {
        "median_ms": round(statistics.median(taken), 1),
        "p99_ms": {"value": round(taken[int(len(taken) * 0.99) - 1], 1), "aim": "<= 25"},
    }


def _fold() -> dict[str, object]:
    """An operation to which a thousand answer, each three times."""
    count = 1000
    answers = (Answer.ACCEPTED, Answer.DECLINED, Answer.ACCEPTED)
    state = evolve(Operation(), Planned("Jumptown", 5, 6), _envelope(0, _id(0)))
    began = time.perf_counter()
    for turn, answer in enumerate(answers):
        for number in range(count):
            state = evolve(state, SignedUp(answer), _envelope(turn * count + number + 1, _id(number)))
    return {"events_a_second": round(3 * count / (time.perf_counter() - began))}


def _envelope(number: int, member: bytes) -> Envelope:
    return Envelope(number.to_bytes(32, "big"), member * 2, number, number, member * 2, member, 5, _id(1))
