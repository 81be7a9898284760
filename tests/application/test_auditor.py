"""The auditor on a real folder: what is noted is in the log or in the spool, whatever happens to the node."""

import contextlib
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.audit_spool import FILES_MAX, FOLDER, AuditNoteDamaged, AuditSpool, parse_note
from scmanager.application.audit_tally import COMMON_TYPE_MAX, WINDOW_S, Cause
from scmanager.auditing import actor_failed, audited, auditor_of, leave
from scmanager.domain.audit_types import AuditType, Severity
from scmanager.eventstore.store import StoreDamaged
from scmanager.serving import DatabaseAway
from tests.support.audit_list import listed
from tests.support.effort import examples
from tests.support.forked import unmeasured
from tests.support.machines import Machine

TOKEN = AuditType.PERMISSION_VIOLATION
NOW_S = 1_800_000_000


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


def made(code: str = "token-wrong", source: str = "a", at_s: int = NOW_S, count: int = 1) -> Cause:
    return Cause(secrets.token_bytes(16), TOKEN, code, source, "", at_s, at_s, count)


def spool(machine: Machine) -> AuditSpool:
    return AuditSpool(machine.settings.data)


def test_the_first_is_recorded_at_once_and_the_rest_when_the_window_is_over(ada: Machine) -> None:
    with ada.open() as node:
        node.personal_space()
        auditor = auditor_of(node)
        for _ in range(5):
            auditor.note(TOKEN, "token-wrong", "a")
            auditor.work()
        assert [each.series.count for each in listed(node)] == [1]
        ada.clock.ahead_s = WINDOW_S
        auditor.work()
        assert [(each.series.count, each.series.tells) for each in listed(node)] == [(5, 1)]
        auditor.note(TOKEN, "token-wrong", "a")
        auditor.work()
        assert len(listed(node)) == 2


def test_a_flood_from_everywhere_writes_a_bounded_number_of_entries_and_says_how_much_is_not_listed(
    ada: Machine,
) -> None:
    with ada.open() as node:
        node.personal_space()
        auditor, before = auditor_of(node), node.store.last_pos()
        for number in range(20_000):
            auditor.note(TOKEN, "host-foreign", f"evil-{number}.example")
            if number % 1_000 == 0:
                auditor.work()
        auditor.work(closing=True)
        assert node.store.last_pos() - before == COMMON_TYPE_MAX + 1
        found = [each.series for each in listed(node)]
        assert sum(each.count for each in found) == 20_000
        (rest,) = [each for each in found if not each.code]
        assert (rest.type, rest.count, rest.severity) == (TOKEN, 20_000 - COMMON_TYPE_MAX, Severity.WARNING)


def test_a_node_opened_again_goes_on_with_its_series_and_its_room(ada: Machine) -> None:
    for life in range(3):
        with ada.open() as node:
            node.personal_space()
            with audited(node) as note:
                for number in range(COMMON_TYPE_MAX + 5):
                    note(TOKEN, "host-foreign", f"evil-{number}.example")
            found = [each.series for each in listed(node) if each.series.code]
            assert len(found) == COMMON_TYPE_MAX
            assert {each.count for each in found} == {life + 1}


def test_without_a_space_of_ones_own_nothing_is_founded_and_nothing_lost(ada: Machine) -> None:
    with ada.open() as node, audited(node) as note:
        for _ in range(3):
            note(TOKEN, "token-wrong", "a", "once upon a time")
        assert node.shelf.spaces() == []
    (waits,) = spool(ada).waiting()
    assert (waits.count, waits.text) == (3, "once upon a time")
    with ada.open() as node:
        node.personal_space()
        with audited(node):
            ((series, detail),) = listed(node)
        assert (series.count, series.first_s, detail.text if detail else "") == (3, waits.first_s, waits.text)
    assert spool(ada).waiting() == []


def test_while_it_waits_a_note_that_goes_on_is_written_once_a_minute(ada: Machine) -> None:
    with ada.open() as node:
        auditor = auditor_of(node)
        for _ in range(10):
            auditor.note(TOKEN, "token-wrong", "a")
            auditor.work()
        assert [each.count for each in spool(ada).waiting()] == [1]
        ada.clock.ahead_s = 61
        auditor.work()
        assert [each.count for each in spool(ada).waiting()] == [10]


def test_the_spool_keeps_few_files_and_the_rest_is_told_by_a_number(ada: Machine) -> None:
    with ada.open() as node:
        auditor = auditor_of(node)
        for number in range(FILES_MAX * 2):
            auditor.note(TOKEN, "host-foreign", f"evil-{number}.example")
        auditor.work()
        assert len(list((ada.settings.data / FOLDER).iterdir())) == FILES_MAX
        assert auditor.dropped == FILES_MAX


def test_what_cannot_be_recorded_now_waits_and_raises_nothing_of_its_own(ada: Machine) -> None:
    with ada.open() as node:
        own = node.personal_space()
        auditor = auditor_of(node)
        before = node.store.last_pos()
        log = node.writer.seat_log(own)
        assert log is not None
        node.writer.doubtful.add(log)
        node.writer.forget_seats()
        for _ in range(3):
            auditor.note(TOKEN, "token-wrong", "a")
            auditor.work()
        assert node.store.last_pos() == before
        assert [(each.code, each.count) for each in spool(ada).waiting()] == [("token-wrong", 3)]
        node.writer.doubtful.clear()
        auditor.work()
        assert [(each.series.code, each.series.count) for each in listed(node)] == [("token-wrong", 3)]
        assert spool(ada).waiting() == []


def test_what_waits_and_cannot_be_recorded_goes_on_waiting(ada: Machine) -> None:
    leave(ada.settings.data, TOKEN, "token-wrong", "a")
    (waits,) = spool(ada).waiting()
    with ada.open() as node:
        log = node.writer.seat_log(node.personal_space())
        assert log is not None
        node.writer.doubtful.add(log)
        node.writer.forget_seats()
        for _ in range(2):
            auditor_of(node).work()
            assert spool(ada).waiting() == [waits]


def test_what_is_said_once_by_its_own_id_is_counted_once(ada: Machine) -> None:
    for _ in range(3):
        with ada.open() as node, audited(node) as note:
            note(AuditType.INTEGRITY_FAILURE, "fork-seen", "a", "", b"f" * 16)
    assert [each.count for each in spool(ada).waiting()] == [1]
    with ada.open() as node:
        node.personal_space()
        for _ in range(3):
            with audited(node) as note:
                note(AuditType.INTEGRITY_FAILURE, "fork-seen", "a", "", b"f" * 16)
        assert [each.series.count for each in listed(node)] == [1]


def test_noting_waits_for_nobody_while_the_writer_is_busy(ada: Machine) -> None:
    with ada.open() as node:
        node.personal_space()
        auditor = auditor_of(node)
        stop = threading.Event()
        worker = threading.Thread(target=auditor.run, args=(stop, lambda: None))
        with node.shelf.lock:  # Nobody decides anything meanwhile.
            worker.start()
            began = time.monotonic()
            for number in range(10_000):
                auditor.note(TOKEN, "host-foreign", str(number))
            assert time.monotonic() - began < 5
            assert auditor.note.size <= 300
        stop.set()
        worker.join(30)
        assert not worker.is_alive()
        assert sum(each.series.count for each in listed(node)) == 10_000


def test_what_the_store_refuses_to_say_is_kept_in_the_spool_and_told_to_the_caller(ada: Machine) -> None:
    with ada.open() as node:
        node.personal_space()
        auditor = auditor_of(node)
        auditor.note(TOKEN, "token-wrong", "a")
        node.store.close()
        with pytest.raises(Exception):  # noqa: B017 - whatever a closed store says
            auditor.work()
        assert [each.code for each in spool(ada).waiting()] == ["token-wrong"]


def test_the_supervisors_word_never_holds_a_message_and_the_audit_actor_is_not_audited(ada: Machine) -> None:
    with ada.open() as node:
        node.personal_space()
        with audited(node) as note:
            failed = actor_failed(note)
            failed("api", ConnectionError("secret words"))
            failed("read-models", StoreDamaged(reason="secret words"))
            failed("database", DatabaseAway())
            failed("audit", OSError("in here"))
        found = {each.series.code: each for each in listed(node)}
        assert set(found) == {"ConnectionError", "store-damaged", "database-away"}
        assert found["store-damaged"].series.type is AuditType.INTEGRITY_FAILURE
        assert "secret" not in repr(found)


KILLED = """
import os, sys
from pathlib import Path
from scmanager.auditing import auditor_of
from scmanager.config import Settings
from scmanager.domain.audit_types import AuditType
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.runtime import Node

node = Node(Settings(Path(sys.argv[1]), Path(sys.argv[2]), port=0))
auditor = auditor_of(node)
append, left = SqliteStore.append, int(sys.argv[4])
def die(*arguments, **named):
    global left
    left -= 1
    if left < 0 and sys.argv[3] == "before":
        os._exit(9)
    answer = append(*arguments, **named)
    if left < 0:
        os._exit(9)
    return answer
SqliteStore.append = die
for number in range(3):
    auditor.note(AuditType.PERMISSION_VIOLATION, "host-foreign", str(number))
    auditor.work()
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("commits", [0, 1, 2])
def test_what_is_acknowledged_as_noted_outlives_a_kill_and_what_waited_is_recorded_once(
    ada: Machine, moment: str, commits: int
) -> None:
    with ada.open() as node:
        node.personal_space()
    leave(ada.settings.data, TOKEN, "token-wrong", "waited")
    command = [sys.executable, "-c", KILLED, ada.settings.data, ada.settings.state, moment, str(commits)]
    ended = subprocess.run(
        [str(each) for each in command], check=False, capture_output=True, text=True, env=unmeasured()
    )
    assert ended.returncode == 9, ended.stderr
    acknowledged = ended.stdout.split()
    with ada.open() as node:
        with audited(node):
            pass
        sources = [each.detail.source for each in listed(node) if each.detail]
        assert set(acknowledged) <= set(sources)
        assert sources.count("waited") == 1
        assert all(each.series.count == 1 for each in listed(node) if each.detail and each.detail.source == "waited")
    assert spool(ada).waiting() == []


# The spool's files


def test_a_note_comes_back_as_it_was_left_and_like_ones_share_a_file(ada: Machine) -> None:
    first, second, other = made(), made(at_s=NOW_S + 99_999, count=2), made(source="b", at_s=NOW_S - 1)
    assert all(spool(ada).put(each) for each in (first, second, other))
    assert spool(ada).knows(made())
    whole = msgspec.structs.replace(first, count=3, last_s=NOW_S + 99_999)
    assert spool(ada).waiting() == [other, whole]
    spool(ada).forget(first)  # Something came to it since.
    assert len(spool(ada).waiting()) == 2
    spool(ada).forget(whole)
    assert spool(ada).waiting() == [other]


def test_a_damaged_note_is_removed_and_the_others_stay(ada: Machine) -> None:
    spool(ada).put(made())
    (path,) = (ada.settings.data / FOLDER).glob("*.json")
    path.with_name("0" * 32 + ".json").write_bytes(b"{")
    assert len(spool(ada).waiting()) == 1
    assert [each.name for each in (ada.settings.data / FOLDER).iterdir()] == [path.name]


def test_a_folder_that_is_a_file_keeps_nothing_and_fails_nobody(ada: Machine) -> None:
    (ada.settings.data / FOLDER).write_text("in the way")
    assert not spool(ada).put(made())
    assert spool(ada).waiting() == []
    leave(ada.settings.data, TOKEN, "token-wrong")


@given(
    st.one_of(
        st.binary(max_size=300),
        st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode),
    )
)
@settings(max_examples=examples(100))
def test_whatever_a_note_holds_it_is_read_or_refused_as_damaged(raw: bytes) -> None:
    with contextlib.suppress(AuditNoteDamaged):
        parse_note(raw)


@given(st.data())
@settings(max_examples=examples(60))
def test_a_note_with_any_field_out_of_bounds_is_refused(data: st.DataObject) -> None:
    whole = msgspec.to_builtins(made())
    field = data.draw(st.sampled_from(sorted(whole)))
    wild = data.draw(st.sampled_from([-1, 0.5, "x" * 2_000, "", None, [], 2**60, True]))
    try:
        one = parse_note(msgspec.json.encode(whole | {field: wild}))
    except AuditNoteDamaged:
        return
    assert len(one.text) <= 1_000
    assert len(one.source) <= 200
    assert one.count >= 1
    assert 0 <= one.first_s < 2**53
