"""The registry as a fold: what counts, what holds of several, and what a thief of the log key cannot bring about."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.counting import Counted, PluginCounted
from scmanager.domain.ledger import AuditStatus, Category, Channel, Final, KeysPublished, LogKind, Plugin, Update
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.registry import Registered, Registry, check
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import LogClosed, LogNotListed, LogOfReports
from tests.golden.logs import key_of, some
from tests.support.ledger import (
    LATER_RELEASE,
    NOW_S,
    RELEASE,
    ROOTS,
    Server,
    first_manifest,
    plugin,
    signed,
    trusted,
    update,
)

SERVER = Server()
FIRST = first_manifest(SERVER)
LEDGER = manifest_hash(FIRST.statement)
LOG = SERVER.own.head.log


def at(index: int, statement: Update | Plugin, *keys: Any, log: bytes = LOG) -> Registered:
    said = submission.make(statement, keys or (RELEASE,))
    assert not isinstance(said, KeysPublished)
    return Registered(log, index, bytes([index]) * 64, said)


def registry(*said: Registered, manifests: tuple[KeysPublished, ...] = (FIRST,)) -> Registry:
    made = Registry(trusted(*manifests))
    for each in said:
        made.enter(each)
    return made


def release(version: str, channel: Channel = Channel.STABLE, **changed: Any) -> Update:
    fields = {"version": version, "channel": channel, "min_supported_version": "0.1.0"} | changed
    return update(LEDGER, version.encode(), **fields)


def versions(said: list[Registered]) -> list[str]:
    return [each.said.statement.version for each in said]


def test_updates_are_listed_by_channel_the_newest_version_first() -> None:
    made = registry(
        at(1, release("1.2.0")), at(2, release("1.10.0")), at(3, release("1.10.0-beta.2", Channel.BETA)),
        at(4, release("1.9.0")), at(5, release("1.10.0-beta.11", Channel.BETA)),
    )  # fmt: skip
    assert versions(made.updates(Channel.STABLE)) == ["1.10.0", "1.9.0", "1.2.0"]
    assert versions(made.updates(Channel.BETA)) == ["1.10.0-beta.11", "1.10.0-beta.2"]
    assert versions(made.updates()) == ["1.10.0-beta.11", "1.10.0-beta.2", "1.10.0", "1.9.0", "1.2.0"]
    assert made.updates(Channel.ALPHA) == []


def test_who_follows_a_bold_channel_gets_what_is_newest_there_or_on_a_more_settled_one() -> None:
    made = registry(at(1, release("2.0.0-beta.1", Channel.BETA)), at(2, release("1.9.0")))
    found = {each: made.newest(each) for each in Channel}
    assert {each: one.said.statement.version if one else None for each, one in found.items()} == {
        Channel.ALPHA: "2.0.0-beta.1", Channel.BETA: "2.0.0-beta.1", Channel.RELEASE_CANDIDATE: "1.9.0",
        Channel.STABLE: "1.9.0",
    }  # fmt: skip
    assert registry().newest(Channel.ALPHA) is None


def test_a_version_stands_on_each_channel_that_it_came_to() -> None:
    made = registry(at(1, release("1.2.0", Channel.BETA)), at(2, release("1.2.0")))
    found = made.update("1.2.0")
    assert found is not None
    assert found.index == 2, "on the most settled one"
    assert made.update("1.2.0", Channel.BETA) == made.updates(Channel.BETA)[0]
    assert made.update("1.2.0", Channel.ALPHA) is None
    assert made.update("9.9.9") is None


@pytest.mark.parametrize("keys", [(key_of("a thief"),), (SERVER.key,), (ROOTS[0], ROOTS[1])])
def test_what_other_keys_signed_is_not_there(keys: tuple[Any, ...]) -> None:
    made = registry(at(1, release("1.2.0"), *keys), at(2, plugin(LEDGER), *keys))
    assert (made.updates(), made.plugin("org.example.mining")) == ([], [])


def test_what_was_signed_for_another_ledger_or_stands_in_another_log_is_not_there() -> None:
    assert registry(at(1, update(bytes(32)))).updates() == []
    assert registry(at(1, release("1.2.0"), log=bytes(32))).updates() == []


def test_a_retired_key_counts_below_its_size_and_a_closed_log_below_its_end() -> None:
    head = {LOG: Final(5, some("root"))}
    retired = issuing.revocation(FIRST.statement, RELEASE.public, head, NOW_S, LATER_RELEASE.public)
    second = signed(retired, *ROOTS[:2])
    said = [at(4, release("1.1.0")), at(5, release("1.2.0")), at(6, release("1.3.0"), LATER_RELEASE)]
    assert versions(registry(*said, manifests=(FIRST, second)).updates()) == ["1.3.0", "1.1.0"]
    said.append(at(5, release("1.4.0"), LATER_RELEASE))
    closed = signed(issuing.revocation(retired, SERVER.key.public, head, NOW_S), *ROOTS[:2])
    assert versions(registry(*said, manifests=(FIRST, second, closed)).updates()) == ["1.1.0"]


def test_nothing_is_registered_in_a_log_of_reports() -> None:
    reports = Server(kind=LogKind.INTAKE)
    keys = trusted(first_manifest(reports))
    said = Registered(LOG, 1, some("id", 64), submission.make(update(keys.ledger), (RELEASE,)))  # type: ignore[arg-type]
    with pytest.raises(LogOfReports) as refused:
        check(said, keys)
    assert refused.value.facts == {"log": LOG.hex()[:16]}
    made = Registry(keys)
    assert not made.enter(said)
    made.count(Counted(LOG, 2, PluginCounted("org.example.mining", 5, 0, 0, NOW_S)))
    assert made.counts("org.example.mining") is None


def test_why_a_statement_does_not_count_is_told_with_its_log_and_where_that_ended() -> None:
    with pytest.raises(LogNotListed) as unlisted:
        check(at(1, release("1.2.0"), log=bytes(32)), trusted(FIRST))
    assert unlisted.value.facts == {"n": 1, "origin": "00" * 32}
    head = {LOG: Final(5, some("root"))}
    closing = signed(issuing.revocation(FIRST.statement, SERVER.key.public, head, NOW_S), *ROOTS[:2])
    with pytest.raises(LogClosed) as closed:
        check(at(5, release("1.2.0")), trusted(FIRST, closing))
    assert closed.value.facts == {"size": 6, "final": 5}


def test_a_statement_is_told_as_taken_in_once_and_one_that_does_not_count_never() -> None:
    made = registry()
    assert made.enter(at(1, release("1.2.0")))
    assert not made.enter(at(2, release("1.2.0")))
    assert not made.enter(at(3, release("1.3.0"), SERVER.key))


def test_of_two_statements_of_one_second_the_one_that_stands_later_holds() -> None:
    made = registry(at(1, plugin(LEDGER)), at(2, plugin(LEDGER, audit_status=AuditStatus.BLOCKED)))
    assert [each.index for each in made.plugin("org.example.mining")] == [1, 2]


def test_what_holds_of_a_file_is_what_was_said_of_it_last() -> None:
    other = plugin(LEDGER, b"another file", version="0.4.0", updated_at=NOW_S + 2)
    blocked = plugin(LEDGER, audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 1)
    made = registry(at(1, blocked), at(2, plugin(LEDGER)), at(3, other))
    found = [made.about(each.content_hash) for each in (blocked, other, release("1.2.0"))]
    assert [each.index if each else None for each in found] == [1, 3, None]


# What a proof of long ago shows, and what was said since


def said_of(version: str, status: AuditStatus, later: int, data: bytes | None = None) -> Plugin:
    content = version.encode() if data is None else data
    return plugin(LEDGER, content, version=version, audit_status=status, updated_at=NOW_S + later)


PASSED, BLOCKED, PENDING = AuditStatus.PASS, AuditStatus.BLOCKED, AuditStatus.PENDING


@pytest.mark.parametrize(
    ("history", "by"),
    [
        ([], None),
        ([said_of("0.3.0", PASSED, 0)], None),
        ([said_of("0.3.0", BLOCKED, 1)], 0),
        ([said_of("0.3.0", BLOCKED, 0)], 0),
        ([said_of("0.3.0", BLOCKED, -1)], None),  # Passed again after that, which this machine has not heard.
        ([said_of("0.2.0", BLOCKED, -1)], None),
        ([said_of("0.2.0", BLOCKED, 0)], 0),
        ([said_of("0.4.0", AuditStatus.DEPRECATED, 1)], 0),
        ([said_of("0.4.0", PENDING, 1)], None),
        ([said_of("0.3.0", PENDING, 1, b"a file of the same version")], 0),
        ([said_of("0.4.0", PENDING, 1, b"0.3.0")], 0),
        ([said_of("0.3.0", PENDING, -1), said_of("0.4.0", BLOCKED, 1)], 1),
        ([said_of("0.3.0", PENDING, 1), said_of("0.4.0", BLOCKED, 2)], 0),
        ([said_of("0.3.0", BLOCKED, 1), said_of("0.3.0", PASSED, 2)], None),
        ([said_of("0.3.0", BLOCKED, 1), said_of("0.4.0", PASSED, 2)], 0),
        ([said_of("0.4.0", BLOCKED, 1), said_of("0.4.0", PASSED, 2)], None),
    ],
)
def test_a_plugin_is_taken_back_by_what_was_said_of_it_later_and_by_nothing_before(
    history: list[Plugin], by: int | None
) -> None:
    made = registry(*(at(index, each) for index, each in enumerate(history)))
    found = made.taken_back(said_of("0.3.0", PASSED, 0))
    assert (found.index if found else None) == by


def test_what_is_said_of_a_plugin_does_not_take_back_itself_nor_another() -> None:
    blocked = said_of("0.3.0", BLOCKED, 0)
    made = registry(at(1, blocked))
    assert made.taken_back(blocked) is None
    assert made.taken_back(plugin(LEDGER, id="org.example.other")) is None


@pytest.mark.parametrize(
    ("replaced", "by"),
    [
        (release("1.2.0", content_hash=release("1.9.9").content_hash, signed_at=NOW_S + 1), 0),
        (release("1.2.0", content_hash=release("1.9.9").content_hash), 0),
        (release("1.2.0", content_hash=release("1.9.9").content_hash, signed_at=NOW_S - 1), None),
        (release("1.2.0", signed_at=NOW_S + 1), None),
        (release("1.2.0", Channel.BETA, content_hash=release("1.9.9").content_hash, signed_at=NOW_S + 1), None),
        (release("1.3.0", signed_at=NOW_S + 1), None),
    ],
)
def test_an_update_is_taken_back_by_another_file_of_its_version_and_channel(replaced: Update, by: int | None) -> None:
    found = registry(at(0, replaced)).taken_back(release("1.2.0"))
    assert (found.index if found else None) == by


def test_an_update_that_was_replaced_by_its_own_file_again_holds() -> None:
    other = release("1.2.0", content_hash=release("1.9.9").content_hash, signed_at=NOW_S + 1)
    made = registry(at(0, release("1.2.0")), at(1, other), at(2, release("1.2.0", signed_at=NOW_S + 2)))
    assert made.taken_back(release("1.2.0")) is None


def test_a_plugin_has_its_newest_entry_and_all_its_history() -> None:
    made = registry(
        at(1, plugin(LEDGER, version="0.1.0", updated_at=NOW_S)),
        at(2, plugin(LEDGER, version="0.2.0", updated_at=NOW_S + 5)),
        at(3, plugin(LEDGER, id="org.example.other")),
        at(4, plugin(LEDGER, version="0.2.0", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 9)),
    )
    assert [each.index for each in made.plugin("org.example.mining")] == [1, 2, 4]
    assert [each.index for each in made.plugins()] == [4, 3]
    assert [each.index for each in made.plugins(status=AuditStatus.BLOCKED)] == [4]
    assert [each.index for each in made.plugins(status=AuditStatus.PASS)] == [3]
    assert [each.index for each in made.plugins(category=Category.UTILITY, text="MINING Ledger")] == [4, 3]
    assert list(made.plugins(category=Category.UI)) == list(made.plugins(text="nothing has this")) == []
    assert made.plugin("org.example.none") == []


def test_who_holds_the_log_alone_brings_no_blocked_plugin_back() -> None:
    passed, blocked = plugin(LEDGER), plugin(LEDGER, audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 1)
    for order in ([passed, blocked, passed], [blocked, passed], [passed, passed, blocked, passed]):
        made = registry(*(at(index, each) for index, each in enumerate(order)))
        held = made.plugin("org.example.mining")[-1].said.statement
        assert held.audit_status is AuditStatus.BLOCKED, order  # type: ignore[union-attr]
    assert len(made.plugin("org.example.mining")) == 2, "the same statement is one, however often it stands there"


MADE = [
    *(at(n, release(f"1.{n}.0", signed_at=NOW_S + n)) for n in range(4)),
    *(at(4 + n, plugin(LEDGER, version=f"0.{n}.0", updated_at=NOW_S + n)) for n in range(4)),
]


@given(st.permutations(MADE), st.lists(st.sampled_from(MADE)))
def test_what_holds_is_the_same_in_every_order_and_however_often_it_is_entered(
    order: list[Registered], more: list[Registered]
) -> None:
    made, straight = registry(*order, *more), registry(*MADE)
    assert made.updates() == straight.updates()
    assert made.plugin("org.example.mining") == straight.plugin("org.example.mining")


def counting(index: int, downloads: int, log: bytes = LOG) -> Counted:
    return Counted(log, index, PluginCounted("org.example.mining", downloads, 0, 0, NOW_S))


def test_a_log_s_last_count_holds_unless_it_stands_beyond_the_log_s_end() -> None:
    head = {LOG: Final(5, some("root"))}
    closing = signed(issuing.revocation(FIRST.statement, SERVER.key.public, head, NOW_S), *ROOTS[:2])
    for last, manifests, found in (
        (4, (FIRST,), 9), (4, (FIRST, closing), 9), (5, (FIRST,), 9), (5, (FIRST, closing), None),
    ):  # fmt: skip
        made = registry(manifests=manifests)
        made.count(counting(3, 8))
        made.count(counting(last, 9))
        made.count(counting(last - 1, 10))
        counts = made.counts("org.example.mining")
        assert (counts.downloads if counts else None) == found, (last, len(manifests))


def test_in_the_next_log_the_author_counts_anew_what_a_thief_spoiled() -> None:
    later = Server("later")
    listed = signed(issuing.following(FIRST.statement, NOW_S, logs=[later.log]), *ROOTS[:2])
    made = registry(manifests=(FIRST, listed))
    made.count(counting(1, 2**53 - 1))
    made.count(counting(2, 5))
    made.count(counting(1, 7, some("a log that nobody listed")))
    assert made.counts("org.example.mining") == counting(1, 2**53 - 1).said
    made.count(counting(1, 6, later.own.head.log))
    assert made.counts("org.example.mining") == counting(1, 6).said
