"""Documents' read model: as the changes make it, equal to a rebuild after every step, and gone when it is erased."""

import secrets
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import psycopg
import pytest
from psycopg.rows import dict_row

from scmanager.adapters.document_guard import DocumentGuard
from scmanager.application import members
from scmanager.application.desk import Quoted
from scmanager.application.drafting import Drafts
from scmanager.application.every_verb import VERBS
from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.document import ROOT, BriefingChanged, Kind, actor_of, salt_of, subject_of
from scmanager.projections.generation import LIVE
from scmanager.projections.runner import Projector
from scmanager.spaces.documents import BACK_OFF, Documents, Place
from scmanager.spaces.scribe import DocumentUnreadable, Reading, ScribeAway, Told, Trouble
from tests.support.books import Books, dump, plan
from tests.support.changes import Hand, poison

pytestmark = pytest.mark.services

OPERATION, OTHER = b"o" * 16, b"p" * 16
SALT = salt_of(b"forged", b"")


class Writers:
    """Books whose documents can be written, and their read models."""

    def __init__(self, books: Books, database: str) -> None:
        self.books, self.database = books, database
        self.guard = DocumentGuard()
        self.documents = Documents(books.store, books.shelf, books.keys.held, self.guard)
        self.drafts = Drafts(books.writer, books.shelf, self.documents)
        self.projector = Projector(books.shelf, books.store, books.keys.held, database, documents=self.documents)
        for operation in (OPERATION, OTHER):
            books.do(plan(operation, "Jumptown", 4_000_000_000, 4_000_000_001))

    def edit(self, text: str, thing: bytes = OPERATION, kind: Kind = Kind.BRIEFING) -> None:
        given = {"thing_id": thing, "kind": kind, "text": text}
        self.drafts.submit(VERBS["document.edit"], self.books.space, given, secrets.token_bytes(16)).result()

    def rows(self) -> list[dict[str, Any]]:
        self.projector.catch_up()
        with psycopg.connect(self.database, row_factory=dict_row) as connection:
            return connection.execute("select * from scm_read.document order by id").fetchall()

    def same_when_rebuilt(self) -> None:
        self.projector.catch_up()
        kept = dump(self.database, LIVE)
        assert self.projector.rebuild().differing == ()
        assert dump(self.database, LIVE) == kept

    def close(self) -> None:
        self.projector.close()
        self.drafts.stop(self.guard.close)
        self.guard.close()


@pytest.fixture
def writers(nova: Books, database: str) -> Iterator[Writers]:
    made = Writers(nova, database)
    yield made
    made.close()


def test_a_text_has_a_row_that_follows_its_changes(writers: Writers) -> None:
    assert writers.rows() == []
    writers.edit("One.\n")
    (row,) = writers.rows()
    assert (row["thing"], row["kind"], row["body"], row["body_words"]) == (OPERATION, "briefing", "One.\n", "open")
    assert (row["changes"], row["omitted"], row["trouble"]) == (1, 0, None)
    assert (row["authors"], row["changed_by"]) == ([writers.books.founder], writers.books.founder)
    writers.edit("One.\n\tTwo\\.\r\n\N{ROCKET}\u202e\n")
    writers.edit("We are one.", writers.books.founder, Kind.CHARTER)
    charter, briefing = sorted(writers.rows(), key=lambda row: str(row["kind"]), reverse=True)
    assert {charter["body"], briefing["body"]} == {"One.\n\tTwo\\.\r\n\N{ROCKET}\u202e\n", "We are one."}
    writers.same_when_rebuilt()


def test_a_document_that_cannot_be_shown_says_why_and_others_have_their_rows(writers: Writers) -> None:
    writers.edit("Good.\n", OTHER)
    hand = Hand("eve")
    hand.actor = actor_of(writers.books.founder, OPERATION, Kind.BRIEFING, SALT)
    bad = poison(hand.write("a")[0])
    said = Quoted(
        BriefingChanged(bad.change, hand.actor, SALT, 1, (ROOT,)), ((subject_of(OPERATION, Kind.BRIEFING), bad.data),)
    )
    writers.books.do(lambda desk: desk.record(DOCUMENTS, OPERATION, said) and None)
    troubled, good = writers.rows()
    assert (troubled["body"], troubled["body_words"], troubled["trouble"]) == (None, "unreadable", "library-failed")
    assert (good["body"], good["trouble"]) == ("Good.\n", None)
    assert writers.projector.status().poison == []
    writers.same_when_rebuilt()


def test_while_texts_cannot_be_read_everything_else_has_its_rows(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers.edit("One.\n")

    def away(_: Place) -> NoReturn:
        raise ScribeAway(why="no memory")

    with monkeypatch.context() as now:
        now.setattr(writers.documents, "show", away)
        assert writers.rows() == []
        assert writers.projector.status().pos == writers.books.store.last_pos()
        assert [why for *_, why in writers.projector.status().poison] == ["TextAway"]
    writers.books.do(plan(b"q" * 16, "Later", 4_000_000_000, 4_000_000_001))
    assert [row["body"] for row in writers.rows()] == ["One.\n"]
    writers.same_when_rebuilt()


def test_u_0000_from_elsewhere_is_shown_as_what_it_is_not(writers: Writers) -> None:
    hand = Hand("eve")
    hand.actor = actor_of(writers.books.founder, OPERATION, Kind.BRIEFING, SALT)
    (made,) = hand.write("a\0b")
    said = Quoted(
        BriefingChanged(made.change, hand.actor, SALT, 1, (ROOT,)),
        ((subject_of(OPERATION, Kind.BRIEFING), made.data),),
    )
    writers.books.do(lambda desk: desk.record(DOCUMENTS, OPERATION, said) and None)
    (row,) = writers.rows()
    assert row["body"] == "a\ufffdb"


def test_who_is_erased_leaves_what_he_wrote_in_shared_texts(writers: Writers) -> None:
    writers.edit("Written by the founder.\n")
    writers.edit("We are one.", writers.books.founder, Kind.CHARTER)
    before = writers.rows()
    writers.books.do(lambda desk: members.erase(desk, member_id=writers.books.founder, ground="request"))
    assert writers.rows() == before
    assert {row["body_words"] for row in before} == {"open"}


def test_a_text_whose_key_was_erased_leaves_the_row_without_it(writers: Writers) -> None:
    writers.edit("Private.\n")
    assert writers.rows()[0]["body"] == "Private.\n"
    subject = subject_of(OPERATION, Kind.BRIEFING)
    writers.books.do(lambda desk: members.erase(desk, member_id=subject, ground="request"))
    (row,) = writers.rows()
    assert (row["body"], row["body_words"]) == (None, "erased")
    writers.same_when_rebuilt()


def test_a_document_that_took_long_to_fail_is_left_alone_for_longer(writers: Writers) -> None:
    """However often it changes meanwhile: who reads it holds up all read models."""
    writers.edit("Good.\n")
    reads, now_s = [0], [0.0]

    class Slow(DocumentGuard):
        def bring(self, name: bytes, told: Sequence[Told], *, anew: bool) -> Reading:
            reads[0] += 1
            now_s[0] += 60
            raise DocumentUnreadable(why=Trouble.TOO_SLOW)

    books = writers.books
    documents = Documents(books.store, books.shelf, books.keys.held, Slow(), lambda: now_s[0])
    place = Place(books.space, OPERATION, Kind.BRIEFING)
    for number in range(5):
        writers.edit(f"Good {number}.\n")
        assert documents.show(place).trouble == Trouble.TOO_SLOW
    assert reads == [1]
    now_s[0] += 60 * BACK_OFF - 1
    documents.show(place)
    assert reads == [1]
    now_s[0] += 1
    documents.show(place)
    assert reads == [2]
