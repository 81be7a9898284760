"""The tally: the first at once, the rest counted; and a flood fills neither disk nor memory."""

import os
from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.application import audit_tally
from scmanager.application.audit_intake import KINDS_MAX, Intake, clean
from scmanager.application.audit_tally import (
    COMMON_MAX,
    COMMON_TYPE_MAX,
    DAY_S,
    ENTRIES_MAX,
    LISTED_MAX,
    LISTED_SOURCE_MAX,
    LISTED_TYPE_MAX,
    TELLS_MAX,
    WINDOW_S,
    Beyond,
    Cause,
    Grown,
    Opened,
    Tally,
    merged,
)
from scmanager.domain.audit_event import Series
from scmanager.domain.audit_types import AuditType, Severity
from tests.support.effort import examples
from tests.support.measuring import unfollowed

TOKEN, PEER = AuditType.PERMISSION_VIOLATION, AuditType.P2P_MISMATCH
NOON = 20_000 * DAY_S + DAY_S // 2


def cause(at_s: int = NOON, type_: AuditType = TOKEN, source: str = "a", count: int = 1) -> Cause:
    return Cause(b"c" * 16, type_, "token-wrong", source, "", at_s, at_s, count)


def hashed(source: str) -> bytes:
    return source.encode().ljust(32, b".")


def admit(tally: Tally, one: Cause, entity: bytes = b"e" * 16) -> Opened | None:
    return tally.admit(one, hashed(one.source), entity)


def test_the_first_is_written_at_once_and_the_rest_once_when_the_window_is_over() -> None:
    tally = Tally()
    opened = admit(tally, cause())
    assert opened == Opened(b"e" * 16, cause(), hashed("a"))
    assert [admit(tally, cause(NOON + second)) for second in range(1, 100)] == [None] * 99
    assert tally.waits
    assert list(tally.closing(NOON + 100)) == []
    over = NOON // WINDOW_S * WINDOW_S + WINDOW_S
    assert list(tally.closing(over)) == [Grown(b"e" * 16, 100, 99, NOON + 99)]
    assert not tally.waits
    assert list(tally.closing(over, everything=True)) == []
    assert isinstance(admit(tally, cause(over)), Opened)


def test_a_node_that_stops_tells_the_count_and_goes_on_with_the_series_later() -> None:
    tally = Tally()
    admit(tally, cause())
    admit(tally, cause(NOON + 5, count=4))
    assert list(tally.closing(NOON + 6, everything=True)) == [Grown(b"e" * 16, 5, 4, NOON + 5)]
    state = Series(b"l" * 32, TOKEN, "token-wrong", Severity.WARNING, hashed("a"), first_s=NOON, count=5, tells=1)
    again = Tally([(b"e" * 16, state)])
    assert admit(again, cause(NOON + 10)) is None
    assert list(again.closing(NOON + 11, everything=True)) == [Grown(b"e" * 16, 6, 1, NOON + 10)]


def test_a_series_is_told_to_go_on_only_so_often() -> None:
    state = Series(
        b"l" * 32, TOKEN, "token-wrong", Severity.WARNING, hashed("a"), first_s=NOON, count=5, tells=TELLS_MAX
    )
    tally = Tally([(b"e" * 16, state)])
    admit(tally, cause())
    assert list(tally.closing(NOON, everything=True)) == []


def test_a_day_has_room_for_so_many_of_a_type_and_so_many_in_all() -> None:
    tally = Tally()
    types = (TOKEN, PEER, AuditType.INTEGRITY_FAILURE, AuditType.ERROR_REPORTED, AuditType.INSTANCE_ACTIVE)
    listed = Counter(
        type_ for type_ in types for number in range(200) if admit(tally, cause(type_=type_, source=str(number)))
    )
    assert max(listed.values()) == COMMON_TYPE_MAX
    assert sum(listed.values()) == COMMON_MAX + 1  # The first of the last type.
    beyond = [step for step in tally.closing(NOON, everything=True) if isinstance(step, Beyond)]
    assert sum(step.count for step in beyond) == 1000 - COMMON_MAX - 1
    assert isinstance(admit(tally, cause(NOON + DAY_S, source="tomorrow")), Opened)


def coded(code: str, source: str, type_: AuditType = TOKEN) -> Cause:
    return msgspec.structs.replace(cause(type_=type_, source=source), code=code)


def test_one_source_has_a_few_series_of_a_type_whatever_it_does() -> None:
    tally = Tally()
    assert (
        sum(admit(tally, coded(f"code-{number}", "noisy")) is not None for number in range(500)) == LISTED_SOURCE_MAX
    )
    for number in range(LISTED_SOURCE_MAX):
        assert isinstance(admit(tally, coded(f"code-{number}", "somebody else")), Opened)
    assert isinstance(admit(tally, coded("code-1", "noisy", PEER)), Opened)


def test_many_sources_that_do_one_thing_keep_no_other_thing_from_being_named() -> None:
    tally = Tally()
    for number in range(1_000):
        admit(tally, coded("fork-seen", str(number)))
    assert isinstance(admit(tally, coded("store-damaged", "own disk")), Opened)
    assert admit(tally, coded("store-damaged", "another")) is None


def test_types_that_make_noise_keep_no_other_type_from_being_named() -> None:
    tally = Tally()
    noisy = [each for each in AuditType if each is not AuditType.INTEGRITY_FAILURE]
    for number in range(1_000):
        admit(tally, coded("host-foreign", str(number), noisy[number % len(noisy)]))
    assert isinstance(admit(tally, coded("store-damaged", "own disk", AuditType.INTEGRITY_FAILURE)), Opened)


@given(st.lists(st.tuples(st.sampled_from((TOKEN, PEER)), st.integers(0, 60), st.integers(0, 3)), max_size=300))
@settings(max_examples=examples(60))
def test_whatever_one_source_does_the_first_of_another_is_named_and_no_bound_is_passed(
    came: list[tuple[AuditType, int, int]],
) -> None:
    """Its worst: any codes, at any hour of the day, before and after the node was opened anew."""
    tally, held = Tally(), []
    for number, (type_, code, window) in enumerate(sorted(came, key=lambda each: each[2])):
        at = NOON - NOON % DAY_S + window * WINDOW_S
        one = msgspec.structs.replace(coded(f"code-{code}", "noisy", type_), first_s=at, last_s=at)
        entity = number.to_bytes(16, "big")
        if admit(tally, one, entity):
            series = Series(b"l" * 32, type_, one.code, source=hashed("noisy"), first_s=at, last_s=at, count=1)
            held.append((entity, series))
        if number % 50 == 49:
            tally = Tally(held)
    for each in (TOKEN, PEER, AuditType.INTEGRITY_FAILURE):
        assert isinstance(admit(tally, coded("code-1", "quiet", each)), Opened)
    assert max(Counter(series.type for _, series in held).values(), default=0) <= LISTED_SOURCE_MAX


def test_what_a_log_holds_of_today_counts_against_todays_room() -> None:
    known = [
        (bytes([number]) * 16, Series(b"l" * 32, TOKEN, "token-wrong", source=hashed(str(number)), first_s=NOON))
        for number in range(COMMON_TYPE_MAX)
    ]
    tally = Tally(known)
    assert admit(tally, cause(source="one more")) is None
    assert isinstance(admit(tally, cause(type_=PEER)), Opened)


def test_processes_that_live_short_tell_the_rest_of_a_day_only_so_often() -> None:
    known = [
        (bytes([number]) * 16, Series(b"l" * 32, TOKEN, "token-wrong", source=hashed(str(number)), first_s=NOON))
        for number in range(LISTED_TYPE_MAX)
    ]
    told = 0
    for number in range(50):
        tally = Tally(known)
        admit(tally, cause(source=f"late {number}"))
        for step in tally.closing(NOON, everything=True):
            assert isinstance(step, Beyond)
            told += 1
            known.append((bytes([100 + number]) * 16, Series(b"l" * 32, TOKEN, first_s=NOON, count=step.count)))
    assert told == TELLS_MAX


def test_what_could_not_be_written_is_as_if_it_had_never_been() -> None:
    tally = Tally()
    for _ in range(LISTED_TYPE_MAX * 2):
        opened = admit(tally, cause())
        assert opened is not None
        tally.give_back(opened)
    tally.give_back(opened)
    assert isinstance(admit(tally, cause()), Opened)


def test_like_causes_become_one_by_the_id_of_the_first() -> None:
    first = cause(NOON, count=2)
    later = msgspec.structs.replace(cause(NOON + 9, count=3), id=b"l" * 16)
    assert merged([first, first]) == [first]
    (one,) = merged([later, first])
    assert (one.count, one.first_s, one.last_s) == (5, NOON, NOON + 9)
    assert one.id == later.id
    assert len(merged([first, cause(NOON + WINDOW_S), cause(type_=PEER), cause(source="b")])) == 4


def test_a_million_hostile_causes_from_as_many_sources_write_a_bounded_number_of_entries() -> None:
    """Within one day, told as often as a running node does; memory at its end is as it was in its first minutes."""
    tally, told, sizes = Tally(), Counter[str](), []
    begin = NOON - NOON % DAY_S
    with unfollowed():
        for number in range(1_000_000):
            at = begin + number * DAY_S // 1_000_000
            one = Cause(b"c" * 16, (TOKEN, PEER)[number % 2], "token-wrong", "", "", at, at)
            if tally.admit(one, number.to_bytes(32, "big"), b"e" * 16):
                told["entries"] += 1
                told["causes"] += 1
            if number % 1_000 == 0:
                for step in tally.closing(at):
                    told["entries"] += 1
                    told["causes"] += step.further if isinstance(step, Grown) else step.count
                sizes.append(tally.size)
    for step in tally.closing(at, everything=True):
        told["entries"] += 1
        told["causes"] += step.further if isinstance(step, Grown) else step.count
    assert told["causes"] == 1_000_000
    assert told["entries"] <= 2 * LISTED_TYPE_MAX + 2 * (DAY_S // WINDOW_S) < ENTRIES_MAX
    assert max(sizes) <= LISTED_MAX + 20


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(AuditType)), st.integers(0, 400), st.integers(0, 2 * DAY_S), st.integers(1, 50)
        ),
        max_size=400,
    ),
    st.integers(1, 50),
)
@settings(max_examples=examples(60))
def test_whatever_comes_every_cause_is_told_once_and_there_is_a_bound(
    came: list[tuple[AuditType, int, int, int]], every: int
) -> None:
    tally, told, entries = Tally(), 0, Counter[int]()
    for number, (type_, source, later, count) in enumerate(sorted(came, key=lambda each: each[2])):
        at = NOON + later
        if admit(tally, cause(at, type_, str(source), count), number.to_bytes(16, "big")):
            told += count
            entries[at // DAY_S] += 1
        if number % every == 0:
            for step in tally.closing(at):
                told += step.further if isinstance(step, Grown) else step.count
                entries[at // DAY_S] += 1
    told += sum(
        step.further if isinstance(step, Grown) else step.count
        for step in tally.closing(NOON + 5 * DAY_S, everything=True)
    )
    assert told == sum(each[3] for each in came)
    assert all(count <= audit_tally.ENTRIES_MAX + LISTED_MAX for count in entries.values())
    assert tally.size == 0


def test_the_intake_keeps_few_kinds_and_counts_the_rest() -> None:
    woken: list[int] = []
    intake = Intake(lambda: NOON * 1_000_000, os.urandom, lambda: woken.append(1))
    for number in range(20_000):
        intake(TOKEN, "token-wrong", str(number % 5_000), "x" * 5_000)
    assert intake.size <= KINDS_MAX + 1
    intake(TOKEN, "host-foreign", "nobody before")
    causes, beyond = intake.take()
    assert sum(each.count for each in (*causes, *beyond)) == 20_001 == len(woken)
    assert "nobody before" in {each.source for each in causes}
    assert all(len(each.text) <= 1_000 for each in causes)
    assert intake.take() == ([], [])


def test_what_needs_consent_is_not_heard_without() -> None:
    intake = Intake(lambda: NOON, lambda size: b"i" * size, lambda: None)
    for type_ in (AuditType.FEATURE_USED, AuditType.SESSION_STARTED):
        intake(type_, "opened")
    assert intake.size == 0
    intake.statistics = True
    intake(AuditType.FEATURE_USED, "fleets")
    assert intake.size == 1


@given(st.text(), st.text(st.characters(exclude_categories=())), st.text())
@settings(max_examples=examples(100))
def test_whatever_a_stranger_says_can_be_kept_and_steers_nothing(code: str, source: str, text: str) -> None:
    intake = Intake(lambda: -5, lambda size: b"i" * size, lambda: None)
    intake(TOKEN, code, source, text)
    ((one,), _) = intake.take()
    assert one.code.isascii()
    assert one.code
    assert (one.source + one.text).isprintable()
    assert one.first_s == 0


def test_half_a_character_and_a_line_end_are_replaced() -> None:
    assert clean("a\ud800b\n\x1b[2Jc", 100) == "a?b\ufffd\ufffd[2Jc"
    assert clean("x" * 10, 3) == "xxx"
