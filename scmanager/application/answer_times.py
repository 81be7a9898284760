"""How fast a node answers, in four steps: in which of them the middle one of a session's answers lies (SPEC A5)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from scmanager.domain.statistics import MetaValue

STEPS_S: Final[Mapping[MetaValue, float]] = MappingProxyType(
    {MetaValue.WITHIN_10_MS: 0.01, MetaValue.WITHIN_100_MS: 0.1, MetaValue.WITHIN_1_S: 1.0}
)
"""What takes longer is SLOWER."""
ANSWERS_MIN: Final = 20
"""Of fewer nothing is said: one slow answer would be most of them."""


class AnswerTimes:
    """Of one session: how many answers there were of each step, and nothing of any one of them."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys((*STEPS_S, MetaValue.SLOWER), 0)

    def add(self, took_s: float) -> None:
        """A request was answered."""
        step = next((each for each, most_s in STEPS_S.items() if took_s <= most_s), MetaValue.SLOWER)
        self._counts[step] += 1

    def middle(self) -> MetaValue | None:
        """The step of the median; None where there were too few."""
        total = sum(self._counts.values())
        if total < ANSWERS_MIN:
            return None
        below = 0
        for step, count in self._counts.items():
            below += count
            if 2 * below >= total:
                return step
        return None

    def clear(self) -> None:
        """A session begins."""
        self._counts = dict.fromkeys(self._counts, 0)
