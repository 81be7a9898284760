"""A log that others made, as files: read with ours, to the last hash, and by the verifier of one file as well."""

import argparse
from pathlib import Path

from ops import verify_bundle
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, parse_note
from scmanager.eventstore.merkle import leaf_hash, root_of, verify_inclusion
from scmanager.eventstore.tiles import WIDTH, TilePath, parse_bundle, parse_tile, tiles_of
from scmanager.master_ledger.cosignature import Witness, cosigned_at
from scmanager.master_ledger.policy import Vkey
from scmanager.master_ledger.proof import Proof
from tests.support.evidence import GIVEN


class NotTheirs(Exception):
    """What lies there is not what its key signed; the argument says what."""


def read_all(folder: Path, log: Vkey, witnesses: tuple[Vkey, ...] = ()) -> AnyCheckpoint:
    """The head, once every bundle and tile led to it and each of these witnesses cosigned it."""
    note = parse_note((folder / "checkpoint").read_bytes()[: NOTE_BYTES_MAX + 1])
    note.signature_by(log.name, log.key)
    point = AnyCheckpoint.parse(note.text)
    for each in witnesses:
        if cosigned_at(note, Witness(each.name, each.key, each.kind)) is None:
            raise NotTheirs(f"{each.name} has not cosigned")
    entries: list[bytes] = []
    while len(entries) < point.size:
        path = TilePath(None, len(entries) // WIDTH, min(WIDTH, point.size - len(entries)))
        entries += parse_bundle((folder / str(path)).read_bytes(), path.width)
    leaves = [leaf_hash(each) for each in entries]
    if root_of(leaves) != point.root:
        raise NotTheirs("its entries are not those under the head")
    for tile, hashes in tiles_of(leaves):
        if parse_tile((folder / str(tile)).read_bytes(), tile.width) != parse_tile(hashes, tile.width):
            raise NotTheirs(f"{tile} has other hashes")
    return point


def check_proofs(folder: Path, log: Vkey, witnesses: tuple[Vkey, ...] = ()) -> int:
    """How many proofs of single entries lie beside it, each taken by our parser and by the verifier of one file."""
    files = sorted(folder.glob("entry-*.tlog-proof"))
    for file in files:
        data, entry = file.read_bytes(), file.with_suffix("").read_bytes()
        proof = Proof.parse(data)
        if proof.to_bytes() != data:
            raise NotTheirs(f"{file.name} is spelled in another way")
        point = AnyCheckpoint.parse(proof.signed().text)
        if not verify_inclusion(proof.index, point.size, leaf_hash(entry), proof.hashes, point.root):
            raise NotTheirs(f"{file.name} does not lead to the head")
        holds, wrong = verify_bundle.check(data, given(entry, log, witnesses))
        if wrong or not holds:
            raise NotTheirs(f"{file.name}: {wrong}")
    return len(files)


def given(entry: bytes, log: Vkey, witnesses: tuple[Vkey, ...] = (), now_s: int = 2**40) -> argparse.Namespace:
    """What is asked of the verifier of one file."""
    asked = GIVEN | {"log": log.text(), "leaf": entry, "now_s": now_s}
    return argparse.Namespace(**asked, witness=[each.text() for each in witnesses])
