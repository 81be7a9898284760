"""What a proof shows beside what is known since: taken back, replaced, or not known here."""

from typing import Any

import msgspec
import pytest

from scmanager.application import superseded
from scmanager.application.superseded import NOT_KNOWN
from scmanager.domain.ledger import AuditStatus, Final, KeysPublished, LogKind, Plugin, Update
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.registry import Registered, Registry
from scmanager.master_ledger.seen import DAY_S, Asked, Seen, with_head
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import NotNewer, Report
from tests.golden.logs import some
from tests.support.ledger import NOW_S, POLICY, RELEASE, ROOTS, Server, first_manifest, plugin, signed, update

SERVER = Server()
FIRST = first_manifest(SERVER)
LEDGER = manifest_hash(FIRST.statement)
LOG = SERVER.own.head.log
PASSED = plugin(LEDGER)
NEW_FILE = update(LEDGER, b"released anew", signed_at=NOW_S + 1)


def knowing(*said: Update | Plugin) -> Registry:
    made = Registry(Seen(LEDGER).with_manifests([FIRST]).keys())
    for index, each in enumerate(said):
        signed_one = submission.make(each, (RELEASE,))
        assert not isinstance(signed_one, KeysPublished)
        made.enter(Registered(LOG, index, bytes([index]) * 64, signed_one))
    return made


def having_seen(*sizes: int, manifests: tuple[KeysPublished, ...] = (FIRST,), policy: Policy = POLICY) -> Seen:
    server = Server()
    for _ in range(max(sizes, default=0)):
        server.append(submission.make(PASSED, (RELEASE,)))
    seen = Seen(LEDGER).with_manifests(manifests)
    for each in sizes:
        seen = with_head(seen, server.note(each), seen.keys(), policy).seen
    return seen


def told(said: Any, registry: Registry, held: int | None = 9, seen: Seen | None = None) -> Report:
    held_of = {} if held is None else {LOG: held}
    return superseded.judged(Report(said, ()), registry, held_of, seen or having_seen())


def test_what_nobody_took_back_is_told_as_it_was() -> None:
    report = Report(PASSED, (NotNewer(version="1", installed="2"),), ("a remark",), b"a head")
    assert superseded.judged(report, knowing(PASSED), {LOG: 9}, having_seen()) == report


def test_what_names_no_statement_is_told_as_it_was() -> None:
    report = Report(None, (), ("a remark",))
    assert superseded.judged(report, knowing(), {}, having_seen(5)) is report


@pytest.mark.parametrize("status", [AuditStatus.BLOCKED, AuditStatus.DEPRECATED, AuditStatus.PENDING])
def test_a_plugin_that_was_taken_back_is_told_with_the_entry_that_says_so(status: AuditStatus) -> None:
    later = plugin(LEDGER, audit_status=status, updated_at=NOW_S + 1)
    known = NotNewer(version="1", installed="2")
    report = superseded.judged(
        Report(PASSED, (known,), ("a remark",)), knowing(PASSED, later), {LOG: 9}, having_seen()
    )
    assert not report.ok
    first, problem = report.problems
    assert first is known
    assert (problem.code, problem.facts) == (
        "plugin-taken-back", {"index": 1, "id": "org.example.mining", "status": status.value},
    )  # fmt: skip
    assert (report.said, report.remarks) == (PASSED, ("a remark",))


def test_an_update_whose_version_is_another_file_since_is_told() -> None:
    (problem,) = told(update(LEDGER), knowing(update(LEDGER), NEW_FILE)).problems
    assert (problem.code, problem.facts) == ("update-replaced", {"index": 1, "version": "1.1.0"})


def test_what_was_passed_after_its_block_is_good_though_only_the_block_is_known_here() -> None:
    again = plugin(LEDGER, updated_at=NOW_S + 2)
    blocked = plugin(LEDGER, audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 1)
    assert told(again, knowing(PASSED, blocked)).problems == ()
    assert told(PASSED, knowing(PASSED, blocked)).problems != ()


@pytest.mark.parametrize(
    ("held", "sizes", "known"),
    [
        (None, (), False), (0, (), False), (1, (), True), (1, (2,), False), (2, (2,), True), (4, (2, 5, 3), False),
        (5, (2, 5, 3), True),
    ],
)  # fmt: skip
def test_where_more_was_seen_than_is_held_it_is_said_that_the_rest_is_not_known(
    held: int | None, sizes: tuple[int, ...], known: bool
) -> None:
    assert told(PASSED, knowing(), held, having_seen(*sizes)).remarks == (() if known else (NOT_KNOWN,))


def test_of_a_closed_log_all_up_to_its_end_is_asked_for_and_of_each_log_of_the_ledger() -> None:
    closing = issuing.revocation(FIRST.statement, SERVER.key.public, {LOG: Final(7, some("root"))}, NOW_S)
    closed = having_seen(manifests=(FIRST, signed(closing, *ROOTS[:2])))
    assert told(PASSED, knowing(), 6, closed).remarks == (NOT_KNOWN,)
    assert told(PASSED, knowing(), 7, closed).remarks == ()
    listed = issuing.following(FIRST.statement, NOW_S, logs=[Server("the next").log])
    both = having_seen(manifests=(FIRST, signed(listed, *ROOTS[:2])))
    assert told(PASSED, knowing(), 9, both).remarks == (NOT_KNOWN,)


@pytest.mark.parametrize(("held", "shows_all"), [(4, False), (5, True)])
def test_a_source_that_shows_less_of_its_log_than_was_seen_holds_something_back(held: int, shows_all: bool) -> None:
    report = superseded.judged(Report(PASSED, ()), knowing(PASSED), {LOG: held}, having_seen(5), LOG)
    assert [(each.code, each.facts) for each in report.problems] == (
        [] if shows_all else [("ledger-held-back", {"size": held})]
    )
    assert report.remarks == (), "that is no matter of what is not known here"


def test_what_a_source_shows_of_one_log_says_nothing_of_another() -> None:
    listed = issuing.following(FIRST.statement, NOW_S, logs=[Server("the next").log])
    both = having_seen(manifests=(FIRST, signed(listed, *ROOTS[:2])))
    report = superseded.judged(Report(PASSED, ()), knowing(PASSED), {LOG: 9}, both, LOG)
    assert (report.problems, report.remarks) == ((), (NOT_KNOWN,))


THE_NEXT, REPORTS = Server("the next"), Server("reports", kind=LogKind.INTAKE)


def listing(*more: Server, closed: tuple[Server, ...] = (), size: int = 7) -> Seen:
    """After manifests that list these as well, and close some of them there."""
    manifests, last = [FIRST], FIRST.statement
    for each in more:
        last = issuing.following(last, NOW_S, logs=[each.log])
        manifests.append(signed(last, *ROOTS[:2]))
    for each in closed:
        last = issuing.revocation(last, each.key.public, {each.log.log: Final(size, some("root"))}, NOW_S)
        manifests.append(signed(last, *ROOTS[:2]))
    return having_seen(manifests=tuple(manifests))


@pytest.mark.parametrize("closed", [(), (REPORTS,)])
def test_what_is_reported_to_the_author_nobody_has_to_know(closed: tuple[Server, ...]) -> None:
    seen, both = listing(REPORTS, THE_NEXT, closed=closed), {LOG: 9, THE_NEXT.log.log: 9}
    seen = with_head(seen, REPORTS.note(), seen.keys(), POLICY).seen  # As statistics leave it.
    for shown in (None, LOG, THE_NEXT.log.log):
        report = superseded.judged(Report(PASSED, ()), knowing(PASSED), both, seen, shown)
        assert (report.problems, report.remarks) == ((), ())


@pytest.mark.parametrize(
    ("closed", "size", "wanted"),
    [((), 0, False), ((THE_NEXT,), 2, True), ((THE_NEXT,), 1, False), ((THE_NEXT,), 0, False)],
)
def test_a_later_log_has_to_be_known_to_its_end_once_it_has_one(
    closed: tuple[Server, ...], size: int, wanted: bool
) -> None:
    """One that was closed before anything was said in it may have been shown to nobody."""
    seen = listing(THE_NEXT, closed=closed, size=size)
    report = superseded.judged(Report(PASSED, ()), knowing(PASSED), {LOG: 9}, seen, LOG)
    assert [each.code for each in report.problems] == ["ledger-log-unknown"] * wanted


def test_what_is_known_of_another_open_log_is_told_with_its_age_after_a_day() -> None:
    both = {LOG: 9, THE_NEXT.log.log: 9}
    seen = msgspec.structs.replace(listing(THE_NEXT), asked=(Asked(LOG, NOW_S), Asked(THE_NEXT.log.log, NOW_S - 9)))
    for shown, now_s, told_of in (
        (THE_NEXT.log.log, NOW_S + DAY_S, None), (THE_NEXT.log.log, NOW_S + DAY_S + 1, LOG), (None, 2 * NOW_S, None),
        (LOG, NOW_S + DAY_S, THE_NEXT.log.log),
    ):  # fmt: skip
        report = superseded.judged(Report(PASSED, ()), knowing(PASSED), both, seen, shown, None, now_s)
        assert report.problems == ()
        assert [each[:16] for each in report.remarks] == ([] if told_of is None else [told_of.hex()[:16]])
    never = superseded.judged(Report(PASSED, ()), knowing(PASSED), both, listing(THE_NEXT), LOG, None, NOW_S)
    assert [each.partition(". ")[0] for each in never.remarks] == [
        f"{THE_NEXT.log.log.hex()[:16]}, another log of the ledger, was never asked from here"
    ], "it came as a file"
