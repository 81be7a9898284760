"""What a companion may tell of its own use: names of a closed table, each once a day, and few of them (ADR 23).

What is beyond the bounds is answered like all else and adds nothing: no answer tells whether anything is counted.
"""

from typing import Final

from scmanager.domain.statistics import DAY_S, Action, Category

PLACED: Final = (Category.PAGE_VIEWED, Category.BUTTON_CLICKED, Category.FORM_SUBMITTED)
"""These name the feature that they were part of; no page, no button, no form."""
PLACELESS: Final = (
    Category.STAR_MAP_OPENED, Category.ROUTE_CALCULATED, Category.FLEET_MOVED, Category.POI_VISITED,
)  # fmt: skip
"""These are of the star map, and say nothing closer: no place, no route, no fleet."""
TELLABLE: Final = (*PLACED, *PLACELESS)
MINUTE_MAX: Final = 10
DAY_MAX: Final = 40
MINUTE_S: Final = 60


class Heard:
    """What a companion told today. From one thread at a time."""

    def __init__(self) -> None:
        self._day = self._minute = -1
        self._steps: set[tuple[Category, Action]] = set()
        self._lately = 0

    def counts(self, at_s: int, category: Category, action: Action) -> bool:
        """Whether this adds something: the first of its kind today, and not too many of all kinds."""
        day, minute = at_s // DAY_S, at_s // MINUTE_S
        if day != self._day:
            self.forget()
            self._day = day
        if minute != self._minute:
            self._minute, self._lately = minute, 0
        if (category, action) in self._steps or len(self._steps) >= DAY_MAX or self._lately >= MINUTE_MAX:
            return False
        self._steps.add((category, action))
        self._lately += 1
        return True

    def forget(self) -> None:
        """Nothing was told."""
        self._day, self._steps = -1, set()
