"""What is gone, and which of several things of one name a verb means: a removed member gives way to a living one.

Nothing is guessed where both could be meant: verbs that destroy words take every thing of the name alike.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from scmanager.domain.character import Character
from scmanager.domain.character import Standing as CharacterStanding
from scmanager.domain.contact import Contact
from scmanager.domain.fleet import Fleet
from scmanager.domain.member import Member
from scmanager.domain.member import Standing as MemberStanding
from scmanager.domain.operation import Operation
from scmanager.domain.operation_parts import Stage
from scmanager.domain.role import Role
from scmanager.domain.ship import Ship
from scmanager.domain.ship import Standing as ShipStanding
from scmanager.domain.squadron import Squadron
from scmanager.domain.treaty import Phase, Treaty, phase_at

TEMPLATE = "template"
OVER = "over"
"""An operation whose time has passed, while nobody said how it went."""

BRING_BACK = frozenset({
    "character.return", "contact.restore", "fleet.reform", "operation.reinstate", "ship.restore", "ship.share",
    "squadron.reform", "treaty.reinstate",
})  # fmt: skip
"""Verbs for what is gone: it comes first."""

ALL_ALIKE = frozenset({"member.erase", "member.invite"})
"""Verbs that may as well mean somebody who is gone: whoever they mean has to be told apart."""

AFTERWARDS = frozenset({"operation.complete", "operation.take-attendance", "operation.check-in", "operation.start"})
"""Verbs for an operation that may well be over by the clock."""

WITH_TEMPLATES = frozenset({
    "operation.add-crew-slots", "operation.add-ship-slot", "operation.assign-lead", "operation.copy",
    "operation.describe", "operation.disband-squad", "operation.drop-slot", "operation.form-squad",
    "operation.limit-crew", "operation.relieve-lead", "operation.rename", "operation.reschedule",
    "operation.save-template", "operation.set-reminders",
})  # fmt: skip
"""Verbs that take templates too; the others of operations refuse them."""

_GONE_MEMBERS = (MemberStanding.LEFT, MemberStanding.REMOVED)
_GONE_SHIPS = (ShipStanding.REMOVED, ShipStanding.WITHDRAWN)
_GONE_TREATIES = (Phase.DECLINED, Phase.WITHDRAWN, Phase.EXPIRED, Phase.ENDED)


class Marked(Protocol):
    """Something that is called by name; `mark` is a word for what is gone or a template, else empty."""

    @property
    def mark(self) -> str:
        """The word, or empty."""


M = TypeVar("M", bound=Marked)


def mark(state: Any, now_s: int) -> str:
    """`removed`, `withdrawn`, `retired`, `template` ...; empty for what lives. `now_s` in UTC seconds."""
    match state:
        case Member() if state.standing in _GONE_MEMBERS:
            return state.standing.value
        case Ship() if state.standing in _GONE_SHIPS:
            return state.standing.value
        case Character() if state.fate or state.standing is CharacterStanding.WITHDRAWN:
            return state.fate.value if state.fate else state.standing.value
        case Role() if state.withdrawn:
            return "withdrawn"
        case Fleet() | Squadron() if state.disbanded:
            return "disbanded"
        case Contact() if state.archived:
            return "archived"
        case Treaty() if (phase := phase_at(state, now_s)) in _GONE_TREATIES:
            return phase.value
        case Operation():
            return _course(state, now_s)
        case _:
            return ""


def _course(operation: Operation, now_s: int) -> str:
    stage = operation.call.stage
    if operation.template:
        return TEMPLATE
    if stage in (Stage.COMPLETED, Stage.CANCELLED):
        return stage.value
    return OVER if stage is Stage.PLANNED and operation.window.ends <= now_s else ""


def preferred(found: Sequence[M], verb: str) -> list[M]:
    """Those of one name that this verb means: the living, if any lives. Empty `verb`: a command that only shows."""
    nearest = min((_distance(each.mark, verb) for each in found), default=0)
    return [each for each in found if _distance(each.mark, verb) == nearest]


def _distance(told: str, verb: str) -> int:
    if verb in ALL_ALIKE:
        return 0
    if told == TEMPLATE:
        return 0 if not verb or verb in WITH_TEMPLATES else 2
    gone = bool(told) and not (told == OVER and verb in AFTERWARDS)
    return int(gone != (verb in BRING_BACK))
