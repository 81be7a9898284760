"""Doubt: a log that may be written elsewhere is left for a new one, and a fork is noticed with proof."""

import shutil
from pathlib import Path

import pytest

from scmanager.application.desk import ClockBehind
from scmanager.domain.catalogue import MEMBERS, ORGANISATIONS
from scmanager.eventstore.fork import ForkProof
from scmanager.eventstore.log_copy import copy_of, verify_copy
from scmanager.runtime import Node
from scmanager.spaces.clock import ClockSlow
from tests.support.machines import Machine, carry, found, let_in, officer_role
from tests.support.space_files import read_whole


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


@pytest.fixture
def bob(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "bob")


def own_logs(node: Node, space: bytes) -> list[bytes]:
    return [head.log for head in node.store.heads(space) if head.log in node.vault.logs_of(space)]


def test_entries_admitted_beside_a_command_are_taken_in_before_it(ada: Machine, bob: Machine) -> None:
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        log = guest.request(host.invitation(space, b"m" * 16)).log
        head = next(head for head in guest.store.heads(space) if head.log == log)
        host.store.admit(verify_copy(copy_of(guest.store, head)))  # As an import does, before the shelf follows.
        host.do("organisation.rename", space, {"title": "Meanwhile"})
        assert host.shelf.space(space).first_entry(log) is not None
        assert host.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Meanwhile"
        host.shelf.follow()
        assert len(list(host.shelf.space(space).things(MEMBERS))) == 1


def test_a_log_dated_far_ahead_is_left_for_good(ada: Machine) -> None:
    with ada.open() as node:
        space = found(node)
    ada.clock.ahead_s = 400 * 24 * 3600
    with ada.open() as node:
        node.do("organisation.rename", space, {"title": "Far ahead"})
    ada.clock.ahead_s = 0
    with ada.open() as node:
        node.do("organisation.rename", space, {"title": "Now"})
        assert node.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Now"
        assert len(own_logs(node, space)) == 2
    with ada.open() as node:
        node.do("organisation.rename", space, {"title": "Still here"})
        assert len(own_logs(node, space)) == 2


def test_a_clock_set_back_while_the_node_runs_stops_writing(ada: Machine) -> None:
    ada.clock.ahead_s = 10 * 24 * 3600
    with ada.open() as node:
        space = found(node)
        ada.clock.ahead_s = 0
        before = node.store.last_pos()
        with pytest.raises(ClockBehind):
            node.do("organisation.rename", space, {"title": "Yesterday"})
        assert node.store.last_pos() == before


def test_entries_held_for_the_clock_count_when_their_time_has_come(ada: Machine) -> None:
    ada.clock.ahead_s = 10 * 24 * 3600
    with ada.open() as node:
        space = found(node)
    ada.clock.ahead_s = 0
    with ada.open() as node:
        assert node.shelf.space(space).waiting[0] > 0
        with pytest.raises(ClockSlow):
            node.do("organisation.rename", space, {"title": "Too early"})
        ada.clock.ahead_s = 10 * 24 * 3600
        node.do("organisation.rename", space, {"title": "In time"})
        assert node.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "In time"


def test_a_log_in_a_copied_folder_stays_unwritten_when_its_grant_comes_later(
    ada: Machine, bob: Machine, tmp_path: Path
) -> None:
    """A request was pending when the folder was copied: neither the copy nor a third start may sign on that log."""
    copy = tmp_path / "copy"
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        role = officer_role(host, space)
        member = bytes.fromhex(host.do("member.invite", space, {})["member"])
        request = guest.request(host.invitation(space, member))
        host.take_request(request)
        arguments = {"member_id": member, "role_id": role, "log": request.log, "device": request.device}
        host.do("member.grant", space, arguments | {"box": request.box})
        guest.close()
        shutil.copytree(bob.settings.data, copy)
        with bob.open(copy) as twin:
            assert twin.doubt is not None
        with bob.open(copy) as twin:
            assert twin.doubt is None
            carry(host, twin, space, tmp_path)
            twin.do("member.join", space, {"handle": "guest"})
            size = {head.log: head.size for head in twin.store.heads(space)}
            assert size[request.log] == 1
            assert len(own_logs(twin, space)) == 2
            carry(twin, host, space, tmp_path)
            assert all(verdict.valid for verdict in host.shelf.space(space).verdicts.entries.values())


def test_heads_that_left_are_remembered_even_if_the_node_is_killed(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as node:
        space = found(node)
    backup = (ada.settings.data / "events.db").read_bytes()
    node = ada.open()
    node.do("organisation.rename", space, {"title": "Left the machine"})
    node.export_space(space, tmp_path / "out.scm")
    node.writer.stop()  # As a kill does: nothing is remembered any more.
    node.vault.close()
    node.store.close()
    node._lock.release()
    (ada.settings.data / "events.db").write_bytes(backup)
    with ada.open() as node:
        assert node.doubt is not None


def forked(ada: Machine, tmp_path: Path, entries: int = 1) -> tuple[bytes, Path]:
    """A machine rolled back whole, state folder included, wrote another entry at the same place."""
    with ada.open() as node:
        space = found(node)
    backup = (ada.settings.data / "events.db").read_bytes()
    mark = {path: path.read_bytes() for path in ada.settings.state.glob("*.mark")}
    with ada.open() as node:
        for n in range(entries):
            node.do("organisation.rename", space, {"title": f"First history {n}"})
        node.export_space(space, tmp_path / "first.scm")
    (ada.settings.data / "events.db").write_bytes(backup)
    for path, raw in mark.items():
        path.write_bytes(raw)
    return space, tmp_path / "first.scm"


def test_a_log_that_turns_out_forked_is_left_at_once_and_the_fork_is_proven(ada: Machine, tmp_path: Path) -> None:
    space, first = forked(ada, tmp_path)
    with ada.open() as node:
        assert node.doubt is None  # Nobody can see it from here.
        node.do("organisation.rename", space, {"title": "Second history"})
        assert node.forks(space) == []
        node.import_space(read_whole(first))
        sizes = {(head.log, head.branch): head.size for head in node.store.heads(space)}
        node.do("organisation.rename", space, {"title": "Settled"})
        after = {(head.log, head.branch): head.size for head in node.store.heads(space)}
        assert all(after[place] == size for place, size in sizes.items() if place[0] == space)
        assert node.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Settled"
        (alarm,) = node.forks(space)
        assert alarm.log == space
        ForkProof.parse(alarm.proof).verify(node.shelf.space(space).public(space))


def test_a_node_killed_amid_an_import_does_not_take_what_came_for_its_own_newest(
    ada: Machine, tmp_path: Path
) -> None:
    space, first = forked(ada, tmp_path)
    node = ada.open()

    def killed() -> None:
        raise KeyboardInterrupt

    node.writer.forget_seats = killed  # type: ignore[method-assign]  # the first thing after the entries are stored
    with pytest.raises(KeyboardInterrupt):
        node.import_space(read_whole(first))
    node.writer.stop()
    node.vault.close()
    node.store.close()
    node._lock.release()
    with ada.open() as node:
        before = {head.log: head.size for head in node.store.heads(space)}
        node.do("organisation.rename", space, {"title": "Elsewhere"})
        assert next(head.size for head in node.store.heads(space) if head.log == space) == before[space]


def lost(ada: Machine, node: Node, space: bytes, tmp_path: Path) -> None:
    """The event store is gone; what is left is the folder's keys, and a file that was exported before."""
    node.export_space(space, tmp_path / "saved.scm")
    node.close()
    for file in ada.settings.data.glob("events.db*"):
        file.unlink()


def test_a_command_that_was_done_in_a_log_that_came_back_as_a_file_is_not_done_again(
    ada: Machine, tmp_path: Path
) -> None:
    node = ada.open()
    founded = node.found_organisation("Nova", "", "ada", command_id=b"f" * 16)
    space = bytes.fromhex(founded["space"])
    first = node.do("member.record", space, {"handle": "grace"}, b"c" * 16)
    lost(ada, node, space, tmp_path)
    with ada.open() as node:
        node.import_space(read_whole(tmp_path / "saved.scm"))
        before = node.store.last_pos()
        again = node.do("member.record", space, {"handle": "grace"}, b"c" * 16)
        assert {name: again[name] for name in first} == first
        assert [node.shelf.space(space).opened(bytes.fromhex(each)) is not None for each in again["recorded"]] == [
            True
        ] * len(again["recorded"])
        assert again["recorded"]
        refounded = node.found_organisation("Nova", "", "ada", command_id=b"f" * 16)
        assert (refounded["space"], refounded["organisation"]) == (founded["space"], founded["organisation"])
        assert node.store.last_pos() == before
        other = node.do("member.record", space, {"handle": "alan"}, b"d" * 16)
        assert node.do("member.record", space, {"handle": "alan"}, b"d" * 16) == other
        assert "recorded" not in other
    with ada.open() as node:
        assert node.do("member.record", space, {"handle": "grace"}, b"c" * 16) == again
        assert len(list(node.shelf.space(space).things(MEMBERS))) == 3


def test_what_another_says_under_a_commands_id_is_not_taken_for_ones_own(
    ada: Machine, bob: Machine, tmp_path: Path
) -> None:
    with bob.open() as guest:
        node = ada.open()
        space = found(node)
        let_in(node, guest, space, officer_role(node, space), tmp_path)
        guest.do("member.invite", space, {}, b"c" * 16)
        carry(guest, node, space, tmp_path)
        lost(ada, node, space, tmp_path)
        with ada.open() as node:
            node.import_space(read_whole(tmp_path / "saved.scm"))
            known = len(list(node.shelf.space(space).things(MEMBERS)))
            assert "recorded" not in node.do("member.record", space, {"handle": "grace"}, b"c" * 16)
            assert len(list(node.shelf.space(space).things(MEMBERS))) == known + 1


def test_a_log_that_others_know_longer_is_left_at_once(ada: Machine, tmp_path: Path) -> None:
    space, first = forked(ada, tmp_path)
    with ada.open() as node:
        node.import_space(read_whole(first))
        node.do("organisation.rename", space, {"title": "Elsewhere"})
        assert node.forks(space) == []
        assert len(own_logs(node, space)) == 2
    with ada.open() as node:
        node.do("member.record", space, {"handle": "grace"})
        assert len(own_logs(node, space)) == 2
        assert all(verdict.valid for verdict in node.shelf.space(space).verdicts.entries.values())
