"""What a witness tells, word for word and at its bounds, and which evidence it keeps of a log with two keys."""

from base64 import b64encode

import pytest

from scmanager.eventstore.any_checkpoint import SIZE_MAX
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.merkle import EMPTY_ROOT, root_of
from scmanager.master_ledger.log_list import ListedLog
from scmanager.master_ledger.witnessing import (
    HASHES_MAX,
    REQUEST_BYTES_MAX,
    BadRequest,
    Evidence,
    Judged,
    Kept,
    LogFrozen,
    LogNotWitnessed,
    NotByTheLog,
    NotConsistent,
    OldSizeDiffers,
    judge,
    parse,
    signed,
)
from tests.golden.logs import key_of
from tests.support.witness import ShownLog, request

LOG = ShownLog("go.sum database tree", "sum.example.org", more="a line\n")
LATER = ShownLog("go.sum database tree", "later.example.org", more="a line\n")
"""The same log under a second key."""
LISTED = ListedLog(LOG.origin, (LOG.vkey,))
BOTH = ListedLog(LOG.origin, (LATER.vkey, LOG.vkey))
HASH = b64encode(bytes(32)).decode()


def reason(data: bytes) -> object:
    with pytest.raises(BadRequest) as bad:
        parse(data)
    return bad.value.facts["reason"]


def asking(old: int, size: int, left_at: int | None = None, known: int = 0, like: Kept | None = None) -> Judged:
    """What comes of asking for the word of a witness that has cosigned so many entries."""
    asked = parse(LOG.asks(old, size, left_at))
    return judge(asked, signed(asked, LISTED), LISTED, kept(known) if known else None, like)


def kept(size: int, log: ShownLog = LOG, left_at: int | None = None) -> Kept:
    return Kept(size, root_of(log.leaves(size, left_at)), log.head(size, left_at))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no line with an old size, or no empty line"),
        (b"old 1", "no line with an old size, or no empty line"),
        (b"old 01\n\n" + LOG.head(3), "no line with an old size, or no empty line"),
        (b"OLD 1\n\n" + LOG.head(3), "no line with an old size, or no empty line"),
        (b"old %d\n\n" % (SIZE_MAX + 1) + LOG.head(3), "no line with an old size, or no empty line"),
        (b"old \xc3\xbc\n\n" + LOG.head(3), "its first lines are not ASCII"),
        (b"old 1\nAAAA\n\n" + LOG.head(3), "a line that is no hash in base64"),
        (b"old 1\n" + HASH[:-2].encode() + b"B=\n\n" + LOG.head(3), "a line that is no hash in base64"),
        (b"old 1\n" + HASH[:-2].encode() + b"!=\n\n" + LOG.head(3), "a line that is no hash in base64"),
        (request(1, [bytes(32)] * (HASHES_MAX + 1), LOG.head(3)), "more hashes than any proof has"),
        (b"x" * (REQUEST_BYTES_MAX + 1), "too long"),
        (b"x" * REQUEST_BYTES_MAX, "no line with an old size, or no empty line"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_told_by_its_reason(data: bytes, told: str) -> None:
    assert reason(data) == told


def test_what_a_note_lacks_is_told_in_the_note_s_own_words() -> None:
    assert reason(b"old 0\n\nno note") == "This is not a signed note: no empty line before the signatures"
    assert reason(b"old 0\n\n" + LOG.note("origin\n1\n")) == (
        "This note is not a checkpoint: it has not three lines or more, or an empty one, or is too long"
    )


def test_what_a_request_says_is_read_up_to_its_bounds() -> None:
    asked = parse(request(SIZE_MAX, [bytes(32)] * HASHES_MAX, LOG.head(3)))
    assert (asked.old, len(asked.proof), asked.note) == (SIZE_MAX, HASHES_MAX, LOG.head(3))
    assert (asked.text, asked.point.size) == (LOG.text(3), 3)


def test_a_log_that_is_not_witnessed_is_told_by_its_origin() -> None:
    with pytest.raises(LogNotWitnessed) as unknown:
        signed(parse(LOG.asks(0, 3)), None)
    assert unknown.value.facts == {"origin": LOG.origin}


def test_lines_that_the_log_s_keys_did_not_make_are_told_apart() -> None:
    with pytest.raises(NotByTheLog) as stranger:
        signed(parse(LOG.asks(0, 3)), ListedLog(LOG.origin, (LATER.vkey,)))
    assert stranger.value.facts == {"reason": "no line of a known key"}
    other = LOG.note(LOG.text(4)).rpartition(b"\n\n")[2]
    with pytest.raises(NotByTheLog) as broken:
        signed(parse(request(0, [], LOG.text(3).encode() + b"\n" + other)), LISTED)
    assert broken.value.facts == {"reason": "a line of a known key does not hold"}


def test_of_a_head_the_lines_of_all_keys_of_its_log_are_kept_and_of_no_others() -> None:
    text = LOG.text(3)
    lines = [each.note(text).rpartition(b"\n\n")[2] for each in (LATER, LOG, ShownLog("stranger.example"))]
    found = signed(parse(request(0, [], text.encode() + b"\n" + b"".join(reversed(lines)))), BOTH)
    assert found == Kept(3, root_of(LOG.leaves(3)), text.encode() + b"\n" + lines[0] + lines[1])
    one = signed(parse(LOG.asks(0, 3)), BOTH)
    assert one.note == LOG.head(3), "one key of two is enough, whichever"


def test_why_a_head_is_not_cosigned_is_told_in_the_order_of_the_page() -> None:
    def why(found: Judged) -> object:
        assert isinstance(found.problem, NotConsistent | BadRequest)
        return found.problem.facts["reason"]

    assert why(asking(8, 7, known=8)) == "the old size is larger than that of the checkpoint"
    differs = asking(3, 9, known=5).problem
    assert isinstance(differs, OldSizeDiffers)
    assert differs.facts == {"size": 5}
    first = asking(3, 9).problem
    assert isinstance(first, OldSizeDiffers)
    assert first.facts == {"size": 0}
    assert why(asking(7, 7, 3, known=7)) == "another root of the same size"
    assert why(asking(7, 12, 3, known=7)) == "the proof does not lead from one to the other"
    needless = parse(request(0, [bytes(32)], LOG.head(3)))
    assert why(judge(needless, signed(needless, LISTED), LISTED, None, None)) == "a proof where none is needed"
    again = parse(request(3, [bytes(32)], LOG.head(3)))
    assert why(judge(again, signed(again, LISTED), LISTED, kept(3), None)) == "a proof where none is needed"
    hollow = parse(request(0, [], LOG.note(LOG.text(0, root=bytes(32)))))
    assert why(judge(hollow, signed(hollow, LISTED), LISTED, None, None)) == "an empty log has another root"


def test_an_empty_log_is_cosigned_and_two_roots_of_it_are_no_evidence() -> None:
    empty = asking(0, 0)
    assert (empty.problem, empty.evidence, empty.head.root) == (None, None, EMPTY_ROOT)
    like = Kept(0, bytes(32), LOG.note(LOG.text(0, root=bytes(32))))
    again = asking(0, 0, like=like)
    assert (again.problem, again.evidence) == (None, None)


def test_two_heads_of_one_size_are_kept_as_evidence_though_the_rest_is_in_order() -> None:
    found = asking(5, 7, known=5, like=kept(7, left_at=6))
    assert isinstance(found.problem, LogFrozen)
    assert found.evidence is not None
    assert found.head == kept(7), "it is kept, whatever is wrong"
    assert (found.evidence.first, found.evidence.second) == (LOG.head(7, 6), LOG.head(7))
    assert found.evidence.to_bytes() == found.evidence.proof
    HeadFork.parse(found.evidence.proof).verify(LOG.key.public, LOG.name)


def test_a_proof_that_leads_to_another_past_is_evidence_and_one_that_leads_nowhere_is_none() -> None:
    found = asking(7, 12, 3, known=7)
    assert found.evidence is not None
    assert found.head == kept(12, left_at=3)
    assert (found.evidence.first, found.evidence.second) == (LOG.head(7), LOG.head(12, 3))
    read = HeadFork.parse(found.evidence.proof)
    assert read.root == root_of(LOG.leaves(7, 3))
    nowhere = parse(request(7, [bytes(32)] * 4, LOG.head(12, 3)))
    told = judge(nowhere, signed(nowhere, LISTED), LISTED, kept(7), None)
    assert isinstance(told.problem, NotConsistent)
    assert told.evidence is None
    wanting = parse(request(7, LOG.proof(7, 12)[1:], LOG.head(12)))
    assert judge(wanting, signed(wanting, LISTED), LISTED, kept(7), None).evidence is None


def test_what_a_second_key_signed_convicts_the_log_too() -> None:
    found = parse(LOG.asks(7, 12, 3))
    evidence = judge(found, signed(found, BOTH), BOTH, kept(7), None).evidence
    assert evidence is not None
    HeadFork.parse(evidence.proof).verify(LOG.key.public, LOG.name)


def test_two_heads_that_different_keys_signed_are_kept_as_they_are() -> None:
    """No single key is convicted by a proof then: the notes speak."""
    found = parse(LATER.asks(7, 7, 3))
    evidence = judge(found, signed(found, BOTH), BOTH, kept(7), kept(7)).evidence
    assert evidence == Evidence(LOG.head(7), LATER.head(7, 3), b"")
    assert evidence.to_bytes() == LOG.head(7) + b"\n" + LATER.head(7, 3)


def test_lines_of_others_pass_a_witness_as_they_are() -> None:
    """Spare bits are cleared where there are any; a line that is none, or no base64, is left to the parser."""
    text = LOG.text(3)
    other = b64encode(key_of("x").public[:8]).decode()
    assert other.endswith("=")
    for line, wanted in [
        (f"— x.example {other}\n", f"— x.example {other}\n"),
        (f"— x.example {other[:-2]}{chr(ord(other[-2]) + 1)}=\n", f"— x.example {other}\n"),
    ]:
        note = LOG.note(text) + line.encode()
        assert parse(request(0, [], note)).note == LOG.note(text) + wanted.encode()
    assert "base64" in str(reason(request(0, [], LOG.note(text) + b"\xe2\x80\x94 x.example AAAAA=\n")))


def test_the_text_of_a_head_is_witnessed_as_its_log_signed_it_whatever_it_ends_in() -> None:
    log = ShownLog("an origin", "odd.example", more="a line with spare bits QR==\n")
    asked = parse(log.asks(0, 3))
    assert asked.text == log.text(3)
    assert signed(asked, ListedLog(log.origin, (log.vkey,))).note == log.head(3)
