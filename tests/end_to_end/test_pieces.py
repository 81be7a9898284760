"""Logs that come without their beginning: they wait, count for nothing, and come in when the gap is filled."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.adapters.space_reading import SpaceFile
from scmanager.application.erasure import Erasures
from scmanager.application.exchange import FoundingMissing
from scmanager.application.pieces import OtherSpace, RunGone, pending_hint
from scmanager.domain.catalogue import ORGANISATIONS
from scmanager.eventstore import entry
from scmanager.eventstore.filling import gaps
from scmanager.eventstore.log_copy import LogCopy
from scmanager.eventstore.pending import Bounds, PendingFull
from scmanager.eventstore.verification import NoteMismatch, SignedNote
from scmanager.exchanging import Exchange
from scmanager.runtime import Node
from scmanager.serving import Serving
from tests.support.gapped import piece_of, size_of, write_pieces
from tests.support.machines import Machine, carry, found, let_in, officer_role
from tests.support.space_files import read_whole
from tests.support.stores import run_of


class Two:
    """Ada's organisation, and Bob who is in it: each holds all of the other's log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = Machine(folder, "bob")
        self.ada_machine = Machine(folder, "ada")
        self.ada, self.bob = self.ada_machine.open(), self.machine.open()
        self.space = found(self.ada)
        self.member = let_in(self.ada, self.bob, self.space, officer_role(self.ada, self.space), folder)
        carry(self.bob, self.ada, self.space, folder)
        self.known = size_of(self.ada, self.space)

    def rename(self, *titles: str) -> None:
        for title in titles:
            self.ada.do("organisation.rename", self.space, {"title": title})

    def pieces(self, first: int) -> SpaceFile:
        """Ada's log from `first` on."""
        return write_pieces(self.ada, self.space, {self.space: first}, self.folder / "piece.scm")

    def seen(self, node: Node) -> tuple[Any, ...]:
        """What a node makes of the space."""
        held = node.shelf.space(self.space)
        title = held.state(ORGANISATIONS, self.space[:16]).title
        counted = sorted((each.entry.id32, held.verdict(each.entry.id32).valid) for each in held.entries())
        return held.frontier(), counted, title, node.store.last_pos(), held.named_keys()


def at_once(*acts: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    made = Two(tmp_path)
    yield made
    made.ada.close()
    made.bob.close()


def test_what_comes_without_its_beginning_waits_counts_for_nothing_and_comes_in_once(two: Two) -> None:
    two.rename("One", "Two", "Three")
    before = two.seen(two.bob)
    brought = two.bob.import_space(two.pieces(two.known + 1))
    assert (brought.logs, brought.entries, brought.dropped) == (1, 0, ())
    assert two.seen(two.bob) == before
    (gap,) = gaps(two.bob.store, two.space)
    assert (gap.run.first, gap.run.entries, gap.missing) == (two.known + 1, 2, two.known)
    assert two.bob.import_space(two.pieces(two.known + 1)).entries == 0
    carry(two.ada, two.bob, two.space, two.folder)
    assert gaps(two.bob.store) == []
    assert two.seen(two.bob) == two.seen(two.ada)


def test_the_piece_that_was_missing_is_enough(two: Two) -> None:
    two.rename("One")
    late = two.pieces(two.known)
    two.rename("Two", "Three")
    two.bob.import_space(two.pieces(two.known + 1))
    assert two.bob.import_space(late).entries == 3
    assert two.seen(two.bob) == two.seen(two.ada)


def test_two_pieces_in_one_file_find_each_other(two: Two) -> None:
    two.rename("One")
    one = two.pieces(two.known).logs
    two.rename("Two")
    both = SpaceFile(two.space, (*two.pieces(two.known + 1).logs, *one), None)
    assert two.bob.import_space(both).entries == 2
    assert two.seen(two.bob) == two.seen(two.ada)


def test_what_waits_survives_a_restart_and_a_gap_that_was_filled_just_before_it(two: Two) -> None:
    two.rename("One", "Two")
    two.bob.import_space(two.pieces(two.known + 1))
    two.bob.close()
    two.bob = two.machine.open()
    assert len(gaps(two.bob.store)) == 1
    whole = run_of(two.ada.store, two.space)
    two.bob.store.admit(whole)  # ... and the process ends before what waited is let go.
    two.bob.close()
    two.bob = two.machine.open()
    assert gaps(two.bob.store) == []
    assert two.seen(two.bob)[2] == "Two"


def test_a_log_that_nothing_here_speaks_of_may_not_wait(two: Two, tmp_path: Path) -> None:
    other = Machine(tmp_path, "eve")
    with other.open() as eve:
        theirs = found(eve, "Elsewhere", "eve")
        eve.do("organisation.rename", theirs, {"title": "Elsewhere 2"})
        strange = write_pieces(eve, theirs, {theirs: 1}, tmp_path / "strange.scm").logs
    assert two.bob.import_space(SpaceFile(two.space, strange, None)).logs == 0
    assert gaps(two.bob.store) == []
    with pytest.raises(FoundingMissing):
        two.bob.import_space(SpaceFile(theirs, strange, None))
    with other.open() as eve:
        carry(eve, two.bob, theirs, tmp_path)
    with pytest.raises(OtherSpace):
        two.bob.import_space(SpaceFile(two.space, strange, None))


def test_a_piece_that_the_log_never_signed_changes_nothing(two: Two) -> None:
    two.rename("One", "Two")
    (copy,) = two.pieces(two.known + 1).logs
    forged = LogCopy(copy.entries, copy.held, SignedNote(copy.note.size, copy.note.root, bytes(64)))
    before = two.seen(two.bob)
    with pytest.raises(NoteMismatch):
        two.bob.import_space(SpaceFile(two.space, (forged,), None))
    assert gaps(two.bob.store) == []
    assert two.seen(two.bob) == before


def test_a_piece_that_proves_wrong_when_the_gap_is_filled_is_dropped_and_named(two: Two) -> None:
    two.rename("One", "Two")
    two.bob.import_space(two.pieces(two.known + 1))
    (run,) = two.bob.store.pending.waiting()
    kept = two.bob.store.pending.run(run.number)
    assert kept is not None
    two.bob.store.pending.release(run.number)
    note = two.ada.store.note(two.space, 0, two.known + 1)  # Of the same key, over something else.
    assert note is not None
    two.bob.store.pending.keep(msgspec.structs.replace(kept, note=SignedNote(run.note.size, note.root, bytes(64))))
    two.ada.export_space(two.space, two.folder / "whole.scm")
    told = Exchange(two.bob).import_space(two.folder / "whole.scm")
    (dropped,) = told["dropped"]
    assert (dropped["code"], dropped["from"], dropped["to"]) == ("note-mismatch", two.known + 1, two.known + 1)
    assert told["pending"] == []
    assert two.seen(two.bob) == two.seen(two.ada)


def test_what_is_dropped_while_a_node_opens_is_told_until_somebody_strikes_it_off(two: Two) -> None:
    two.rename("One", "Two")
    two.bob.import_space(two.pieces(two.known + 1))
    (run,) = two.bob.store.pending.waiting()
    kept = two.bob.store.pending.run(run.number)
    assert kept is not None
    two.bob.store.pending.release(run.number)
    two.bob.store.pending.keep(msgspec.structs.replace(kept, note=SignedNote(run.note.size, bytes(32), bytes(64))))
    two.bob.store.admit(run_of(two.ada.store, two.space))
    assert "wait for earlier ones" in pending_hint(two.bob.store)
    for _ in range(2):
        two.bob.close()
        two.bob = two.machine.open()
    told = Exchange(two.bob).pending(two.space)
    (row,) = told["dropped"]
    assert (row["code"], row["from"], row["to"], told["waiting"]) == (
        "note-mismatch", two.known + 1, two.known + 1, [],
    )  # fmt: skip
    health = {each.name: each for each in Serving(two.bob).health()}
    assert health["pending"].ok
    assert health["pending"].detail == "1 runs that waited proved to be none of their logs, and were dropped"
    assert Exchange(two.bob).discard(two.space, row["number"]) == 0
    assert pending_hint(two.bob.store) == ""


def test_a_run_that_never_comes_in_is_let_go_by_hand_and_may_come_again(two: Two, tmp_path: Path) -> None:
    two.rename("One", "Two")
    two.bob.import_space(two.pieces(two.known + 1))
    (row,) = Exchange(two.bob).pending(two.space)["waiting"]
    assert (row["why"], row["bytes"] > 0) == (f"entry {two.known} is missing", True)
    assert abs(row["since_s"] - two.machine.clock() // 1_000_000) < 60
    with Machine(tmp_path, "eve").open() as eve:
        other = found(eve, "Elsewhere", "eve")
        carry(eve, two.bob, other, tmp_path)
    for space, number in ((two.space, row["number"] + 1), (other, row["number"])):
        with pytest.raises(RunGone):
            Exchange(two.bob).discard(space, number)
    before = two.seen(two.bob)
    assert Exchange(two.bob).discard(two.space, row["number"]) == 0
    with pytest.raises(RunGone):
        Exchange(two.bob).discard(two.space, row["number"])
    assert two.seen(two.bob) == before
    two.bob.import_space(two.pieces(two.known + 1))
    carry(two.ada, two.bob, two.space, two.folder)
    assert gaps(two.bob.store) == []
    assert two.seen(two.bob)[:3] == two.seen(two.ada)[:3]


def test_a_run_that_comes_in_while_it_is_let_go_counts_or_comes_again_and_is_never_half_there(two: Two) -> None:
    two.rename("One", "Two")
    late, piece = two.pieces(two.known), two.pieces(two.known + 1)
    two.bob.import_space(piece)
    (row,) = Exchange(two.bob).pending(two.space)["waiting"]

    def let_go() -> None:
        with suppress(RunGone):  # It came in first.
            Exchange(two.bob).discard(two.space, row["number"])

    at_once(let_go, lambda: two.bob.import_space(late))
    assert gaps(two.bob.store) == []
    assert two.seen(two.bob) == two.seen(two.ada)  # `late` holds all of it, whichever of the two was first.


def test_where_there_is_no_room_the_import_says_pause_and_nothing_is_lost(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.rename("One", "Two", "Three")
    keep = two.bob.store.pending.keep
    monkeypatch.setattr(two.bob.store.pending, "keep", lambda run, _: keep(run, Bounds(log_entries=1)))
    with pytest.raises(PendingFull, match="2 more entries"):
        two.bob.import_space(two.pieces(two.known + 1))
    assert gaps(two.bob.store) == []
    carry(two.ada, two.bob, two.space, two.folder)
    assert two.seen(two.bob) == two.seen(two.ada)


def test_an_erasure_reaches_the_words_that_wait(two: Two) -> None:
    log = next(head.log for head in two.ada.store.heads(two.space) if head.log != two.space)
    known = size_of(two.ada, log)
    for name in ("One", "Two"):
        two.bob.do(
            "member.change-profile", two.space, {"member_id": two.member, "handle": "guest", "display_name": name}
        )
    two.ada.import_space(write_pieces(two.bob, two.space, {log: known + 1}, two.folder / "piece.scm"))
    assert len(gaps(two.ada.store)) == 1
    assert two.ada.store.pending.keys(two.space)
    two.ada.do("member.erase", two.space, {"member_id": two.member})
    clock = two.ada_machine.clock
    erasures = Erasures(two.ada.store, two.ada.shelf, two.ada.vault, {}, lambda: clock() // 1_000_000)
    erasures.run()
    assert two.ada.store.pending.keys(two.space)
    assert clock.daily(erasures.run, 7) == [0, 0, 0, 0, 0, 0, 1]
    assert two.ada.store.pending.keys(two.space) == set()
    clock.ahead_s = 0
    two.ada.import_space(write_pieces(two.bob, two.space, {log: known}, two.folder / "piece.scm"))
    assert gaps(two.ada.store) == []
    assert size_of(two.ada, log) == size_of(two.bob, log)


def test_words_that_were_erased_here_do_not_wait(two: Two) -> None:
    log = next(head.log for head in two.ada.store.heads(two.space) if head.log != two.space)
    known = size_of(two.ada, log)
    for name in ("One", "Two"):
        two.bob.do(
            "member.change-profile", two.space, {"member_id": two.member, "handle": "guest", "display_name": name}
        )
    piece = write_pieces(two.bob, two.space, {log: known + 1}, two.folder / "piece.scm")
    two.ada.vault.erase({ref.key for data in piece.logs[0].entries for ref in entry.parse(data).parts[1:]})
    two.ada.import_space(piece)
    assert len(gaps(two.ada.store)) == 1
    assert two.ada.store.pending.keys(two.space) == set()


def test_a_signed_piece_of_ones_own_log_that_is_not_here_is_a_reason_for_doubt(two: Two) -> None:
    """The folder was put back: others hold more of this log than its writer, if not yet what lies between."""
    two.ada.close()
    backup = (two.ada_machine.settings.data / "events.db").read_bytes()
    marks = {path: path.read_bytes() for path in two.ada_machine.settings.state.glob("*.mark")}
    two.ada = two.ada_machine.open()
    two.rename("One", "Two")
    piece = SpaceFile(two.space, (piece_of(two.ada, two.space, two.known + 1),), None)
    two.ada.close()
    (two.ada_machine.settings.data / "events.db").write_bytes(backup)
    for path, raw in marks.items():
        path.write_bytes(raw)
    two.ada = two.ada_machine.open()
    assert two.ada.doubt is None
    two.ada.import_space(piece)
    two.rename("Another")
    assert size_of(two.ada, two.space) == two.known
    assert two.seen(two.ada)[2] == "Another"


def test_a_file_with_a_piece_reads_back_as_it_was_written(two: Two) -> None:
    two.rename("One", "Two")
    read = two.pieces(two.known + 1)
    assert read.logs[0].entries == piece_of(two.ada, two.space, two.known + 1).entries
    two.ada.export_space(two.space, two.folder / "whole.scm")
    assert len(read_whole(two.folder / "whole.scm").logs) == 2
