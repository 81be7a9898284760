"""Days of use for tests: installations with what they did, as records and as what the aggregation takes."""

import hashlib
from collections.abc import Iterable, Sequence

from scmanager.adapters.record_store import RecordStore
from scmanager.domain.statistics import DAY_S, MINUTE_MS, Action, Category, Record, user_hash

DAY = 20_800
VERSIONS = ("0.1.0", "0.2.0")
REGIONS = ("AR", "DE", "LI")
USED = (Action.FLEETS, Action.OPERATIONS, Action.DIPLOMACY)


def drawn(*what: object) -> bytes:
    """32 bytes that follow from this."""
    return hashlib.sha256(repr(what).encode()).digest()


def rows(records: RecordStore, day: int = DAY) -> list[tuple[object, ...]]:
    """What is kept of a day."""
    return [row for piece in records.pieces(day) for row in piece]


def day_of(
    name: str,
    *,
    day: int = DAY,
    starts: int = 1,
    sessions: Sequence[int] = (30,),
    used: Iterable[Action] = USED,
    versions: Sequence[str] = VERSIONS[:1],
    regions: Sequence[str | None] = REGIONS[:1],
    installs: int = 0,
    errors: int = 0,
) -> list[Record]:
    """What one installation tells of a day; `sessions`: their minutes. Everything under each version and region."""
    user = user_hash(drawn(name, day), drawn(name)[:16])

    def record(
        number: object,
        category: Category,
        version: str,
        region: str | None,
        action: Action = Action.NOTHING_CLOSER,
        minutes: int | None = None,
    ) -> Record:
        session = drawn(name, day, category, number)[:16]
        lasted = None if minutes is None else minutes * MINUTE_MS
        return Record(
            user, category, action, day * DAY_S, session, version, geo_region=region, duration_ms=lasted
        )  # fmt: skip

    found = []
    for place in ((version, region) for version in versions for region in regions):
        found += [record(n, Category.APP_STARTED, *place) for n in range(starts)]
        found += [record(n, Category.SESSION_ENDED, *place, minutes=length) for n, length in enumerate(sessions)]
        found += [record(each, Category.FEATURE_USED, *place, action=each) for each in used]
        found += [record(n, Category.PLUGIN_INSTALLED, *place) for n in range(installs)]
        found += [record(n, Category.ERROR_OCCURRED, *place) for n in range(errors)]
    return found


def others(count: int, day: int = DAY) -> list[Record]:
    """A day of many, each his own."""
    return [
        record
        for number in range(count)
        for record in day_of(
            f"other {number}",
            day=day,
            starts=1 + number % 2,
            sessions=(20 + number % 80,) * (1 + number % 2),
            versions=(VERSIONS[number % 2],),
            regions=(REGIONS[number % 2],),
            installs=number % 3 // 2,
            errors=number % 4 // 3,
        )
    ]
