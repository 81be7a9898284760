"""The door for a companion's own steps: what it tells of its use, in words of a closed table (application.companion).

Whether anything is counted is the owner's affair: the answer is the same with consent and without.
"""

import enum
from collections.abc import Iterable
from typing import Any

import strawberry
from strawberry.types import Info

from scmanager.api.context import Context
from scmanager.application.companion import PLACED, TELLABLE
from scmanager.domain.statistics import FEATURES, Action
from scmanager.errors import Refused

STEPS_MAX = 20


def _chosen(name: str, among: Iterable[enum.StrEnum], description: str) -> type[enum.Enum]:
    kind = enum.Enum(name, {each.name: each for each in among})  # type: ignore[misc] # named at run time
    return strawberry.enum(kind, description=description)


CompanionStep = _chosen("CompanionStep", TELLABLE, "What was done in a companion.")
ProgramPart = _chosen("ProgramPart", FEATURES, "A feature of the program.")


class TooManySteps(Refused):
    """A request may tell of {limit} steps at most."""

    code = "too-many-steps"
    hint = "Tell of the first of each kind: more of the same on one day add nothing."


class StepUnusable(Refused):
    """{step} is told {how} a part of the program."""

    code = "step-unusable"
    hint = "Pages, buttons and forms name the part that they belong to; what is done on the star map names none."


@strawberry.input(description="One step. Not which page, button, place or fleet: those are nobody's affair.")
class StepTold:
    """What a companion tells of once."""

    step: CompanionStep  # type: ignore[valid-type] # made from the domain's
    part: ProgramPart | None = None  # type: ignore[valid-type] # made from the domain's


async def _tell(info: Info[Context, None], steps: list[StepTold]) -> bool:
    if len(steps) > STEPS_MAX:
        raise TooManySteps(limit=STEPS_MAX)
    told = [(_value(each.step), _value(each.part)) for each in steps]
    for step, part in told:
        if (step in PLACED) != (part is not None):
            raise StepUnusable(step=step.value, how="with" if part else "without")
    if usage := info.context.services.usage:
        for step, part in told:
            usage.told(step, part or Action.NOTHING_CLOSER)
    return True


def _value(chosen: Any) -> Any:
    return None if chosen is None else chosen.value


MUTATIONS = [
    strawberry.mutation(
        resolver=_tell, name="usageTell",
        description="What was done in a companion, for statistics. Counted with the owner's consent only; "
        "the answer is true either way.",
    )
]  # fmt: skip
