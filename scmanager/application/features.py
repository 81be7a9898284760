"""Which feature of the program something that was asked for belongs to, and which categories its commands have.

Names are those of the API's root fields: `operationPlan`, `members`. Their first word says the thing.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from scmanager.application.companion import PLACED, PLACELESS
from scmanager.domain.statistics import Action, Category

_OF: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.ORGANISATION: "organisation organisations",
        Action.ROSTER: "member members invitation",
        Action.ROLES: "role roles",
        Action.DEVICES: "device personal",
        Action.HANGAR: "hangar ship ships",
        Action.FLEETS: "fleet fleets squadron squadrons",
        Action.OPERATIONS: "operation operations fielding",
        Action.DIPLOMACY: "contact contacts treaty treaties",
        Action.CHARACTERS: "character characters",
        Action.DOCUMENTS: "document documents",
        Action.NOTIFICATIONS: "notification notifications",
        Action.SEARCH: "search",
        Action.CONTESTS: "contested settled settle why",
        Action.UNDO: "undo event",
        Action.AUDIT: "audit forks as explain state",
        Action.EXCHANGE: "space pending read",
        Action.RECOVERY: "recovery",
        Action.PRIVACY: "consents privacy",
        Action.PLUGINS: "plugin plugins",
        Action.UPDATES: "update updates",
    }
)
_BY_WORD: Final = MappingProxyType({word: action for action, words in _OF.items() for word in words.split()})

CATEGORIES: Final[Mapping[str, Category]] = MappingProxyType(
    {
        "organisationFound": Category.ORGANISATION_CREATED,
        "memberAdmit": Category.MEMBER_ADDED,
        "memberRecord": Category.MEMBER_ADDED,
        "operationPlan": Category.OPERATION_PLANNED,
        "operationRepeat": Category.OPERATION_PLANNED,
        "operationStart": Category.FLEET_DEPLOYED,
        "treatySign": Category.DIPLOMACY_ESTABLISHED,
    }
)
"""By the command that is their cause, once it is carried out."""


def _carried_out(category: Category) -> str:
    names = [f"`{name}`" for name, caused in CATEGORIES.items() if caused is category]
    return f"{' or '.join(names)} is carried out"


CAUSES: Final[Mapping[Category, str]] = MappingProxyType(
    {
        Category.APP_STARTED: "the node starts",
        Category.APP_STOPPED: "the node stops",
        Category.SESSION_STARTED: "the first request after a pause, or of a day",
        Category.SESSION_ENDED: "30 minutes without a request, the day's end, or the node stops",
        Category.FEATURE_USED: "the first request of a day that belongs to it",
        Category.ERROR_OCCURRED: "a part of the node fails and is started again, or a request fails inside",
        Category.PERFORMANCE_METRIC: "the first session of a day with 20 answers ends: how fast the middle one was",
        **dict.fromkeys(PLACED, "a companion tells it (`usageTell`): the first of a day in each feature"),
        **dict.fromkeys(PLACELESS, "a companion tells it (`usageTell`): the first of a day"),
        Category.CRASH_REPORTED: "the node starts, and the run before was never stopped: killed, crashed, no power",
        **{category: _carried_out(category) for category in CATEGORIES.values()},
    }
)
"""The categories that something in this release records. All others wait for what they are about."""


def feature_of(field: str) -> Action | None:
    """The feature that a root field belongs to; None for what is of none (`node`, introspection)."""
    first = re.match("[a-z]+", field)
    return _BY_WORD.get(first[0]) if first else None
