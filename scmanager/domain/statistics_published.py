"""Published statistics: what the author says of one day's use, so noisy that nobody's part in it shows (ADR 23).

One entry a day. Each measure has a share of the day's epsilon, a bound on what one installation may add to it, and
noise by both (`master_ledger.noise`). The rows that could stand in a table are fixed beforehand, so that a row tells
nothing by being there; those below the table's threshold are left out.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta, Struct

from scmanager.domain.event import Event
from scmanager.domain.payload import INT_MAX, TUPLE_MAX, CatalogueKey

METHOD: Final = 1
"""Of everything in this module. Another rule is another method."""
EPSILON_MILLI: Final = 1000
"""What all of a day's tables together may tell about one installation: epsilon is 1."""
EVERY_DAYS: Final = 28
"""An installation takes part on one day, drawn at random, of each so many: it spends one epsilon in all of them."""
GROUP_MIN: Final = 10
"""A row to which fewer installations added stands there by chance only, once in a thousand days at most."""
SHARES: Final = 16
OTHER: Final = "other"
"""The row of versions that nobody listed, and of regions that nobody named."""
ALL: Final = "all"
"""The only row of a table that has one."""
_SCALES_BEYOND: Final = 7
"""Noise is beyond so many scales with a chance of e**-7 / 2."""

Amount = Annotated[int, Meta(ge=0, le=INT_MAX)]


class Measure(enum.StrEnum):
    """What is counted."""

    ACTIVE_USERS = "active-users"
    USERS_BY_VERSION = "users-by-version"
    USERS_BY_REGION = "users-by-region"
    APP_STARTS = "app-starts"
    SESSIONS = "sessions"
    SESSION_MINUTES = "session-minutes"
    FEATURE_USE = "feature-use"
    """Installations that used a feature, the most used first."""
    PLUGIN_INSTALLS = "plugin-installs"
    """Installations that installed one."""
    ERRORS = "errors"
    """Installations that met one."""
    AVERAGE_SESSION_S = "average-session-s"
    """Worked out of two other tables: it costs nothing."""


class Rule(Struct, frozen=True):
    """How one measure is kept from telling about anybody."""

    bound: int
    """The most that one installation adds to all rows of a day together."""
    each: int
    """The most that it adds to one row."""
    scale: int
    """Of the noise: a discrete Laplace distribution, P(x) ~ exp(-|x| / scale)."""
    threshold: int
    """What is below is not published."""


def _rule(shares: int, bound: int, each: int) -> Rule:
    scale = bound * SHARES * 1000 // (shares * EPSILON_MILLI)
    return Rule(bound, each, scale, GROUP_MIN * each + _SCALES_BEYOND * scale)


RULES: Final[Mapping[Measure, Rule]] = MappingProxyType(
    {
        Measure.ACTIVE_USERS: _rule(2, bound=1, each=1),
        Measure.USERS_BY_VERSION: _rule(2, bound=1, each=1),
        Measure.USERS_BY_REGION: _rule(2, bound=1, each=1),
        Measure.APP_STARTS: _rule(1, bound=2, each=2),
        Measure.SESSIONS: _rule(2, bound=2, each=2),
        Measure.SESSION_MINUTES: _rule(1, bound=240, each=240),
        Measure.FEATURE_USE: _rule(4, bound=3, each=1),
        Measure.PLUGIN_INSTALLS: _rule(1, bound=1, each=1),
        Measure.ERRORS: _rule(1, bound=1, each=1),
    }
)
"""The shares are 16 together: the whole epsilon."""


class Row(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A value, with its noise."""

    key: CatalogueKey
    """A feature, a version of a release, a country, or `all`."""
    value: Amount


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """One measure, with the rule it was made by."""

    measure: Measure
    bound: Amount
    scale: Amount
    """Both are 0 where a table is worked out of others."""
    threshold: Amount
    rows: Annotated[tuple[Row, ...], Meta(max_length=TUPLE_MAX)]
    """The largest first."""


class StatisticsPublished(Event, tag="statistics.published/1"):
    """The use of one day, of the installations whose day it was. Said once a day, never with other noise."""

    day: Amount
    """Days since 1970, UTC."""
    epsilon_milli: Amount
    every_days: Amount
    """Times so many is the estimate for all who consented."""
    method: Amount
    tables: Annotated[tuple[Table, ...], Meta(max_length=TUPLE_MAX)]


def average_session_s(minutes: int, sessions: int) -> int:
    """Seconds, rounded down."""
    return minutes * 60 // sessions
