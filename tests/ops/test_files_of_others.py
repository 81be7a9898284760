"""Files that we did not make: logs and proofs by tessera, heads of Sigsum and of Go's module database."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ops import verify_bundle
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.merkle import EMPTY_ROOT, leaf_hash, root_of
from scmanager.eventstore.tiles import TilePath, parse_bundle, parse_tile
from scmanager.master_ledger.cosignature import KIND, ML_DSA_44
from scmanager.master_ledger.policy import Vkey
from tests.interop.their_log import check_proofs, given, read_all
from tests.support.effort import QUICK

VECTORS = Path(__file__).parent.parent / "vectors"
MADE, TESTDATA = VECTORS / "tessera" / "made", VECTORS / "tessera" / "testdata"
LOG, WITNESS, *THEIR_WITNESS = map(Vkey.parse, (MADE / "vkeys").read_text(encoding="ascii").split())
TESTDATA_LOG = Vkey.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
SUBMITTED = json.loads((VECTORS / "torchwood" / "add-checkpoint.json").read_text(encoding="utf-8"))


def test_a_log_that_tessera_made_is_read_to_the_last_hash_and_its_proofs_hold() -> None:
    assert read_all(MADE, LOG, (WITNESS, *THEIR_WITNESS)).size == 300
    assert [each.kind for each in THEIR_WITNESS] == [KIND, ML_DSA_44]
    assert check_proofs(MADE, LOG, (WITNESS,)) == 3


@pytest.mark.parametrize("size", range(16))
def test_each_head_of_tesseras_own_test_log_has_the_root_of_its_tiles(size: int) -> None:
    data = (TESTDATA / f"checkpoint.{size}").read_bytes()
    note = parse_note(data)
    note.signature_by(TESTDATA_LOG.name, TESTDATA_LOG.key)
    point = AnyCheckpoint.parse(note.text)
    leaves = []
    if size:
        bundle, tile = TilePath(None, 0, size), TilePath(0, 0, size)
        leaves = [leaf_hash(each) for each in parse_bundle((TESTDATA / str(bundle)).read_bytes(), size)]
        assert parse_tile((TESTDATA / str(tile)).read_bytes(), size) == leaves
    assert (point.size, point.root) == (size, root_of(leaves) if leaves else EMPTY_ROOT)
    text, signatures = verify_bundle.note(data)
    verify_bundle.signed(text, signatures, TESTDATA_LOG.name, TESTDATA_LOG.key)
    assert verify_bundle.checkpoint(text) == (point.origin, point.size, point.root)


def proved(index: int = 299) -> tuple[bytes, bytes]:
    return (MADE / f"entry-{index}.tlog-proof").read_bytes(), (MADE / f"entry-{index}").read_bytes()


def wrong(proof: bytes, entry: bytes, witnesses: Sequence[Vkey] = (WITNESS,), log: Vkey = LOG) -> list[str]:
    return verify_bundle.check(proof, given(entry, log, tuple(witnesses)))[1]


def test_no_byte_of_their_proof_or_entry_can_change() -> None:
    proof, entry = proved()
    assert not wrong(proof, entry)
    for at in range(0, len(proof), 5 if QUICK else 1):
        assert wrong(proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :], entry), at
    for at in range(len(entry)):
        assert wrong(proof, entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]), at
    assert wrong(proof, proved(0)[1])
    assert wrong(proof, entry, log=TESTDATA_LOG)


def test_the_head_has_to_begin_with_what_was_asked_for() -> None:
    proof, entry = proved()
    for origin, holds in ((None, True), (LOG.name, True), ("go.sum database tree", False)):
        asked = given(entry, LOG)
        asked.origin = origin
        assert (not verify_bundle.check(proof, asked)[1]) == holds


def test_their_heads_are_read_alike_by_both() -> None:
    """Sigsum's and Go's, as litewitness was asked about them: with names and origins of other forms than ours."""
    keys = {each["origin"]: Vkey.parse(each["vkey"]) for each in SUBMITTED["logs"]}
    read = set()
    for each in SUBMITTED["requests"]:
        if each["status"] != 200:
            continue
        data = each["request"].partition("\n\n")[2].encode()
        note = parse_note(data)
        point = AnyCheckpoint.parse(note.text)
        key = keys[point.origin]
        note.signature_by(key.name, key.key)
        text, signatures = verify_bundle.note(data)
        verify_bundle.signed(text, signatures, key.name, key.key)
        assert verify_bundle.checkpoint(text, more=True) == (point.origin, point.size, point.root)
        read.add(point.origin)
    assert read == set(keys)


def test_proofs_of_others_and_of_an_author_are_asked_for_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, leaf = MADE / "entry-0.tlog-proof", MADE / "entry-0"

    def run(*arguments: object) -> int:
        code = verify_bundle.main([str(file), "--log", LOG.text(), *map(str, arguments)])
        assert ("WRONG" in capsys.readouterr().out) == (code == 1)
        return code

    assert run("--leaf", leaf, "--witness", WITNESS.text()) == 0
    assert run("--leaf", MADE / "entry-150") == 1
    assert run() == 1, "it does not carry an entry of ours"
    for more in (("--manifests", leaf), ("--artefact", leaf), ("--ledger", "00"), ("--space", "00")):
        assert run("--leaf", leaf, *more) == 2
    assert run("--origin", "x") == 2
    with (tmp_path / "long").open("wb") as file_of_zeros:
        file_of_zeros.truncate(verify_bundle.FILE_MOST + 2)
    assert run("--leaf", tmp_path / "long") == 2, "what is not read to its end is not judged"
    assert run("--leaf", tmp_path / "none") == 2
