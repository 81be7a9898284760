"""Use of a node: what is told of it with consent, and that nothing is without."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters.participation import Participation
from scmanager.api.mutations import field_name
from scmanager.api.schema import served
from scmanager.application.answer_times import ANSWERS_MIN
from scmanager.application.companion import DAY_MAX, MINUTE_MAX, PLACED, TELLABLE
from scmanager.application.every_verb import VERBS
from scmanager.application.features import CATEGORIES, CAUSES, feature_of
from scmanager.application.usage import DAY_RECORDS_MAX, IDLE_S, Usage
from scmanager.domain.audit_types import AuditType
from scmanager.domain.event import Id
from scmanager.domain.statistics import (
    DAY_S,
    FEATURES,
    MINUTE_MS,
    Action,
    Category,
    MetaKey,
    MetaValue,
    Record,
    check,
    org_hash,
    user_hash,
)
from scmanager.domain.statistics_published import EVERY_DAYS, RULES
from tests.support.statistics import DAY, drawn

OWNER = drawn("space")
SPACE = drawn("organisation")


class Here:
    """A node's use, with its clock, consent and outbox."""

    def __init__(self) -> None:
        self.now_s, self.agreed, self.days = DAY * DAY_S + 100, True, {DAY}
        self.noted: list[tuple[AuditType, str]] = []
        self.kept: list[Record] = []
        self.ids = 0
        self.forgot: list[int] = []
        """The days on which a salt that is over was looked for; -1: any was given up."""
        self.usage = Usage(
            self.note, lambda: self.now_s, lambda: self.agreed, lambda: OWNER, self.kept.append, self, self.entropy,
            "0.1.0", "DE", MetaValue.LINUX,
        )  # fmt: skip

    def note(self, type_: AuditType, code: str, source: str = "", text: str = "", command: Id = b"") -> None:
        self.noted.append((type_, code))

    def entropy(self, size: int) -> bytes:
        self.ids += 1
        return drawn("session", self.ids)[:size]

    def salt(self, today: int) -> bytes | None:
        return drawn("salt", today) if today in self.days else None

    def forget(self, today: int) -> None:
        self.forgot.append(today)

    def give_up(self, today: int) -> None:
        self.forgot.append(-1)

    def work(self, after_s: int = 0) -> None:
        self.now_s += after_s
        self.usage.work()

    def use(self, action: Action = Action.FLEETS, after_s: int = 0, **more: Any) -> None:
        self.now_s += after_s
        self.usage.used(action, **more)

    @property
    def categories(self) -> list[Category]:
        return [each.category for each in self.kept]


@pytest.fixture
def here() -> Here:
    made = Here()
    made.work()
    return made


def test_without_consent_nothing_is_remembered_noted_or_kept() -> None:
    here = Here()
    here.agreed = False
    here.work()
    here.use()
    here.usage.failed()
    assert (len(here.usage._steps), len(here.usage._failures)) == (0, 0)
    here.work()
    here.usage.close()
    assert (here.noted, here.kept, here.ids) == ([], [], 0)


def test_a_withdrawn_consent_ends_it_at_once(here: Here) -> None:
    here.use()
    here.agreed, told = False, len(here.kept)
    here.work()
    here.use()
    here.agreed = True
    here.work()
    assert here.categories[told:] == [Category.APP_STARTED]


def test_a_session_lasts_from_the_first_request_to_the_last_before_a_pause(here: Here) -> None:
    here.use()
    here.use(Action.SEARCH, 300, command=True, category=Category.MEMBER_ADDED, space=SPACE)
    here.work()
    here.work(IDLE_S - 1)
    assert Category.SESSION_ENDED not in here.categories
    here.work(1)
    assert here.categories == [
        Category.APP_STARTED, Category.SESSION_STARTED, Category.FEATURE_USED, Category.FEATURE_USED,
        Category.MEMBER_ADDED, Category.SESSION_ENDED,
    ]  # fmt: skip
    assert here.kept[-1].duration_ms == 5 * MINUTE_MS
    assert len({each.session_id for each in here.kept[1:]}) == 1
    assert here.noted == [
        (AuditType.SESSION_STARTED, "session-started"), (AuditType.FEATURE_USED, "fleets"),
        (AuditType.ACTION_PERFORMED, "search"), (AuditType.SESSION_ENDED, "session-ended"),
    ]  # fmt: skip


def test_no_session_and_no_hash_goes_over_midnight(here: Here) -> None:
    here.days = {DAY, DAY + 1}
    here.use()
    here.use(after_s=DAY_S - 200)
    here.work()
    here.use(after_s=200)
    here.work()
    today = [each for each in here.kept if each.day == DAY]
    later = [each for each in here.kept if each.day == DAY + 1]
    assert today
    assert later
    assert not {each.user_hash for each in today} & {each.user_hash for each in later}
    assert not {each.session_id for each in today} & {each.session_id for each in later}


def test_one_installation_has_one_hash_a_day_whatever_is_taken_up_after_midnight(tmp_path: Path) -> None:
    here = Here()
    here.usage._salts = Participation(tmp_path, below=lambda _: DAY % EVERY_DAYS)
    here.work()
    here.use(after_s=DAY_S - 101)
    here.usage.failed()
    here.use(after_s=1)
    here.usage.failed()
    here.work()
    here.now_s -= 1
    here.use(Action.SEARCH)
    here.work()
    assert len({each.user_hash for each in here.kept}) == 1
    assert {each.day for each in here.kept} == {DAY}
    assert {Category.SESSION_ENDED, Category.ERROR_OCCURRED} < set(here.categories)


def test_a_salt_that_is_over_is_looked_for_while_nobody_asks_and_given_up_without_consent(here: Here) -> None:
    assert here.usage._rest_s() == DAY_S - here.now_s % DAY_S
    here.work(DAY_S)
    assert here.forgot[-1] == DAY + 1
    here.agreed = False
    here.work()
    assert here.forgot[-1] == -1


def test_a_run_that_was_never_stopped_is_told_by_the_next_once_and_only_with_consent() -> None:
    here = Here()
    here.usage.crashed()
    here.work()
    here.work(60)
    assert here.categories == [Category.APP_STARTED, Category.CRASH_REPORTED]
    there = Here()
    there.agreed = False
    there.usage.crashed()
    there.work()
    there.agreed = True
    there.work()
    assert there.categories == [Category.APP_STARTED], "what was before the consent is not told"


def test_on_a_day_that_is_not_drawn_nothing_is_kept_but_audit_events_are(here: Here) -> None:
    here.days, told = set(), len(here.kept)
    here.use()
    here.work()
    here.usage.close()
    assert len(here.kept) == told
    assert here.noted


def test_every_record_is_one_that_the_server_takes_and_names_nobody(here: Here) -> None:
    here.use(space=SPACE)
    here.usage.failed()
    here.work(60)
    here.usage.close()
    for each in here.kept:
        check(each)
    salt = drawn("salt", DAY)
    assert {each.user_hash for each in here.kept} == {user_hash(salt, OWNER[:16])}
    assert {each.org_hash for each in here.kept} == {None, org_hash(salt, SPACE)}
    assert here.categories[-2:] == [Category.SESSION_ENDED, Category.APP_STOPPED]
    assert Category.ERROR_OCCURRED in here.categories


def test_a_feature_is_told_once_a_day_and_no_day_tells_more_than_counts(here: Here) -> None:
    for _ in range(3):
        here.use()
        here.work(60)
    assert here.categories.count(Category.FEATURE_USED) == 1
    for _ in range(2 * DAY_RECORDS_MAX):
        here.usage.failed()
        here.work(1)
    assert len(here.kept) == DAY_RECORDS_MAX


def test_what_a_companion_tells_is_a_record_once_a_day_names_what_it_came_by_and_is_no_event(here: Here) -> None:
    here.days = {DAY, DAY + 1}
    for _ in range(3):
        here.usage.told(Category.PAGE_VIEWED, Action.FLEETS)
        here.usage.told(Category.STAR_MAP_OPENED, Action.NOTHING_CLOSER)
    here.use()
    here.work()
    assert here.categories == [
        Category.APP_STARTED, Category.SESSION_STARTED, Category.PAGE_VIEWED, Category.STAR_MAP_OPENED,
        Category.FEATURE_USED,
    ]  # fmt: skip
    assert [each.metadata for each in here.kept] == [
        {MetaKey.PLATFORM: MetaValue.LINUX}, {}, {MetaKey.INTERFACE: MetaValue.COMPANION},
        {MetaKey.INTERFACE: MetaValue.COMPANION}, {MetaKey.INTERFACE: MetaValue.GRAPHQL},
    ]  # fmt: skip
    assert [code for _, code in here.noted] == ["session-started", "fleets"]
    here.now_s += DAY_S
    here.usage.told(Category.PAGE_VIEWED, Action.FLEETS)
    here.work()
    assert here.categories.count(Category.PAGE_VIEWED) == 2
    for each in here.kept:
        check(each)


def test_a_companion_tells_few_things_a_minute_and_a_day_and_drives_nothing_else_out(here: Here) -> None:
    every = [(category, action) for category in PLACED for action in FEATURES]
    for category, action in every:
        here.usage.told(category, action)
    assert len(here.usage._steps) == MINUTE_MAX
    for category, action in every:
        here.now_s += 60
        here.usage.told(category, action)
    here.work()
    assert len([each for each in here.categories if each in TELLABLE]) == DAY_MAX < DAY_RECORDS_MAX / 2
    here.use(Action.SEARCH)
    here.work()
    assert here.categories[-1] is Category.FEATURE_USED


def test_without_consent_a_companion_tells_nobody_anything_and_nothing_is_measured() -> None:
    here = Here()
    here.agreed = False

    def remembered() -> int:
        usage = here.usage
        return len(usage._steps) + len(usage._heard._steps) + sum(usage._answers._counts.values())

    here.work()
    here.usage.told(Category.PAGE_VIEWED, Action.FLEETS)
    here.usage.answered(0.1)
    assert remembered() == 0
    here.agreed = True
    here.work()
    here.usage.told(Category.PAGE_VIEWED, Action.FLEETS)
    here.usage.answered(0.1)
    assert remembered() == 3
    here.agreed = False
    here.work()
    assert remembered() == 0
    assert Category.PAGE_VIEWED not in here.categories


@pytest.mark.parametrize(
    ("took_s", "step"),
    [
        (0.002, MetaValue.WITHIN_10_MS),
        (0.05, MetaValue.WITHIN_100_MS),
        (0.7, MetaValue.WITHIN_1_S),
        (3.0, MetaValue.SLOWER),
    ],
)
def test_how_fast_answers_were_is_one_of_four_steps_once_a_day_and_only_of_many(
    here: Here, took_s: float, step: MetaValue
) -> None:
    for answers in (ANSWERS_MIN - 2, ANSWERS_MIN + 1, ANSWERS_MIN + 1):
        here.use(after_s=IDLE_S)
        here.usage.answered(took_s)
        for number in range(answers):
            here.usage.answered((0.001, took_s, 9.0)[number % 3])
        here.work()
        here.work(IDLE_S)
    told = [each for each in here.kept if each.category is Category.PERFORMANCE_METRIC]
    assert [(each.metadata, each.duration_ms) for each in told] == [({MetaKey.ANSWERS: step}, None)]
    assert told[0].session_id == here.kept[here.kept.index(told[0]) + 1].session_id
    assert here.categories.count(Category.SESSION_ENDED) == 3
    check(told[0])


def test_every_verb_and_query_belongs_to_a_feature() -> None:
    schema = served().schema._schema
    assert schema.query_type
    assert schema.mutation_type
    names = [*schema.query_type.fields, *schema.mutation_type.fields, *map(field_name, VERBS)]
    assert [name for name in names if feature_of(name) is None] == ["node", "usageTell"]


def test_every_cause_of_a_category_is_a_command_that_there_is() -> None:
    schema = served().schema._schema
    assert schema.mutation_type
    assert set(CATEGORIES) <= set(schema.mutation_type.fields)
    assert set(CATEGORIES.values()) <= set(CAUSES)


def test_who_counts_without_consent_costs_one_look() -> None:
    here = Here()
    calls: list[Callable[[], int]] = []
    here.usage._now_s = lambda: calls.append(here.entropy) or 0  # type: ignore[assignment, func-returns-value]
    here.use()
    assert calls == []


PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


def rows_of(page: str, first: str) -> list[list[str]]:
    """The cells of the table that begins with this head."""
    lines = page[page.index(f"| {first} |") :].splitlines()[2:]
    taken = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in taken]


def test_the_page_says_of_every_category_what_records_it_or_what_it_waits_for() -> None:
    rows = rows_of(PAGE.read_text(encoding="utf-8"), "category")
    assert [row[0].strip("`") for row in rows] == [each.value for each in Category]
    for name, cause in rows:
        known = CAUSES.get(Category(name.strip("`")))
        assert cause == known if known else cause.startswith("open: needs ")
        told = {word for word in cause.replace("`", "").split() if word in CATEGORIES}
        assert told == {command for command, caused in CATEGORIES.items() if caused.value == name.strip("`")}


def test_the_page_says_the_rules_as_they_are() -> None:
    rows = rows_of(PAGE.read_text(encoding="utf-8"), "measure")
    assert rows == [
        [f"`{measure.value}`", str(rule.bound), f"{rule.scale:,}", f"{rule.threshold:,}"]
        for measure, rule in RULES.items()
    ]
