"""Documents' read model: as the changes make it, equal to a rebuild after every step, and gone when it is erased."""

import secrets
from collections.abc import Iterator, Sequence
from typing import NoReturn

import pytest

from scmanager.adapters.document_guard import DocumentGuard
from scmanager.application import erasing
from scmanager.application.desk import Quoted
from scmanager.application.every_verb import VERBS
from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.change_graph import ROOT
from scmanager.domain.document import BriefingChanged, Kind, actor_of, salt_of, subject_of
from scmanager.projections.generation import LIVE
from scmanager.projections.matching import grams, grams_of_search
from scmanager.spaces.documents import BACK_OFF, Documents, Place
from scmanager.spaces.scribe import DocumentUnreadable, Reading, ScribeAway, Told, Trouble
from tests.support.books import Books, dump, one, plan
from tests.support.changes import Hand, poison
from tests.support.writers import OPERATION, OTHER, Writers

pytestmark = pytest.mark.services

SALT = salt_of(b"forged", b"")


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
    writers.books.do(lambda desk: erasing.erase(desk, member_id=writers.books.founder, ground="request"))
    assert writers.rows() == before
    assert {row["body_words"] for row in before} == {"open"}


def test_a_text_whose_key_was_erased_leaves_the_row_without_it(writers: Writers) -> None:
    writers.edit("Private.\n")
    assert writers.rows()[0]["body"] == "Private.\n"
    subject = subject_of(OPERATION, Kind.BRIEFING)
    writers.books.do(lambda desk: erasing.erase(desk, member_id=subject, ground="request"))
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


def words_in(writers: Writers, words: str) -> list[str]:
    """The tables of the read models with these words in them, or with their grams."""
    writers.projector.catch_up()
    wanted = set(grams_of_search(words))
    held = []
    for table, rows in dump(writers.database, LIVE).items():
        values = [value for row in rows for value in row]
        lists = (set(value) for value in values if isinstance(value, list) and all(isinstance(x, int) for x in value))
        if any(words in str(value).lower() for value in values) or any(wanted <= each for each in lists):
            held.append(table)
    return held


def test_what_can_be_searched_of_a_text_follows_it(writers: Writers) -> None:
    writers.edit("Meet at Évérus.\n")
    writers.projector.catch_up()
    found = "select thing, thing_is, key, grams, starts, cuts from scm_read.document_text"
    key = " meet at everus "
    assert one(writers.database, found) == (OPERATION, "operation", key, grams(key), [2], [1, 17])
    assert words_in(writers, "everus") == ["document_text"], "or the next lines show nothing"
    writers.edit("Meet at Baijini.\n")
    assert words_in(writers, "everus") == []
    assert words_in(writers, "baijini") == ["document", "document_text"]
    writers.same_when_rebuilt()
    writers.edit(" \n")
    writers.projector.catch_up()
    assert one(writers.database, found) is None


def test_what_was_left_out_of_a_text_is_in_no_table(writers: Writers) -> None:
    writers.edit("Fly low.\n")
    writers.edit("Fly low. Quillfeather knows.\n")
    assert words_in(writers, "quillfeather") == ["document", "document_text"]
    change = writers.documents.history(Place(writers.books.space, OPERATION, Kind.BRIEFING))[-1].change
    given = {"thing_id": OPERATION, "kind": Kind.BRIEFING, "changes": (change,)}
    writers.drafts.submit(VERBS["document.leave-out"], writers.books.space, given, secrets.token_bytes(16)).result()
    assert words_in(writers, "quillfeather") == []
    assert words_in(writers, "fly low") == ["document", "document_text"]
    writers.same_when_rebuilt()


def test_of_an_erased_text_nothing_can_be_searched(writers: Writers) -> None:
    writers.edit("Quillfeather knows.\n")
    assert words_in(writers, "quillfeather") == ["document", "document_text"]
    subject = subject_of(OPERATION, Kind.BRIEFING)
    writers.books.do(lambda desk: erasing.erase(desk, member_id=subject, ground="request"))
    assert words_in(writers, "quillfeather") == []
    assert one(writers.database, "select count(*) from scm_read.document_text") == (0,)
    writers.same_when_rebuilt()
