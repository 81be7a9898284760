"""What a witness answers, without a disk: against a model, to any bytes, and for logs that nobody here wrote."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import BadCheckpoint
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.merkle import consistency_proof, leaf_hash, root_before, root_of
from scmanager.master_ledger import log_list
from scmanager.master_ledger.log_list import BadLogList, ListedLog
from scmanager.master_ledger.policy import Vkey
from scmanager.master_ledger.witnessing import (
    BadRequest,
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
from tests.support.witness import ShownLog, request

LOG = ShownLog("go.sum database tree", "sum.example.org", more="a line\n")
LISTED = ListedLog(LOG.origin, (LOG.vkey,))
SIZES = st.integers(0, 40)
SUMDB = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


@settings(deadline=None)
@given(st.lists(st.tuples(SIZES, SIZES, st.sampled_from([None, None, None, 3])), max_size=12))
def test_it_cosigns_what_a_model_would(steps: list[tuple[int, int, int | None]]) -> None:
    """The model: the leaves that were cosigned, and nothing that is no prefix of what is shown."""
    latest: Kept | None = None
    cosigned: list[bytes] = []
    for old, size, left_at in steps:
        asked = parse(LOG.asks(old, size, left_at))
        found = judge(asked, signed(asked, LISTED), LISTED, latest, None)
        leaves = LOG.leaves(size, left_at)
        if old > size:
            assert isinstance(found.problem, BadRequest)
        elif old != len(cosigned):
            assert isinstance(found.problem, OldSizeDiffers)
            assert found.problem.facts["size"] == len(cosigned)
        elif leaves[:old] != cosigned:
            assert isinstance(found.problem, NotConsistent)
            if found.evidence is not None:
                HeadFork.parse(found.evidence.proof).verify(LOG.key.public, LOG.name)
        else:
            assert found.problem is None
            assert found.head.note == LOG.head(size, left_at)
            latest, cosigned = found.head, leaves
        assert found.evidence is None or leaves[: len(cosigned)] != cosigned


@given(st.binary(max_size=400))
def test_noise_is_no_request(data: bytes) -> None:
    for tried in (data, b"old 0\n\n" + data, LOG.asks(3, 9) + data, data + LOG.asks(3, 9)):
        try:
            parse(tried)
        except BadRequest:
            continue


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_noticed_or_changes_nothing_that_is_signed(at: int, octet: int) -> None:
    good = LOG.asks(3, 9)
    at %= len(good)
    changed = good[:at] + bytes((octet,)) + good[at + 1 :]
    known = Kept(3, root_of(LOG.leaves(3)), LOG.head(3))
    try:
        asked = parse(changed)
        found = judge(asked, signed(asked, LISTED), LISTED, known, None)
    except (BadRequest, LogNotWitnessed, NotByTheLog):
        return
    assert found.evidence is None
    assert found.problem or found.head.note == LOG.head(9)


def test_the_head_of_another_size_is_judged_before_its_like() -> None:
    asked = parse(LOG.asks(2, 7, 3))
    like = Kept(7, root_of(LOG.leaves(7)), LOG.head(7))
    found = judge(asked, signed(asked, LISTED), LISTED, like, like)
    assert isinstance(found.problem, OldSizeDiffers)
    assert found.evidence is not None
    right = parse(LOG.asks(7, 7, 3))
    assert isinstance(judge(right, signed(right, LISTED), LISTED, None, like).problem, OldSizeDiffers)
    fresh = parse(LOG.asks(0, 7, 3))
    assert isinstance(judge(fresh, signed(fresh, LISTED), LISTED, None, like).problem, LogFrozen)


ROOT = "A" * 43 + "="


@pytest.mark.parametrize(
    "text",
    [
        "", "a\n1\n", "a\n1\nAAAA\n", f"a\n1\n{ROOT}", f"\n1\n{ROOT}\n", f"a\n01\n{ROOT}\n",
        f"a\n9223372036854775808\n{ROOT}\n", f"a\n1\n{ROOT}\n\nmore\n", f"a\n1\n{ROOT[:42]}B=\n",
        f"{'o' * 256}\n1\n{ROOT}\n", f"a\n1\n{ROOT}\n{'x' * 4096}\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_of_any_log_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        AnyCheckpoint.parse(text)


def test_a_checkpoint_of_others_is_read() -> None:
    point = AnyCheckpoint.parse("go.sum database tree\n9223372036854775807\n" + "A" * 43 + "=\nmore\n")
    assert point == AnyCheckpoint("go.sum database tree", 2**63 - 1, bytes(32))


@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 80))
def test_a_proof_shows_the_root_it_starts_from(old: int, more: int, left_at: int) -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(old + more)]
    leaves[left_at % len(leaves)] = leaf_hash(b"another")
    proof = consistency_proof(old, leaves)
    shown = root_before(old, old + more, proof, root_of(leaves))
    assert shown == (None if old & (old - 1) == 0 else root_of(leaves[:old]))
    assert root_before(old, old + more, proof, bytes(32)) is None
    assert root_before(old, old + more, proof[1:], root_of(leaves)) is None
    assert root_before(0, old, [], root_of(leaves)) is None


def test_a_public_log_is_listed_as_others_list_it() -> None:
    text = f"# a list\nlogs/v0\n\nvkey {SUMDB}\norigin go.sum database tree\nbastion none\nqpd 864\ncontact a b\n"
    text += f"\nvkey {LOG.vkey.text()}\norigin none\n"
    assert log_list.parse(text.encode()) == {
        "go.sum database tree": ListedLog("go.sum database tree", (Vkey.parse(SUMDB),)),
        LOG.name: ListedLog(LOG.name, (LOG.vkey,)),
    }
    assert log_list.parse(text.replace("\n", "\r\n").encode()).keys() == log_list.parse(text.encode()).keys()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"), ("logs/v1\n", "begin"), ("vkey x\n", "begin"), ("logs/v0\nvkey x\n", "base64|three parts"),
        ("logs/v0\norigin x\n", "before any key"), (f"logs/v0\nvkey {SUMDB}\norigin {'x' * 256}\n", "too long"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadLogList, match=why):
        log_list.parse(text.encode())


@given(st.binary(max_size=200))
def test_noise_is_a_list_or_refused_as_none(data: bytes) -> None:
    for tried in (data, b"logs/v0\n" + data, f"logs/v0\nvkey {SUMDB}\n".encode() + data):
        try:
            log_list.parse(tried)
        except BadLogList:
            continue


def test_evidence_against_a_log_of_others_convinces_by_its_key_and_name(tmp_path: Path) -> None:
    asked = parse(LOG.asks(7, 12, 2))
    known = Kept(7, root_of(LOG.leaves(7)), LOG.head(7))
    evidence = judge(asked, signed(asked, LISTED), LISTED, known, None).evidence
    assert evidence is not None
    read = HeadFork.parse(evidence.to_bytes())
    read.verify(LOG.key.public, LOG.name)
    for key, name in ((ShownLog("x").key.public, LOG.name), (LOG.key.public, LOG.origin), (LOG.key.public, None)):
        with pytest.raises(Untrusted):
            read.verify(key, name)


def test_lines_whose_base64_has_spare_bits_are_read_as_others_read_them() -> None:
    data = request(0, [], LOG.head(9))
    assert data.endswith(b"=\n")
    at = data.rindex(b"=\n") - 1
    while data[at : at + 1] == b"=":
        at -= 1
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spare = alphabet[alphabet.index(data[at : at + 1]) + 1]
    asked = parse(data[:at] + bytes((spare,)) + data[at + 1 :])
    assert signed(asked, LISTED).note == LOG.head(9)


def test_another_root_of_the_same_size_is_never_cosigned() -> None:
    asked = parse(LOG.asks(7, 7, 3))
    known = Kept(7, root_of(LOG.leaves(7)), LOG.head(7))
    assert isinstance(judge(asked, signed(asked, LISTED), LISTED, known, None).problem, NotConsistent)
