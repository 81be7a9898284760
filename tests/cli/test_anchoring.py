"""What others' logs showed meanwhile stands in the author's ledger: he enters hashes, they have the proof."""

from pathlib import Path

import pytest

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.domain.anchoring import HeadsAnchored
from scmanager.eventstore.checkpoint import Checkpoint, sign_note
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import anchoring, policy, submission
from scmanager.master_ledger.cosignature import cosign
from scmanager.master_ledger.seen import LogForked, with_head
from scmanager.master_ledger.statement import manifest_hash
from tests.cli.conftest import Scm
from tests.support.author import Author
from tests.support.ledger import NOW_S, WITNESSES, name_of
from tests.support.ledger_server import Ledger
from tests.support.witness import ShownLog

PEERS = ShownLog("scm.log/1/peers"), ShownLog("go.sum database tree", "sum.example.org")


@pytest.fixture
def ledger(author: Author) -> tuple[Author, tuple[object, ...]]:
    """A ledger that was begun, and how to name it."""
    ledger = author.begin(author.serve())
    assert author.append("keys")[0].code == 0
    (author / "nobody").write_text("quorum none\n", encoding="ascii")
    for n, each in enumerate(PEERS):
        (author / f"peer-{n}").write_bytes(each.head(40 + n))
    return author, ("--ledger", ledger, "--manifests", author / "keys")


def anchor(author: Author, *more: object) -> object:
    return author.scm("author", "anchor", author / "peer-0", author / "peer-1", *more, "--json", at="server")


def test_heads_are_anchored_and_anybody_can_check_it(ledger: tuple[Author, tuple[object, ...]]) -> None:
    author, whom = ledger
    done = author.scm("author", "anchor", author / "peer-0", author / "peer-1", "--json", at="server")
    assert (done.code, done.json["heads"], done.json["index"]) == (0, 2, 2), done.err
    for n, each in enumerate(PEERS):
        checked = author.scm("verify", "anchor", author / f"peer-{n}", *whom, "--policy", author / "nobody", "--json")
        assert checked.code == 0, checked.err
        assert (checked.json["origin"], checked.json["size"], checked.json["index"]) == (each.origin, 40 + n, 2)
    said = author.scm("verify", "anchor", author / "peer-0.anchor", *whom, "--policy", author / "nobody").out
    assert "Proved: this head was there by" in said


def test_nothing_in_the_ledger_tells_whose_heads_they_are(ledger: tuple[Author, tuple[object, ...]]) -> None:
    author, _ = ledger
    assert anchor(author)
    published = author / "public"
    assert author.scm("author", "publish", published, at="server").code == 0
    everything = b"".join(each.read_bytes() for each in published.rglob("*") if each.is_file())
    for each in PEERS:
        assert each.origin.encode() not in everything
        assert each.name.encode() not in everything


def test_another_head_another_salt_or_another_file_proves_nothing(ledger: tuple[Author, tuple[object, ...]]) -> None:
    author, whom = ledger
    anchor(author)
    check = ("verify", "anchor", author / "peer-0", *whom, "--policy", author / "nobody")
    assert author.scm(*check).code == 0
    good, file = (author / "peer-0").read_bytes(), author / "peer-0.anchor"
    (author / "peer-0").write_bytes(PEERS[0].head(41))
    assert author.scm(*check).error == "bad-anchor"
    (author / "peer-0").write_bytes(good)
    whole = file.read_bytes()
    file.write_bytes((author / "peer-1.anchor").read_bytes())
    assert author.scm(*check).error == "bad-anchor"
    for n in range(0, len(whole), 41):
        file.write_bytes(whole[:n] + bytes((whole[n] ^ 1,)) + whole[n + 1 :])
        assert author.scm(*check).code == 1, n


def test_under_a_quorum_it_is_proved_anew(ledger: tuple[Author, tuple[object, ...]]) -> None:
    author, whom = ledger
    anchor(author)
    check = ("verify", "anchor", author / "peer-0", *whom, "--policy", author / "policy")
    assert author.scm(*check).error == "not-witnessed"
    assert author.scm("author", "publish", author / "public", at="server").code == 0
    note = (author / "public" / "checkpoint").read_bytes()
    text = note.partition(b"\n\n")[0].decode() + "\n"
    cosigned = note + b"".join(cosign(text, name_of(each), each, NOW_S) for each in WITNESSES)
    (author / "public" / "checkpoint").write_bytes(cosigned)
    again = author.scm(
        "author", "anchor", author / "peer-0", author / "peer-1", "--checkpoint", author / "public" / "checkpoint",
        at="server",
    )  # fmt: skip
    assert again.code == 0, again.err
    assert author.scm(*check).code == 0


def test_in_a_log_that_was_seen_with_two_histories_nothing_is_proved(scm: Scm, tmp_path: Path) -> None:
    ledger = Ledger(MemoryStore(), tmp_path)
    ledger.say(ledger.first)
    one, note, salt = manifest_hash(ledger.first.statement), PEERS[0].head(5), bytes(32)
    index = ledger.server.append(HeadsAnchored((anchoring.anchor_of(note, salt),)))
    proof = ledger.server.proof(index, ledger.server.note(witnesses=()))
    (tmp_path / "peer").write_bytes(note)
    (tmp_path / "peer.anchor").write_bytes(anchoring.Anchor(salt, proof).to_bytes())
    (tmp_path / "keys").write_bytes(submission.encode([ledger.first]))
    (tmp_path / "nobody").write_text("quorum none\n", encoding="ascii")
    check = (
        "verify", "anchor", tmp_path / "peer", "--ledger", one.hex(), "--manifests", tmp_path / "keys",
        "--policy", tmp_path / "nobody",
    )  # fmt: skip
    assert scm(*check).code == 0
    memory, point = LedgerMemory(tmp_path / "a.state", one), ledger.server.head()
    other = sign_note(Checkpoint(point.origin, point.size, bytes(32)), ledger.server.key)
    outcome = memory.see(
        lambda seen: with_head(
            seen, other, seen.with_manifests([ledger.first]).keys(), policy.parse(b"quorum none\n")
        )
    )
    assert isinstance(outcome.problem, LogForked), "the head of what was proved is remembered"
    assert scm(*check).error == "ledger-forked"


def test_what_is_wrong_is_named(ledger: tuple[Author, tuple[object, ...]], tmp_path: Path) -> None:
    author, _ = ledger
    (author / "noise").write_bytes(b"no note at all")
    assert author.scm("author", "anchor", author / "noise", at="server").error == "bad-note"
    assert author.scm("author", "anchor", tmp_path / "gone", at="server").error == "file-unreadable"
    anchor(author)
    assert author.scm("author", "anchor", author / "peer-0", at="server").error == "target-taken"
    held = (author / "peer-0.anchor").read_bytes()
    assert author.scm("author", "anchor", author / "peer-0", "--replace", at="server").code == 0
    assert (author / "peer-0.anchor").read_bytes() != held
    (author / "peer-0.anchor").write_bytes(b"a letter")
    assert author.scm("author", "anchor", author / "peer-0", "--replace", at="server").error == "target-taken"
    assert author.scm("author", "anchor", author / "peer-0", at="elsewhere").code == 1
