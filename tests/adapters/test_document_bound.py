"""A document that was typed full: what has no room is left out alike everywhere, and its process can hold it."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.automerge_text import CHANGE_CHARACTERS_MAX, FULL, TextDocument
from scmanager.adapters.document_guard import MEMORY_BYTES, DocumentGuard
from scmanager.domain.document import CHANGE_COST, TYPED_MAX
from scmanager.spaces.scribe import DocumentFull, Draft, Forgotten, Told
from tests.support.changes import SPARE, Hand, conversation, long_text
from tests.support.effort import examples

WRITER = b"writer.........."
NAME = b"a document"
ROOM = 700
"""Of a small document: what `TOLD` types needs more."""


def dated(told: list[Told]) -> list[Told]:
    """As the fold orders them: in the order they were written."""
    return [Told(*(getattr(each, name) for name in Told.__struct_fields__[:5]), bytes((number,)))
            for number, each in enumerate(told)]  # fmt: skip


TOLD = dated(conversation()[0])


def read(told: list[Told], cuts: list[int]) -> tuple[str, set[bytes], int]:
    """Text, what is left out, and what was typed; told in pieces, and from the beginning where that is asked for."""
    document, known = TextDocument(ROOM), 0
    for cut in [*sorted(cuts), len(told)]:
        try:
            omitted = document.take(told[known:cut])
        except Forgotten:
            document = TextDocument(ROOM)
            omitted = document.take(told[:cut])
        known = cut
    return document.text(), {each.change for each in omitted}, document.typed


@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, len(TOLD)), max_size=5))
@settings(max_examples=examples(60))
def test_what_has_no_room_is_the_same_in_whatever_order_and_pieces_it_came(seed: int, cuts: list[int]) -> None:
    text, omitted, typed = read(TOLD, [])
    assert 0 < len(omitted) < len(TOLD)
    assert ROOM - 200 < typed <= ROOM
    shuffled = random.Random(seed).sample(TOLD, len(TOLD))
    assert read(shuffled, cuts) == (text, omitted, typed)


def test_what_came_first_has_room_and_what_builds_on_what_has_none_is_left_out() -> None:
    hand = Hand("ada")
    told = dated([*hand.write("a" * 60), *hand.write("a" * 90), *hand.write("a" * 91)])
    document = TextDocument(100 + CHANGE_COST)
    omitted = document.take(told)
    assert document.text() == "a" * 60
    assert [each.why for each in omitted] == [FULL, "what it builds on is left out"]


def test_an_edit_for_which_there_is_no_room_is_refused_before_it_is_made() -> None:
    document = TextDocument(100)
    made = document.write(Draft(tuple(document.heads), "a" * 60, WRITER, 1, SPARE))
    document.take(made)
    assert document.typed == 60 + CHANGE_COST
    with pytest.raises(DocumentFull) as refused:
        document.write(Draft(tuple(document.heads), "a" * 69, WRITER, 2, SPARE))
    assert refused.value.facts == {"typed": 60 + CHANGE_COST, "most": 100}
    assert document.text() == "a" * 60


@pytest.fixture
def guard() -> Iterator[DocumentGuard]:
    made = DocumentGuard()
    yield made
    made.close()


@pytest.mark.slow
def test_a_full_document_is_read_and_edited_with_a_third_of_the_memory_there_is(guard: DocumentGuard) -> None:
    size = CHANGE_CHARACTERS_MAX
    told = long_text((TYPED_MAX // (size + CHANGE_COST)), size, WRITER)
    reading = guard.bring(NAME, told, anew=True)
    assert (len(reading.text), reading.omitted) == (len(told) * size, ())
    older = guard.text_at(NAME, (told[0].change,))
    assert guard.write(NAME, Draft((told[0].change,), older + "!", WRITER, 2, SPARE))
    with pytest.raises(DocumentFull):
        guard.write(NAME, Draft(reading.heads, "", WRITER, len(told) + 1, SPARE))
    assert _peak(guard.pid or 0) < MEMORY_BYTES / 3


def _peak(pid: int) -> int:
    """Bytes of addresses, where the system tells."""
    told = Path(f"/proc/{pid}/status")
    lines = dict(line.split(":", 1) for line in told.read_text().splitlines()) if told.exists() else {}
    return int(lines.get("VmPeak", "0 kB").split()[0]) << 10


def test_a_guard_says_that_a_document_is_full_and_goes_on(guard: DocumentGuard) -> None:
    reading = guard.bring(NAME, (), anew=True)
    with pytest.raises(DocumentFull):
        guard.write(NAME, Draft(reading.heads, "a" * (TYPED_MAX + 1), WRITER, 1, SPARE))
    assert guard.write(NAME, Draft(reading.heads, "a", WRITER, 1, SPARE))
