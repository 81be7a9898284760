"""Talks with a witness without any wire, and notes with the lines of many: what is said, taken, kept and left out."""

from base64 import b64encode
from collections.abc import Sequence

import pytest

from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, SIGNATURES_MAX, Checkpoint, note_from
from scmanager.eventstore.merkle import consistency_proof, leaf_hash, root_of
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import tiles_of
from scmanager.master_ledger.cosignature import Witness, cosign, witness_of
from scmanager.master_ledger.cosigning import (
    OTHERS_MAX,
    SIZE_MEDIA,
    TRIES,
    Answer,
    Talk,
    WitnessNonsense,
    WitnessRefuses,
    WitnessSawMore,
    WitnessSawOther,
    by_the_log,
    conversation,
    fitting,
    kept,
    merged,
    taken,
)
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S, Server

SIZE = 300
LEAVES = [leaf_hash(b"%d" % n) for n in range(SIZE)]
LOG = Server()
HEAD = Checkpoint(LOG.origin, SIZE, root_of(LEAVES))
TEXT = HEAD.text()
NOTE = note_from(HEAD, LOG.key.sign(TEXT.encode()), LOG.key.public)
OWN = NOTE.rpartition(b"\n\n")[2]
A, B, C = (key_of(f"witness {each}") for each in "abc")
WITNESSES = [witness_of("a.example", A), witness_of("b.example", B)]


def said(key: SigningKey = A, at_s: int = NOW_S, name: str = "a.example", text: str = TEXT) -> bytes:
    return cosign(text, name, key, at_s)


def line(name: str, size: int = 8) -> bytes:
    """One of somebody whom nobody knows, with so many bytes under it."""
    return f"— {name} {b64encode(bytes(size)).decode()}\n".encode()


def with_lines(*lines: bytes) -> bytes:
    return TEXT.encode() + b"\n" + b"".join(lines)


def talking() -> Talk:
    held = {str(path): data for path, data in tiles_of(LEAVES)}
    tree = TileTree(SIZE, HEAD.root, lambda path: held[str(path)])
    return conversation(NOTE, tree, WITNESSES, NOW_S)


def conflict(size: int | bytes, media: str = SIZE_MEDIA) -> Answer:
    return Answer(409, media, size if isinstance(size, bytes) else b"%d\n" % size)


def after(*answers: Answer) -> bytes:
    """What it asks once it has heard these, of which none ends it."""
    talk = talking()
    asked = next(talk)
    for each in answers:
        asked = talk.send(each)
    return asked


def ended(*answers: Answer) -> bytes:
    """What comes of it."""
    *before, last = answers
    talk = talking()
    next(talk)
    for each in before:
        talk.send(each)
    with pytest.raises(StopIteration) as done:
        talk.send(last)
    assert isinstance(done.value.value, bytes)
    return done.value.value


def test_it_asks_from_nothing_and_then_from_where_the_witness_says_it_is() -> None:
    assert after() == b"old 0\n\n" + NOTE
    for old in (1, 7, SIZE - 1):
        proof = b"".join(b64encode(each) + b"\n" for each in consistency_proof(old, LEAVES))
        assert after(conflict(old)) == b"old %d\n" % old + proof + b"\n" + NOTE
    assert after(conflict(SIZE)) == b"old %d\n\n" % SIZE + NOTE
    assert after(conflict(7), conflict(0)) == b"old 0\n\n" + NOTE


def test_what_it_answers_once_it_took_the_head_is_its_lines() -> None:
    assert ended(Answer(200, "", said())) == said()
    assert ended(conflict(7), conflict(9), Answer(200, "text/x", said() + said(B, NOW_S, "b.example"))) == (
        said() + said(B, NOW_S, "b.example")
    )


def test_what_keeps_a_witness_from_its_word_is_told_with_its_numbers() -> None:
    for status in (403, 404, 422, 500):
        with pytest.raises(WitnessRefuses) as refused:
            after(Answer(status, "", b""))
        assert refused.value.facts == {"status": status}
    with pytest.raises(WitnessSawOther) as other:
        after(conflict(7), Answer(422, "", b""))
    assert other.value.facts == {"size": 7}
    with pytest.raises(WitnessSawMore) as more:
        after(conflict(SIZE + 1))
    assert more.value.facts == {"size": SIZE + 1, "here": SIZE}
    with pytest.raises(WitnessRefuses) as endless:
        after(*(conflict(n + 1) for n in range(TRIES)))
    assert endless.value.facts == {"status": 409}
    assert after(*(conflict(n + 1) for n in range(TRIES - 1))).startswith(b"old %d\n" % (TRIES - 1))


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([conflict(7, "text/plain")], "a conflict without its size"),
        ([conflict(b"7")], "a conflict without its size"),
        ([conflict(b"07\n")], "a conflict without its size"),
        ([conflict(b"7\n\n")], "a conflict without its size"),
        ([conflict(0)], "a conflict about the size that it told itself"),
        ([conflict(7), conflict(7)], "a conflict about the size that it told itself"),
    ],
)
def test_conflicts_that_no_witness_would_answer(answers: list[Answer], reason: str) -> None:
    with pytest.raises(WitnessNonsense) as nonsense:
        after(*answers)
    assert nonsense.value.facts == {"reason": reason}


# What is taken of an answer


def refused(body: bytes, witnesses: Sequence[Witness] = WITNESSES, until_s: int = NOW_S) -> object:
    with pytest.raises(WitnessNonsense) as nonsense:
        taken(NOTE, body, witnesses, until_s)
    return nonsense.value.facts["reason"]


def test_of_an_answer_the_newest_line_of_each_known_key_is_taken() -> None:
    stranger = said(C, name="c.example")
    body = said(at_s=NOW_S - 2) + stranger + said(B, NOW_S, "b.example") + said(at_s=NOW_S - 1)
    assert taken(NOTE, body, WITNESSES, NOW_S) == said(at_s=NOW_S - 1) + said(B, NOW_S, "b.example")
    assert taken(NOTE, body, WITNESSES[:1], NOW_S) == said(at_s=NOW_S - 1)
    assert taken(NOTE, stranger + said(), WITNESSES, NOW_S) == said()


def test_why_nothing_is_taken_is_told() -> None:
    assert refused(b"") == "no line at all, as a mirror does, which is uploaded to (scm author upload)"
    nobody = "no line of a key that the policy lists"
    assert refused(said(C, name="c.example")) == nobody
    assert refused(said(), []) == nobody
    assert refused(said(at_s=NOW_S + 1)) == nobody, "what is dated later is no word yet"
    assert taken(NOTE, said(at_s=NOW_S + 1), WITNESSES, NOW_S + 1) == said(at_s=NOW_S + 1)
    assert refused(said(), [Witness("b.example", A.public)]) == nobody, "a key counts under its own name alone"
    longer = "This is not a signed note: more text stands before its lines"
    assert refused(b"junk\n\n" + said(text=f"{TEXT}\njunk\n")) == longer
    assert refused(b"junk\n") == "This is not a signed note: a line that is no signature"
    assert "signature" in str(refused(said(text="another\n")))
    assert not str(refused(said(text="another\n"))).endswith(".")


# Notes with the lines of many


def test_merged_a_line_takes_the_place_of_the_same_signer_s() -> None:
    other = line("other.example")
    note = with_lines(OWN, said(), other)
    newer, more = said(at_s=NOW_S + 5), said(B, NOW_S, "b.example")
    assert merged(note, newer) == with_lines(OWN, newer, other)
    assert merged(note, more + newer) == with_lines(OWN, newer, other, more)
    assert merged(NOTE, said() + newer) == with_lines(OWN, newer)


def test_under_the_log_s_name_its_own_key_s_lines_alone_are_its() -> None:
    posing = line(LOG.origin)
    assert by_the_log(with_lines(posing, OWN, said(), posing), LOG.key.public) == with_lines(OWN, said())
    assert by_the_log(with_lines(OWN, said()), A.public) == with_lines(said())


def test_room_is_for_the_log_and_for_known_signers_first_and_some_others() -> None:
    text = TEXT.encode().removesuffix(b"\n")
    others = [line(f"n{n}") for n in range(OTHERS_MAX + 1)]
    known = {(WITNESSES[0].name, WITNESSES[0].key_id)}
    assert fitting(text, [*others[:-1], OWN, said()], known) == with_lines(*others[:-1], OWN, said())
    assert fitting(text, [*others, OWN, said()], known) == with_lines(*others[:-1], OWN, said())
    assert fitting(text, [*others, OWN, said()], ()) == with_lines(*others[:-1], OWN)


def test_room_is_for_as_many_lines_as_a_note_may_have() -> None:
    text = TEXT.encode().removesuffix(b"\n")
    lines = [line(f"k{n}") for n in range(SIGNATURES_MAX)]
    known = {(f"k{n}", bytes(4)) for n in range(SIGNATURES_MAX)}
    assert fitting(text, lines, known) == with_lines(*lines)
    assert fitting(text, [*lines, OWN], known) == with_lines(*lines[:-1], OWN), "the log's own is never left out"


def test_room_is_for_as_many_bytes_as_a_note_may_have() -> None:
    text = TEXT.encode().removesuffix(b"\n")
    left = NOTE_BYTES_MAX - len(with_lines(OWN)) - len(line("", 0))
    name = "k" * (left % 4 + 4)
    long = line(name, (left - len(name)) // 4 * 3)
    known = {(name, bytes(4)), (f"{name}k", bytes(4))}
    assert len(with_lines(OWN, long)) == NOTE_BYTES_MAX
    assert fitting(text, [OWN, long], known) == with_lines(OWN, long)
    longer = long.replace(b" k", b" kk", 1)
    assert fitting(text, [OWN, longer], known) == with_lines(OWN)


def keeping(held: bytes, other: bytes, witnesses: Sequence[Witness] = WITNESSES, until_s: int = NOW_S) -> bytes:
    return kept(with_lines(OWN, held), with_lines(other), witnesses, until_s)


def test_kept_are_further_signers_and_later_words_of_known_ones() -> None:
    older, newer, stranger = said(at_s=NOW_S - 5), said(), line("c.example")
    assert keeping(older, newer) == with_lines(OWN, newer)
    assert keeping(newer, older) == with_lines(OWN, newer)
    assert keeping(older, stranger + newer) == with_lines(OWN, newer, stranger)
    assert keeping(b"", newer + stranger) == with_lines(OWN, newer, stranger)
    assert keeping(older, said(at_s=NOW_S + 1)) == with_lines(OWN, older), "what is dated later is no word yet"
    assert keeping(b"", said(at_s=NOW_S + 1)) == with_lines(OWN)
    assert keeping(b"", said(text="another\n")) == with_lines(OWN), "what does not hold is not added"
    assert keeping(older, newer, []) == with_lines(OWN, older), "of unknown keys what is held stays"
    assert keeping(b"", newer, []) == with_lines(OWN, newer)


def test_kept_is_what_holds_in_place_of_what_does_not_and_one_of_several_of_a_key() -> None:
    forged, dawn = said(text="another\n"), said(at_s=0)
    assert keeping(forged, dawn) == with_lines(OWN, dawn), "at whatever time"
    two = said(at_s=NOW_S - 9) + line("c.example") + said(at_s=NOW_S - 8)
    assert keeping(two, said()) == with_lines(OWN, said(), line("c.example"))
    assert keeping(two, said(at_s=NOW_S - 8)) == with_lines(OWN, two)


def test_kept_is_no_line_under_the_log_s_own_name() -> None:
    assert keeping(b"", line(LOG.origin) + said()) == with_lines(OWN, said())


def test_kept_are_lines_of_keys_of_kinds_that_nobody_here_verifies_as_those_of_others() -> None:
    odd = Witness("odd.example", bytes(32), 99)
    one, other = (f"— odd.example {b64encode(odd.key_id + each).decode()}\n".encode() for each in (b"one", b"other"))
    assert keeping(b"", one, [odd]) == with_lines(OWN, one)
    assert keeping(one, other, [odd]) == with_lines(OWN, one)
