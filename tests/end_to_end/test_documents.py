"""A briefing written by two machines, carried by files: nothing is lost, nothing is forged, nobody waits."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.application.desk import Desk, NotAllowed, Quoted
from scmanager.application.documents import KindElsewhere, NothingToUndo, ThingUnknown
from scmanager.application.writer import Command
from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.change_graph import ROOT
from scmanager.domain.document import BriefingChanged, DocumentTooLong, Kind, TakenIn, actor_of, salt_of, subject_of
from scmanager.domain.leaving import LeavingAbove, LeavingUnknown
from scmanager.domain.member import RemovalReason
from scmanager.domain.operation_rules import OperationUnknown
from scmanager.domain.words import WordsUnusable
from scmanager.runtime import Node
from scmanager.spaces.documents import ChangeUnknown, Place, Shown
from scmanager.spaces.personal import Absence
from scmanager.spaces.scribe import DocumentUnreadable, Told, Trouble
from tests.support.changes import Hand, counter, poison
from tests.support.machines import Machine, carry, found, let_in

BRIEFING = Kind.BRIEFING
SALT = salt_of(b"forged", b"")
LINES = "Meet at Everus.\nFly to Daymar.\nCome home.\n"


class Two:
    """Ada plans an operation, Bob may plan too; both have all there is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ada, self.bob = (Machine(folder, name).open() for name in ("ada", "bob"))
        self.space = found(self.ada)
        given = {"title": "Planner", "rank": 3, "rights": ("operation.plan",)}
        role = bytes.fromhex(self.ada.do("role.define", self.space, given)["role"])
        self.bob_member = let_in(self.ada, self.bob, self.space, role, folder)
        self.operation = self.plan("Jumptown")
        self.carry(self.bob, self.ada, self.bob)

    @property
    def actor(self) -> bytes:
        """One of Bob's, for what he forges."""
        return actor_of(self.bob_member, self.operation, BRIEFING, SALT)

    def plan(self, title: str) -> bytes:
        planned = self.ada.do("operation.plan", self.space, {"title": title, "starts_s": 10**9, "ends_s": 10**9 + 1})
        return bytes.fromhex(planned["operation"])

    def carry(self, *path: Node) -> None:
        for source, target in itertools.pairwise(path):
            carry(source, target, self.space, self.folder)

    def edit(self, node: Node, text: str, kind: Kind = BRIEFING, thing: bytes = b"", **more: Any) -> Any:
        given = {"thing_id": thing or self.operation, "kind": kind, "text": text}
        return node.do("document.edit", self.space, given | more)

    def undo(self, node: Node, **more: Any) -> Any:
        return node.do("document.undo", self.space, {"thing_id": self.operation, "kind": BRIEFING} | more)

    def leave_out(self, node: Node, **what: Any) -> Any:
        return node.do("document.leave-out", self.space, {"thing_id": self.operation, "kind": BRIEFING} | what)

    def take_in(self, node: Node, left: bytes) -> Any:
        return node.do("document.take-in", self.space, {"thing_id": self.operation, "kind": BRIEFING, "left": left})

    def at_once(self, *acts: tuple[Node, str, dict[str, Any]]) -> None:
        for node, verb, arguments in acts:
            node.do(verb, self.space, {"thing_id": self.operation, "kind": BRIEFING} | arguments)
        self.carry(self.ada, self.bob, self.ada)

    def place(self, thing: bytes = b"") -> Place:
        return Place(self.space, thing or self.operation, BRIEFING)

    def shown(self, node: Node, thing: bytes = b"") -> Shown:
        return node.documents.show(self.place(thing))

    def text(self, node: Node, thing: bytes = b"") -> str | None:
        return self.shown(node, thing).text

    def forge(self, node: Node, event: Any, data: bytes, thing: bytes = b"", subject: bytes = b"") -> None:
        """Record an event and bytes that no honest program would write, in one's own name."""
        entity, said = (
            thing or self.operation,
            Quoted(event, ((subject or subject_of(thing or self.operation, BRIEFING), data),)),
        )
        node.writer.do(
            Command(bytes(15) + bytes((node.store.last_pos() % 256,)), self.space, _recording(entity, said))
        )


def _recording(entity: bytes, said: Quoted) -> Any:
    def act(desk: Any) -> dict[str, Any]:
        desk.record(DOCUMENTS, entity, said)
        return {}

    return act


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    made = Two(tmp_path)
    yield made
    made.ada.close()
    made.bob.close()


def test_a_text_edited_offline_on_two_machines_merges_without_loss(two: Two) -> None:
    assert two.shown(two.ada) == Shown(heads=(ROOT,), absence=Absence.NONE)
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    assert two.text(two.bob) == LINES
    two.at_once(
        (two.ada, "document.edit", {"text": LINES.replace("Everus", "Everus Harbor")}),
        (two.bob, "document.edit", {"text": LINES + "Share the pay.\n"}),
    )
    merged = LINES.replace("Everus", "Everus Harbor") + "Share the pay.\n"
    assert two.text(two.ada) == two.text(two.bob) == merged
    assert two.shown(two.ada).heads == two.shown(two.bob).heads
    assert len(two.shown(two.ada).heads) == 2
    two.edit(two.bob, merged + "Again next week.\n")
    assert len(two.shown(two.bob).heads) == 1


def test_a_first_text_written_on_both_machines_at_once_is_one_text_with_both(two: Two) -> None:
    two.at_once(
        (two.ada, "document.edit", {"text": "By Ada.\n"}),
        (two.bob, "document.edit", {"text": "By Bob.\n"}),
    )
    assert two.text(two.ada) == two.text(two.bob)
    assert sorted((two.text(two.ada) or "").splitlines()) == ["By Ada.", "By Bob."]


def test_history_names_authors_and_earlier_texts_can_be_read_and_compared(two: Two) -> None:
    two.edit(two.ada, LINES)
    before = two.shown(two.ada).heads
    two.ada._clock.ahead_s += 60  # type: ignore[attr-defined] # the test's own clock
    moment = two.ada.now_us()
    two.carry(two.ada, two.bob)
    two.edit(two.bob, LINES.upper())
    two.carry(two.bob, two.ada)
    documents, place = two.ada.documents, two.place()
    assert [step.envelope.member for step in documents.history(place)] == [two.space[:16], two.bob_member]
    assert documents.text_at(place, before) == LINES
    assert documents.text_at(place, documents.heads_at(place, moment)) in (LINES, LINES.upper())
    assert documents.heads_at(place, 0) == (ROOT,)
    with pytest.raises(ChangeUnknown):
        documents.text_at(place, (bytes(32),))


def test_undo_takes_back_ones_own_last_change_or_a_named_one_and_keeps_what_came_after(two: Two) -> None:
    with pytest.raises(NothingToUndo):
        two.bob.do("document.undo", two.space, {"thing_id": two.operation, "kind": BRIEFING})
    two.edit(two.ada, LINES)
    wrong = two.edit(two.ada, LINES.replace("Daymar", "Yela"))["changes"][0]
    two.carry(two.ada, two.bob)
    two.edit(two.bob, LINES.replace("Daymar", "Yela") + "Share the pay.\n")
    two.carry(two.bob, two.ada)
    two.undo(two.ada)
    assert two.text(two.ada) == LINES + "Share the pay.\n"
    two.undo(two.ada)
    assert two.text(two.ada) == LINES.replace("Daymar", "Yela") + "Share the pay.\n"
    two.carry(two.ada, two.bob)
    two.undo(two.bob, change=bytes.fromhex(wrong))
    assert "Share the pay.\n" in (two.text(two.bob) or "")
    with pytest.raises(ChangeUnknown):
        two.undo(two.bob, change=bytes(32))


def test_undone_on_both_machines_at_once_is_undone(two: Two) -> None:
    two.edit(two.ada, LINES)
    changed = two.edit(two.ada, LINES + "Not so.\n")["changes"][0]
    two.carry(two.ada, two.bob)
    two.at_once(
        (two.ada, "document.undo", {"change": bytes.fromhex(changed)}),
        (two.bob, "document.undo", {"change": bytes.fromhex(changed)}),
    )
    assert two.text(two.ada) == two.text(two.bob) == LINES


def test_an_edit_of_an_older_text_keeps_what_was_written_since(two: Two) -> None:
    two.edit(two.ada, LINES)
    base = two.shown(two.ada).heads
    two.edit(two.ada, LINES + "Share the pay.\n")
    two.edit(two.ada, "Hear this!\n" + LINES, base=base)
    assert two.text(two.ada) == "Hear this!\n" + LINES + "Share the pay.\n"
    two.edit(two.ada, "Hear this!\n")
    assert two.text(two.ada) == "Hear this!\n"


def test_what_may_not_be_written_is_refused_and_leaves_no_trace(two: Two) -> None:
    before = two.bob.store.last_pos()
    organisation = two.space[:16]
    charter = {"thing_id": organisation, "kind": Kind.CHARTER, "text": "We are one."}
    with pytest.raises(NotAllowed):
        two.bob.do("document.edit", two.space, charter)
    with pytest.raises(OperationUnknown):
        two.edit(two.bob, "x", thing=bytes(16))
    with pytest.raises(ThingUnknown):
        two.edit(two.ada, "x", Kind.CHARTER)
    with pytest.raises(KindElsewhere):
        two.edit(two.ada, "x", Kind.SHEET)
    with pytest.raises(DocumentTooLong):
        two.edit(two.ada, "\N{ROCKET}" * (1 << 18) + "!")
    with pytest.raises(WordsUnusable):
        two.edit(two.ada, "a\0b")
    with pytest.raises(ChangeUnknown):
        two.edit(two.ada, "x", base=(bytes(32),))
    assert two.bob.store.last_pos() == before
    two.edit(two.ada, "We are one.", Kind.CHARTER, organisation)
    assert two.ada.documents.show(Place(two.space, organisation, Kind.CHARTER)).text == "We are one."


def test_a_long_text_of_one_mebibyte_is_written_and_read(two: Two) -> None:
    text = ("0123456789abcde\n" * (1 << 16))[: 1 << 20]
    assert len(two.edit(two.ada, text)["changes"]) == 11
    two.carry(two.ada, two.bob)
    assert two.text(two.bob) == text


def test_poison_harms_one_document_and_no_other_and_the_node_goes_on(two: Two) -> None:
    other = two.plan("Another")
    two.edit(two.ada, LINES)
    two.edit(two.ada, LINES, thing=other)
    two.carry(two.ada, two.bob)
    made = poison(written_by(two.actor))
    two.forge(two.bob, BriefingChanged(made.change, two.actor, SALT, 1, (ROOT,)), made.data)
    two.carry(two.bob, two.ada)
    for node in (two.ada, two.bob):
        assert two.shown(node) == Shown(trouble=Trouble.LIBRARY_FAILED)
        assert two.text(node, other) == LINES
        with pytest.raises(DocumentUnreadable):
            two.edit(node, "x")
    two.edit(two.ada, LINES + "Still here.\n", thing=other)
    assert two.text(two.ada, other) == LINES + "Still here.\n"


def test_a_document_is_healed_by_removing_who_poisoned_it_before_one_heard_of_that(two: Two) -> None:
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    made = poison(written_by(two.actor))
    two.forge(two.bob, BriefingChanged(made.change, two.actor, SALT, 1, (ROOT,)), made.data)
    assert two.shown(two.bob).trouble
    two.ada.do("member.remove", two.space, {"member_id": two.bob_member, "reason": RemovalReason.CONDUCT})
    two.carry(two.bob, two.ada)
    assert two.text(two.ada) == LINES


def test_removing_who_poisoned_a_document_does_not_heal_it_where_the_poison_had_come(two: Two) -> None:
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    made = poison(written_by(two.actor))
    two.forge(two.bob, BriefingChanged(made.change, two.actor, SALT, 1, (ROOT,)), made.data)
    two.carry(two.bob, two.ada)
    two.ada.do("member.remove", two.space, {"member_id": two.bob_member, "reason": RemovalReason.CONDUCT})
    assert two.shown(two.ada).trouble


def test_a_poisoned_document_is_healed_everywhere_by_leaving_the_poison_out(two: Two) -> None:
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    made = poison(written_by(two.actor))
    two.forge(two.bob, BriefingChanged(made.change, two.actor, SALT, 1, (ROOT,)), made.data)
    two.carry(two.bob, two.ada)
    assert two.shown(two.ada).trouble == two.shown(two.bob).trouble == Trouble.LIBRARY_FAILED
    two.leave_out(two.ada, changes=(made.change,), why="It is poison.")
    two.carry(two.ada, two.bob)
    for node in (two.ada, two.bob):
        assert (two.text(node), two.shown(node).omitted) == (LINES, 1)
        honest, left = node.documents.history(two.place())
        assert (honest.left, honest.without) == (None, False)
        assert left.left is not None
        assert (left.left.leaving.member, left.left.why) == (two.space[:16], "It is poison.")
    two.edit(two.bob, LINES + "Healed.\n")
    two.carry(two.bob, two.ada)
    assert two.text(two.ada) == LINES + "Healed.\n"


def test_what_is_left_out_and_what_is_written_on_it_meanwhile_is_gone_on_both_and_comes_back_on_both(
    two: Two,
) -> None:
    two.edit(two.ada, LINES)
    wrong = two.edit(two.ada, LINES + "Eat.\n")["changes"][0]
    two.carry(two.ada, two.bob)
    two.at_once(
        (two.ada, "document.leave-out", {"changes": (bytes.fromhex(wrong),)}),
        (two.bob, "document.edit", {"text": LINES + "Eat.\nShare the pay.\n"}),
    )
    assert two.text(two.ada) == two.text(two.bob) == LINES
    history = two.bob.documents.history(two.place())
    assert [(step.left is not None, step.without) for step in history] == [(0, 0), (1, 0), (0, 1)]
    two.edit(two.ada, LINES + "Sleep.\n")
    two.edit(two.ada, LINES + "Sleep well.\n")
    two.carry(two.ada, two.bob)
    assert two.text(two.bob) == LINES + "Sleep well.\n"
    left = two.ada.documents.history(two.place())[1].left
    assert left is not None
    two.take_in(two.ada, left.leaving.entry)
    two.carry(two.ada, two.bob)
    assert two.text(two.ada) == two.text(two.bob)
    lines = [*LINES.splitlines(), "Eat.", "Share the pay.", "Sleep well."]
    assert sorted((two.text(two.ada) or "").splitlines()) == sorted(lines)


def test_a_change_is_left_out_and_taken_in_at_once(two: Two) -> None:
    two.edit(two.ada, LINES)
    wrong = bytes.fromhex(two.edit(two.ada, LINES + "Eat.\n")["changes"][0])
    two.leave_out(two.ada, changes=(wrong,))
    two.carry(two.ada, two.bob)
    (left,) = (step.left for step in two.ada.documents.history(two.place()) if step.left)
    two.at_once(
        (two.ada, "document.take-in", {"left": left.leaving.entry}),
        (two.ada, "document.leave-out", {"changes": (wrong,)}),
    )
    assert two.text(two.ada) == two.text(two.bob) == LINES


def test_who_may_not_leave_out_is_refused_and_what_is_undone_is_as_it_was(two: Two) -> None:
    wrong = bytes.fromhex(two.edit(two.ada, LINES)["changes"][0])
    two.carry(two.ada, two.bob)
    named = {"thing_id": two.operation, "kind": BRIEFING, "changes": (wrong,)}
    with pytest.raises(LeavingAbove):
        two.bob.do("document.leave-out", two.space, named)
    own = bytes.fromhex(two.edit(two.bob, LINES.upper())["changes"][0])
    with pytest.raises(NotAllowed):
        two.bob.do("document.leave-out", two.space, named | {"changes": (own,)})
    with pytest.raises(KindElsewhere):
        two.ada.do("document.leave-out", two.space, named | {"kind": Kind.SHEET})
    with pytest.raises(LeavingUnknown):
        two.ada.do("document.take-in", two.space, {"thing_id": two.operation, "kind": BRIEFING, "left": wrong})
    with pytest.raises(ChangeUnknown):
        two.leave_out(two.ada, changes=(bytes(32),))
    two.leave_out(two.ada, changes=(wrong,))
    assert two.text(two.ada) == ""
    left = two.ada.documents.history(two.place())[0].left
    assert left is not None
    two.ada.do("undo", two.space, {"event": left.leaving.entry})
    assert two.text(two.ada) == LINES
    with two.ada.shelf.lock:
        entries = two.ada.shelf.space(two.space).entries()
        (taken_in,) = (each for each in entries if isinstance(each.event, TakenIn))
    two.ada.do("undo", two.space, {"event": taken_in.entry.id32})
    assert two.text(two.ada) == ""


def test_a_full_document_begins_anew_once_everything_until_then_is_left_out(two: Two) -> None:
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    two.edit(two.bob, LINES + "By Bob.\n")
    two.carry(two.bob, two.ada)
    kept = two.text(two.ada)
    two.leave_out(two.ada, everything=True)
    assert (two.text(two.ada), two.shown(two.ada).heads) == ("", (ROOT,))
    two.edit(two.ada, kept or "")
    two.carry(two.ada, two.bob)
    two.edit(two.bob, (kept or "") + "More.\n")
    two.carry(two.bob, two.ada)
    assert two.text(two.ada) == two.text(two.bob) == f"{kept}More.\n"


def written_by(actor: bytes) -> Told:
    """An honest change under this actor."""
    hand = Hand("eve")
    hand.actor = actor
    (made,) = hand.write("a")
    return made


def test_bytes_that_are_not_what_part_0_says_are_left_out_and_counted(two: Two) -> None:
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    honest = written_by(two.actor)
    two.forge(two.bob, BriefingChanged(bytes(31) + b"\1", two.actor, SALT, 1, (ROOT,)), honest.data)
    two.forge(two.bob, BriefingChanged(bytes(31) + b"\2", two.actor, SALT, 2, (bytes(31) + b"\1",)), b"noise")
    two.forge(two.bob, BriefingChanged(counter().change, two.actor, SALT, 3, (ROOT,)), counter().data)
    two.carry(two.bob, two.ada)
    for node in (two.ada, two.bob):
        assert (two.text(node), two.shown(node).omitted) == (LINES, 3)
    two.edit(two.ada, LINES + "Still here.\n")
    assert two.text(two.ada) == LINES + "Still here.\n"


def test_who_writes_under_another_members_actor_is_not_heard(two: Two) -> None:
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    (step,) = two.bob.documents.history(two.place())
    event: Any = two.bob.shelf.space(two.space).opened(step.envelope.entry).event  # type: ignore[union-attr]
    two.forge(two.bob, msgspec.structs.replace(event, change=bytes(32), number=2, deps=(event.change,)), b"x")
    two.edit(two.bob, LINES + "By Bob.\n")
    two.carry(two.bob, two.ada)
    assert two.text(two.ada) == LINES + "By Bob.\n"
    assert two.shown(two.ada).omitted == 0


def test_who_takes_anothers_change_for_his_and_dates_it_back_takes_nothing(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.edit(two.ada, LINES)
    mine = two.edit(two.ada, LINES + "By Ada.\n")["changes"][0]
    two.carry(two.ada, two.bob)
    first, second = two.bob.documents.history(two.place())
    with monkeypatch.context() as clock:
        clock.setattr(Desk, "_next_hlc", lambda desk: desk._seat.log.hlc + 1)
        for number, step in enumerate((first, second), 1):
            two.forge(two.bob, BriefingChanged(step.change, two.actor, SALT, number, (ROOT,)), b"nothing")
    two.carry(two.bob, two.ada)
    for node in (two.ada, two.bob):
        assert two.bob_member == node.documents.history(two.place())[0].envelope.member
        assert (two.text(node), two.shown(node).omitted) == (LINES + "By Ada.\n", 2)
    two.undo(two.ada, change=bytes.fromhex(mine))
    assert two.text(two.ada) == LINES


def test_a_change_under_a_key_that_is_not_the_documents_is_left_out(two: Two) -> None:
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    made = written_by(two.actor)
    event = BriefingChanged(made.change, two.actor, SALT, 1, (ROOT,))
    two.forge(two.bob, event, made.data, subject=two.bob_member)
    two.carry(two.bob, two.ada)
    for node in (two.ada, two.bob):
        assert (two.text(node), two.shown(node).omitted) == (LINES, 1)
    two.edit(two.ada, LINES + "Still here.\n")
    two.bob.do("member.erase", two.space, {"member_id": two.bob_member, "ground": "request"})
    two.carry(two.bob, two.ada)
    assert two.text(two.ada) == LINES + "Still here.\n"


def test_a_change_whose_bytes_are_not_here_is_left_out_with_what_builds_on_it(two: Two) -> None:
    two.edit(two.ada, LINES)
    two.carry(two.ada, two.bob)
    entry = two.edit(two.bob, LINES + "By Bob.\n")["changes"][0]
    two.edit(two.bob, LINES + "By Bob.\nTwice.\n")
    two.carry(two.bob, two.ada)
    found = dict(two.ada.shelf.space(two.space).state(DOCUMENTS, two.operation).text(BRIEFING).changes())  # type: ignore[attr-defined]
    opened = two.ada.shelf.space(two.space).opened(found[bytes.fromhex(entry)])
    assert opened is not None
    database = two.ada.settings.data / "events.db"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        (kept,) = connection.execute("select * from part where pos = ? and number = 1", (opened.pos,))
        connection.execute("delete from part where pos = ? and number = 1", (opened.pos,))
    assert (two.text(two.ada), two.shown(two.ada).omitted) == (LINES, 2)
    moment = two.ada.now_us()
    assert two.ada.documents.text_at(two.place(), two.ada.documents.heads_at(two.place(), moment)) == LINES
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("insert into part values (?, ?, ?, ?)", kept)
    assert (two.text(two.ada), two.shown(two.ada).omitted) == (LINES + "By Bob.\nTwice.\n", 0)


def test_a_document_goes_on_after_a_restart_and_in_a_new_log(two: Two, tmp_path: Path) -> None:
    machine = Machine(tmp_path, "eve")
    with machine.open() as node:
        space = found(node, "Eve's")
        thing = {"thing_id": space[:16], "kind": Kind.CHARTER}
        node.do("document.edit", space, thing | {"text": "One.\n"})
    with machine.open() as node:
        node.do("document.edit", space, thing | {"text": "One.\nTwo.\n"})
        assert node.documents.show(Place(space, space[:16], Kind.CHARTER)).text == "One.\nTwo.\n"
        text = node.shelf.space(space).state(DOCUMENTS, space[:16]).text(Kind.CHARTER)  # type: ignore[attr-defined]
        assert (len(text.tails), text.count) == (1, 2)


def test_a_command_sent_twice_changes_the_text_once(two: Two) -> None:
    given = {"thing_id": two.operation, "kind": BRIEFING, "text": LINES}
    first = two.ada.do("document.edit", two.space, given, b"c" * 16)
    assert two.ada.do("document.edit", two.space, given | {"text": "other"}, b"c" * 16) == first
    assert two.text(two.ada) == LINES
