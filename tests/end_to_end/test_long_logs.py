"""Long logs travel in several runs, each cut where it was signed, and come to the same."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from scmanager.adapters.space_reading import SpaceFile, read_space
from scmanager.errors import Untrusted
from scmanager.eventstore import log_copy
from scmanager.eventstore.log_copy import LogCopy
from scmanager.runtime import Node
from tests.end_to_end.test_doubt import forked
from tests.support.machines import Machine, carry, found, let_in, officer_role


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


@pytest.fixture
def bob(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "bob")


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_copy, "ENTRIES_A_RUN", 3)


def grown(host: Node, renames: int = 9) -> bytes:
    space = found(host)
    for number in range(renames):
        host.do("organisation.rename", space, {"title": f"Nova {number}"})
    return space


def exported(node: Node, space: bytes, path: Path) -> SpaceFile:
    node.export_space(space, path)
    return read_space(path)


def held(node: Node, space: bytes) -> tuple[object, ...]:
    heads = sorted((head.log, head.branch, head.size, head.id) for head in node.store.heads(space))
    return heads, node.shelf.space(space).frontier()


def test_a_log_in_several_runs_comes_in_whole_with_its_notes(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as host, bob.open() as guest:
        space = grown(host)
        let_in(host, guest, space, officer_role(host, space), tmp_path)
        carry(guest, host, space, tmp_path)
        sizes = [len(copy.entries) for copy in exported(host, space, tmp_path / "x.scm").logs]
        assert len(sizes) >= 4
        assert max(sizes) < host.store.heads(space)[0].size
        grown_again = host.do("organisation.rename", space, {"title": "Nova, grown"})
        assert grown_again
        told = carry(host, guest, space, tmp_path)
        assert (told.logs, told.entries, told.dropped) == (2, 1, ())
        assert held(guest, space) == held(host, space)
        assert guest.store.note(space, 0, sizes[0]) == host.store.note(space, 0, sizes[0])
        assert carry(host, guest, space, tmp_path).entries == 0


def test_both_histories_of_a_fork_travel_in_several_runs(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    space, first = forked(ada, tmp_path, entries=9)
    with ada.open() as host, bob.open() as guest:
        for number in range(9):
            host.do("organisation.rename", space, {"title": f"Second history {number}"})
        host.import_space(read_space(first))
        sizes = [len(copy.entries) for copy in exported(host, space, tmp_path / "x.scm").logs]
        assert (
            max(sizes) <= 6
        )  # Of the second history too: where it is the first's as well, the first's notes cut it.
        carry(host, guest, space, tmp_path)
        assert [len(guest.forks(space)), len(host.forks(space))] == [1, 1]
        assert held(guest, space)[0] == held(host, space)[0]


def test_when_a_later_run_is_not_what_was_signed_nothing_of_the_file_comes_in(
    ada: Machine, bob: Machine, tmp_path: Path
) -> None:
    with ada.open() as host, bob.open() as guest:
        space = grown(host)
        read = exported(host, space, tmp_path / "x.scm")
        logs = list(read.logs)
        last = logs[-1]
        for wrong in (
            LogCopy(last.entries, last.held, replace(last.note, root=bytes(32))),
            LogCopy(last.entries, last.held, replace(last.note, signature=bytes(64))),
            LogCopy(last.entries, [{0: b"other"}, *last.held[1:]], last.note),
        ):
            with pytest.raises(Untrusted):
                guest.import_space(SpaceFile(space, [*logs[:-1], wrong], None))
            assert guest.store.last_pos() == 0
            assert guest.store.pending.room() == (0, 0)


def test_who_is_introduced_in_a_later_run_comes_in_with_the_same_file(
    ada: Machine, bob: Machine, tmp_path: Path
) -> None:
    with ada.open() as host, bob.open() as guest:
        space = grown(host)
        let_in(host, guest, space, officer_role(host, space), tmp_path)
        carry(guest, host, space, tmp_path)
        with Machine(tmp_path, "mirror").open() as mirror:
            assert carry(host, mirror, space, tmp_path).logs == 2
            assert held(mirror, space) == held(host, space)


def test_runs_out_of_order_find_each_other(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as host, bob.open() as guest:
        space = grown(host)
        logs = list(exported(host, space, tmp_path / "x.scm").logs)
        guest.import_space(SpaceFile(space, [*reversed(logs)], None))
        assert held(guest, space) == held(host, space)
        assert guest.store.pending.room() == (0, 0)
