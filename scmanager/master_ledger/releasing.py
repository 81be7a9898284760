"""One day's release: records of use are bounded and summed, then get their noise, and what is small is left out.

`totals` is exact and for nobody's eyes; only what `release` makes of it may leave the process (ADR 23).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from scmanager.domain.payload import INT_MAX, TUPLE_MAX
from scmanager.domain.statistics import FEATURES, MINUTE_MS, Category, Record
from scmanager.domain.statistics_published import (
    ALL,
    EPSILON_MILLI,
    EVERY_DAYS,
    METHOD,
    OTHER,
    RULES,
    Measure,
    Row,
    Rule,
    StatisticsPublished,
    Table,
    average_session_s,
)
from scmanager.master_ledger.noise import Below, discrete_laplace

if TYPE_CHECKING:
    import polars as pl

COLUMNS: Final = ("user", "category", "action", "session", "version", "region", "duration_ms")

Totals = Mapping[Measure, Mapping[str, int]]
"""Of each measure every row that there could be, those of nobody as 0."""
Rules = Mapping[Measure, Rule]


def frame_of(records: Iterable[Record]) -> "pl.DataFrame":
    """The records of one day as columns: COLUMNS, byte strings in hexadecimal."""
    return frame_of_rows(
        (
            each.user_hash.hex(), each.category.value, each.action.value, each.session_id.hex(), each.version,
            each.geo_region, each.duration_ms,
        )
        for each in records
    )  # fmt: skip


def frame_of_rows(rows: Iterable[Sequence[object]]) -> "pl.DataFrame":
    """The same from rows of COLUMNS."""
    import polars as pl

    kinds = [pl.String] * (len(COLUMNS) - 1) + [pl.Int64]
    return pl.DataFrame(list(rows), schema=dict(zip(COLUMNS, kinds, strict=True)), orient="row")


def totals(frame: "pl.DataFrame", versions: Sequence[str], regions: Sequence[str], rules: Rules = RULES) -> Totals:
    """What a day's records come to, no installation adding more than the rules allow.

    `versions`, `regions`: what may have a row; all others are counted as `other`. The records' order changes nothing.
    """
    import polars as pl

    def of(*categories: Category) -> "pl.DataFrame":
        return frame.filter(pl.col("category").is_in([each.value for each in categories]))

    def placed(column: str, keys: Sequence[str], measure: Measure) -> dict[str, int]:
        """Users by what they have in a column: the first few by name, if somebody has several."""
        known = pl.when(pl.col(column).is_in(list(keys))).then(pl.col(column)).otherwise(pl.lit(OTHER))
        each = frame.select("user", key=known).unique().sort("user", "key")
        return _rows(each.group_by("user").head(rules[measure].bound), (*keys, OTHER))

    def capped(events: "pl.DataFrame", measure: Measure) -> dict[str, int]:
        """Events, as many of each user as count."""
        many = events.group_by("user").agg(pl.len().clip(upper_bound=rules[measure].bound).alias("n"))
        return {ALL: int(many["n"].sum())}

    sessions, minutes = _sessions(of(Category.SESSION_ENDED), rules)
    return {
        Measure.ACTIVE_USERS: {ALL: frame["user"].n_unique()},
        Measure.USERS_BY_VERSION: placed("version", versions, Measure.USERS_BY_VERSION),
        Measure.USERS_BY_REGION: placed("region", regions, Measure.USERS_BY_REGION),
        Measure.APP_STARTS: capped(of(Category.APP_STARTED), Measure.APP_STARTS),
        Measure.SESSIONS: {ALL: sessions},
        Measure.SESSION_MINUTES: {ALL: minutes},
        Measure.FEATURE_USE: _features(of(Category.FEATURE_USED), rules),
        Measure.PLUGIN_INSTALLS: capped(of(Category.PLUGIN_INSTALLED), Measure.PLUGIN_INSTALLS),
        Measure.ERRORS: capped(of(Category.ERROR_OCCURRED, Category.CRASH_REPORTED), Measure.ERRORS),
    }


def added(one: Totals, other: Totals) -> Totals:
    """The totals of two frames together; no installation may be in both."""
    return {
        measure: {key: value + other[measure][key] for key, value in rows.items()} for measure, rows in one.items()
    }


def _sessions(ended: "pl.DataFrame", rules: Rules) -> tuple[int, int]:
    """How many ended, and their minutes. Session ids are random: the first few of a user are any few."""
    import polars as pl

    sessions, minutes = rules[Measure.SESSIONS].bound, rules[Measure.SESSION_MINUTES].bound
    lasted = (pl.col("duration_ms").fill_null(0).max() // MINUTE_MS).clip(upper_bound=minutes // sessions)
    each = ended.group_by("user", "session").agg(lasted.alias("minutes")).sort("user", "session")
    counted = each.group_by("user").head(sessions)
    return counted.height, int(counted["minutes"].sum())


def _features(used: "pl.DataFrame", rules: Rules) -> dict[str, int]:
    """Users by feature. A user's hash is random and of this day: by it the few of his that count are any few."""
    import polars as pl

    each = used.select("user", key="action").unique()
    drawn = pl.concat_str("user", "key").hash(seed=0)
    first = each.sort("user", drawn, "key").group_by("user").head(rules[Measure.FEATURE_USE].bound)
    return _rows(first, [feature.value for feature in FEATURES])


def _rows(each: "pl.DataFrame", keys: Sequence[str]) -> dict[str, int]:
    found = dict(each.group_by("key").len().iter_rows())
    return {key: int(found.get(key, 0)) for key in keys}


def release(day: int, summed: Totals, below: Below, rules: Rules = RULES) -> StatisticsPublished:
    """The event that is published of a day: to be made once, and kept. `below` is `secrets.randbelow`."""
    tables = {measure: _table(measure, rows, rules[measure], below) for measure, rows in summed.items()}
    average = _average(tables)
    return StatisticsPublished(
        day, EPSILON_MILLI, EVERY_DAYS, METHOD, (*tables.values(), *([average] if average else []))
    )


def _table(measure: Measure, rows: Mapping[str, int], rule: Rule, below: Below) -> Table:
    noisy = [Row(key, value + discrete_laplace(rule.scale, below)) for key, value in rows.items()]
    shown = [row for row in noisy if rule.threshold <= row.value <= INT_MAX]
    shown.sort(key=lambda row: (-row.value, row.key))
    return Table(measure, rule.bound, rule.scale, rule.threshold, tuple(shown[:TUPLE_MAX]))


def _average(tables: Mapping[Measure, Table]) -> Table | None:
    """Of the noisy values, if both are shown."""
    sessions = tables[Measure.SESSIONS].rows if Measure.SESSIONS in tables else ()
    minutes = tables[Measure.SESSION_MINUTES].rows if Measure.SESSION_MINUTES in tables else ()
    if not sessions or not minutes:
        return None
    value = average_session_s(minutes[0].value, sessions[0].value)
    return Table(Measure.AVERAGE_SESSION_S, 0, 0, 0, (Row(ALL, value),))
