"""The verifier that stands alone: it agrees with ours on whole bundles and on everything that was done to one."""

import ast
import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha3_256, sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import verify_bundle
from scmanager.eventstore import entry
from scmanager.eventstore.checkpoint import Checkpoint, origin, sign_note
from scmanager.eventstore.entry import Dep, Genesis, Recovery, RecoveryKeys, Signature, Statement, digest, encode_json
from scmanager.eventstore.evidence import Bundle, LogShown, Shown
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.multi_proof import prove_many
from scmanager.eventstore.signing import purpose
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.cosignature import KIND
from scmanager.master_ledger.policy import Vkey
from scmanager.master_ledger.statement import manifest_hash
from tests.golden.logs import WholeLog, build, continuation, founding, key_of, org, personal, sealed, some
from tests.support.effort import QUICK, examples
from tests.support.evidence import both, log_shown, resealed, theirs
from tests.support.ledger import (
    CONTENT,
    RELEASE,
    ROOTS,
    WITNESSES,
    Server,
    first_manifest,
    name_of,
    plugin,
    signed,
    update,
)

ROOT = Path(__file__).parent.parent.parent
ORG = Bundle((log_shown(org(), [0, 1, 2, 5], (0, 1), (2, 5)),))
KEEPERS = tuple(key_of(f"keeper {n}") for n in range(3))
QUORUM = RecoveryKeys(2, tuple(each.public for each in KEEPERS))


def recoverable(public: bytes) -> Genesis:
    return Genesis(
        (), (), b"", "org", "ed25519", public, some("salt"), recovery=QUORUM, device=some("d"), box=some("b")
    )


def recovered(signers: int = 2, **changed: object) -> Bundle:
    """An organisation, and its founder's new log by two of its three recovery keys."""
    before = build("recoverable", recoverable, [sealed("plain")])
    space = before.own.head.space

    def genesis(public: bytes) -> Genesis:
        said = Statement(space, 1, (space,), public, some("d2"), some("b2"), (), 2, QUORUM.keys)
        said = msgspec.structs.replace(said, **changed)
        message = purpose("recovery") + encode_json(said)
        signatures = tuple(Signature(each.public, each.sign(message)) for each in KEEPERS[:signers])
        return Genesis((), (), space, "org", "ed25519", public, some("s"), recovers=Recovery(said, signatures))

    after = build("recovered", genesis, [sealed("recovered")])
    return Bundle((log_shown(before, [0]), log_shown(after, [0, 1])))


def enrolled(seq: int = 0, more: int = 0) -> Bundle:
    """The founder's log, whose entry 1 takes another member's in, and that one."""
    space = build("org", founding("org", "org"), [sealed("any")]).own.head.space
    guest = build(
        "guest",
        lambda public: Genesis((), (), space, "org", "ed25519", public, some("salt of guest")),
        [sealed("greeting")],
    )
    deps = [Dep(guest.own.head.log, seq, some("its id"))] + [Dep(some(f"x {n}"), 0, some("id")) for n in range(more)]
    host = build("org", founding("org", "org"), [sealed("granted", {}, deps=tuple(deps)), sealed("more")])
    return Bundle((log_shown(host, [0, 1]), log_shown(guest, [0, 1], (0,), (1,))))


WHOLE: dict[str, Callable[[], Bundle]] = {
    "entries of one log": lambda: ORG,
    "all of a log": lambda: Bundle((log_shown(org(), range(7), range(16), range(1, 7)),)),
    "nothing but its beginning": lambda: Bundle((log_shown(org(), [0]),)),
    "a personal space": lambda: Bundle((log_shown(personal(), [0, 1], (0, 1), (1,)),)),
    "a log that goes on": lambda: Bundle((log_shown(org(), [0]), log_shown(continuation(), [0, 1]))),
    "a log that recovers": recovered,
    "a log that was taken in": enrolled,
}


@pytest.mark.parametrize("name", WHOLE)
def test_both_take_what_is_whole(name: str) -> None:
    assert both(WHOLE[name]().to_bytes())


def changed(bundle: Bundle, at: int, **fields: object) -> Bundle:
    logs = [msgspec.structs.replace(log, **fields) if n == at else log for n, log in enumerate(bundle.logs)]
    return Bundle(tuple(logs), bundle.manifests)


def of_another_space() -> Bundle:
    return Bundle((log_shown(org(), [0]), log_shown(personal(), [0, 1])))


def with_entries(change: Callable[[list[Shown]], list[Shown]]) -> Bundle:
    return changed(ORG, 0, entries=tuple(change(list(ORG.logs[0].entries))))


def said_by_another(entries: list[Shown]) -> list[Shown]:
    other = personal()
    return [*entries[:1], Shown(1, other.entries[1]), *entries[2:]]


def proved_anew(log: WholeLog, forged: bytes) -> Bundle:
    """An entry put in another's place, with the proof of a tree that nobody signed."""
    leaves = [leaf_hash(each) for each in [*log.entries[:1], forged, *log.entries[2:]]]
    hashes = prove_many([0, 1], len(leaves), lambda low, high: root_of(leaves[low:high]))
    return Bundle((LogShown((Shown(0, log.entries[0]), Shown(1, forged)), tuple(hashes), log.note),))


def signed_over(entries: list[bytes], seqs: list[int]) -> Bundle:
    """What the log's own key signed, though no reader takes it."""
    log = org()
    leaves = [leaf_hash(each) for each in entries]
    point = Checkpoint(origin(log.own.head.space, log.own.head.log), len(leaves), root_of(leaves))
    hashes = prove_many(seqs, len(leaves), lambda low, high: root_of(leaves[low:high]))
    shown = tuple(Shown(seq, entries[seq]) for seq in seqs)
    return Bundle((LogShown(shown, tuple(hashes), sign_note(point, log.signer)),))


def unchained() -> Bundle:
    entries = org().entries
    return signed_over([*entries[:2], entries[2][:52] + bytes(63) + b"x" + entries[2][116:]], [0, 1, 2])


def dated_back() -> Bundle:
    entries = org().entries
    return signed_over([*entries[:2], entries[2][:44] + (1).to_bytes(8, "big") + entries[2][52:]], [0, 1, 2])


HOSTILE: dict[str, Callable[[], Bundle]] = {
    "an entry removed": lambda: with_entries(lambda entries: entries[:2] + entries[3:]),
    "an entry moved": lambda: with_entries(
        lambda entries: [*entries[:2], msgspec.structs.replace(entries[2], seq=3), *entries[3:]]
    ),
    "two entries swapped": lambda: with_entries(
        lambda entries: [
            entries[0],
            msgspec.structs.replace(entries[2], seq=1),
            msgspec.structs.replace(entries[1], seq=2),
            *entries[3:],
        ]
    ),
    "an entry inserted": lambda: with_entries(
        lambda entries: [*entries[:3], Shown(4, org().entries[4]), *entries[3:]]
    ),
    "an entry of another log": lambda: with_entries(said_by_another),
    "an entry with another proof": lambda: proved_anew(org(), personal().entries[1]),
    "an entry beyond the head": lambda: with_entries(lambda entries: [*entries, Shown(7, org().entries[6])]),
    "a part of another entry": lambda: with_entries(
        lambda entries: [*entries[:2], msgspec.structs.replace(entries[2], parts=entries[3].parts), *entries[3:]]
    ),
    "a key of another entry": lambda: with_entries(
        lambda entries: [*entries[:2], msgspec.structs.replace(entries[2], keys=entries[3].keys), *entries[3:]]
    ),
    "a part that the entry does not name": lambda: with_entries(
        lambda entries: [*entries[:3], msgspec.structs.replace(entries[3], parts=((9, b"said"),), keys=())]
    ),
    "a note of another log": lambda: changed(ORG, 0, note=personal().note),
    "a hash too many": lambda: changed(ORG, 0, hashes=(*ORG.logs[0].hashes, bytes(32))),
    "a hash too few": lambda: changed(ORG, 0, hashes=ORG.logs[0].hashes[:-1]),
    "hashes swapped": lambda: changed(ORG, 0, hashes=tuple(reversed(ORG.logs[0].hashes))),
    "one log twice": lambda: Bundle((*ORG.logs, *ORG.logs)),
    "one head twice": lambda: Bundle((*ORG.logs, log_shown(org(), [0]))),
    "a log of another space": of_another_space,
    "a log that goes on, without the one before": lambda: Bundle((log_shown(continuation(), [0, 1]),)),
    "the founding log last": lambda: Bundle((log_shown(continuation(), [0, 1]), log_shown(org(), [0]))),
    "a recovery by one key of two": lambda: recovered(1),
    "a recovery of another number": lambda: recovered(n=2),
    "a recovery that builds on another": lambda: recovered(on=(some("other"),)),
    "an entry that does not continue the one before it": unchained,
    "an entry dated before the one before it": dated_back,
    "an entry that stands at another place": lambda: signed_over([*org().entries[:2], org().entries[3]], [0, 2]),
    "a log that only its head was seen of": lambda: enrolled(seq=1),
    "a log taken in beside another": lambda: enrolled(more=1),
    "a log without the entry that took it in": lambda: Bundle(
        (log_shown(build("org", founding("org", "org"), [sealed("any")]), [0]), enrolled().logs[1])
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_both_refuse_what_does_not_hold(name: str) -> None:
    assert not both(HOSTILE[name]().to_bytes())


def flipped(data: bytes, at: int, bits: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


@cache
def small() -> bytes:
    return Bundle((log_shown(org(), [0, 2], (0, 1), (2,)),)).to_bytes()


@pytest.mark.parametrize("name", ["entries of one log", "a log that goes on"])
def test_no_byte_can_change(name: str) -> None:
    data = WHOLE[name]().to_bytes()
    for at in range(0, len(data), 7 if QUICK else 1):
        assert not both(flipped(data, at, 1)), at


def test_no_byte_can_change_by_who_makes_the_last_line_anew() -> None:
    data = small()
    assert both(data)
    end = data.rindex(b"\nend ")
    for at in range(0, end, 5 if QUICK else 1):
        assert not both(resealed(flipped(data, at, 1))), at


@settings(max_examples=examples(200))
@given(st.data())
def test_bytes_put_in_or_taken_out_are_seen(data: st.DataObject) -> None:
    before = small()
    at = data.draw(st.integers(0, before.rindex(b"\nend ") - 1))
    piece, cut = data.draw(st.binary(max_size=3)), data.draw(st.integers(0, 60))
    after = resealed(before[:at] + piece + before[at + cut :])
    assert both(after) == (after == before)


@settings(max_examples=examples(300))
@given(st.binary(max_size=300))
def test_noise_is_wrong_and_nothing_else_happens(data: bytes) -> None:
    for each in (data, resealed(b"scm-evidence/1\n" + data + b"\nend x\n"), b"c2sp.org/tlog-proof@v1\n" + data):
        assert theirs(each)[1]
        assert theirs(each, log="x+y+z")[1]


def test_no_tail_can_be_missing() -> None:
    data = small()
    for length in range(0, len(data), 11):
        assert not both(data[:length])


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(verify_bundle.__file__).read_text(encoding="utf-8"))
    names = {each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names == {"nacl"}


def test_it_runs_by_itself_and_says_sentences(tmp_path: Path) -> None:
    alone, file = tmp_path / "verify_bundle.py", tmp_path / "x.scm-evidence"
    alone.write_bytes(Path(verify_bundle.__file__).read_bytes())
    file.write_bytes(ORG.to_bytes())

    def run(*arguments: object) -> tuple[int, str]:
        command = [sys.executable, "-I", str(alone), *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout

    code, told = run(file)
    assert (code, told.count("WRONG")) == (0, 0)
    assert "4 of its 7 entries are here, and its own key signed the head." in told
    assert '"type":"golden.personal/1"' in told
    space = org().own.head.space.hex()
    assert run(file, "--space", space[:16])[0] == 0
    assert run(file, "--space", space[:15])[0] == 1
    assert run(file, "--space", "00")[0] == 1
    assert run(file, "--ledger", space)[0] == 1
    file.write_bytes(flipped(ORG.to_bytes(), 500, 1))
    code, told = run(file)
    assert (code, "WRONG: it was cut off or changed" in told) == (1, True)
    assert run(tmp_path / "none")[0] == 2


def test_without_the_library_it_says_which_one_it_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", verify_bundle.__file__, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "PyNaCl is needed to check signatures, and is not installed here: pip install pynacl\n"


# The author's ledger


@cache
def server() -> Server:
    made = Server()
    manifest = first_manifest(made)
    made.append(manifest)
    ledger = manifest_hash(manifest.statement)
    made.append(submission.make(update(ledger), [RELEASE]))
    made.append(submission.make(plugin(ledger, b"ore"), [RELEASE]))
    return made


@cache
def ledger() -> bytes:
    return manifest_hash(first_manifest(server()).statement)


def ledger_bundle(made: Server | None = None, **fields: object) -> Bundle:
    made = made or server()
    hashes = prove_many([0, 1, 2], len(made.leaves), lambda low, high: root_of(made.leaves[low:high]))
    entries = tuple(
        Shown(seq, one.data, ((0, shared),) if shared else ()) for seq, (one, shared) in enumerate(made.said[:3])
    )
    log = LogShown(entries, tuple(hashes), made.note(witnesses=()))
    line = submission.encode([first_manifest(made)]).removesuffix(b"\n")
    return Bundle((msgspec.structs.replace(log, **fields),), (line,))


def test_a_bundle_of_the_ledger_leads_from_the_root_keys_to_what_the_release_key_signed() -> None:
    data = ledger_bundle().to_bytes()
    assert both(data)
    holds, wrong = theirs(data, ledger=ledger().hex())
    assert not wrong
    assert "  entry 2 is signed by 1 of the author's release keys." in holds
    assert theirs(data, ledger="00")[1]
    for at in range(0, data.rindex(b"\nend "), 97 if QUICK else 23):
        assert not both(resealed(flipped(data, at, 1))), at


def test_what_the_release_key_did_not_sign_is_told() -> None:
    made = Server()
    made.append(first_manifest(made))
    made.append(submission.make(update(manifest_hash(first_manifest(made).statement)), [key_of("thief")]))
    assert not both(ledger_bundle(made).to_bytes())


def test_a_log_that_the_manifests_do_not_list_is_told() -> None:
    other = Server("other")
    line = submission.encode([first_manifest(other)]).removesuffix(b"\n")
    assert not both(msgspec.structs.replace(ledger_bundle(), manifests=(line,)).to_bytes())


def test_manifests_that_do_not_follow_each_other_are_told() -> None:
    first = first_manifest(server())
    line = submission.encode([first]).removesuffix(b"\n")
    assert not both(msgspec.structs.replace(ledger_bundle(), manifests=(line, line)).to_bytes())
    alone = submission.encode([signed(first.statement, ROOTS[0])]).removesuffix(b"\n")
    assert not both(msgspec.structs.replace(ledger_bundle(), manifests=(alone,)).to_bytes())


def test_a_witness_is_asked_for_by_name() -> None:
    made = server()
    data = msgspec.structs.replace(ledger_bundle()).to_bytes()
    vkeys = [Vkey(name_of(each), KIND, each.public).text() for each in WITNESSES]
    assert theirs(data, witness=vkeys[:1])[1], "it has not cosigned"
    cosigned = ledger_bundle(note=made.note()).to_bytes()
    assert not theirs(cosigned, witness=vkeys)[1]
    assert both(cosigned)
    note = made.note().decode().splitlines(keepends=True)
    bad = note[-1][:-10] + ("A" if note[-1][-10] != "A" else "B") + note[-1][-9:]
    forged = ledger_bundle(note="".join([*note[:-1], bad]).encode()).to_bytes()
    assert theirs(forged, witness=vkeys)[1], "a known witness with a signature that does not hold"


# Proofs of logging


def log_key() -> str:
    return issuing.vkey_of(server().log, server().origin)


@pytest.mark.parametrize("index", [1, 2, 3])
def test_a_proof_of_logging_is_checked_too(index: int) -> None:
    data = server().proof(index).to_bytes()
    holds, wrong = theirs(data, log=log_key())
    assert not wrong
    assert holds[0].startswith(f"Entry {index} stands in the log")
    assert theirs(data)[1], "whose log it is has to be said"
    assert theirs(data, log=issuing.vkey_of(Server("other").log, Server("other").origin))[1]


def test_no_byte_of_a_proof_of_logging_can_change() -> None:
    data = server().proof(2, note=server().note(witnesses=())).to_bytes()
    assert not theirs(data, log=log_key())[1]
    for at in range(0, len(data), 5 if QUICK else 1):
        assert theirs(flipped(data, at, 1), log=log_key())[1], at


def manifests_of(made: Server) -> bytes:
    return submission.encode([first_manifest(made)])


def test_a_proof_of_logging_is_about_one_file() -> None:
    data, told, digest = server().proof(2).to_bytes(), manifests_of(server()), sha256(CONTENT).digest()
    holds, wrong = theirs(data, log=log_key(), manifests=told, artefact=digest, ledger=ledger().hex())
    assert not wrong
    assert "  entry 2 is signed by 1 of the author's release keys." in holds
    for changed in (
        {"artefact": sha256(CONTENT + b"more").digest()},
        {"manifests": None},
        {"manifests": told[:-1]},
        {"manifests": b""},
        {"ledger": "00"},
        {"manifests": manifests_of(Server("other")), "ledger": None},
    ):
        asked = {"log": log_key(), "manifests": told, "artefact": digest, "ledger": ledger().hex()} | changed
        assert theirs(data, **asked)[1], changed
    other = server().proof(1).to_bytes()
    assert not theirs(other, log=log_key(), manifests=told)[1]
    assert theirs(other, log=log_key(), manifests=told, artefact=digest)[1], "a manifest publishes no file"


def test_whoever_has_the_key_of_the_log_alone_publishes_nothing() -> None:
    made = Server()
    made.append(first_manifest(made))
    index = made.append(submission.make(update(ledger()), [key_of("thief")]))
    data, asked = made.proof(index).to_bytes(), {"log": log_key(), "artefact": sha256(CONTENT).digest()}
    assert theirs(data, **asked)[1], "without manifests nothing is known of release keys"
    assert theirs(data, **asked, manifests=manifests_of(made))[1]
    holds, wrong = theirs(data, log=log_key())
    assert not wrong
    assert any("NOT CHECKED" in each for each in holds)


def test_what_is_asked_wrongly_is_told_as_that(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of it makes a file wrong, and nothing that was asked goes unanswered."""
    bundle, proof, zipped = (tmp_path / name for name in ("x.scm-evidence", "x.tlog-proof", "x.zip"))
    manifests, log = tmp_path / "author-keys.jsonl", log_key()
    bundle.write_bytes(ORG.to_bytes())
    made = Server()
    made.append(first_manifest(made))
    index = made.append(submission.make(plugin(ledger(), name="採掘 台帳"), [RELEASE]))
    proof.write_bytes(made.proof(index).to_bytes())
    zipped.write_bytes(CONTENT)
    manifests.write_bytes(manifests_of(server()))
    whole = (proof, "--log", log, "--manifests", manifests, "--artefact", zipped)

    def run(*arguments: object) -> tuple[int, str]:
        code = verify_bundle.main(list(map(str, arguments)))
        return code, capsys.readouterr().out

    command = [sys.executable, verify_bundle.__file__, *map(str, whole)]
    narrow = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, capture_output=True, check=False, env=narrow)
    assert (done.returncode, done.stderr, b"\\u63a1" in done.stdout) == (0, b"", True), done.stdout
    assert run(*whole)[0] == 0
    code, said = run(bundle, bundle)
    assert (code, said.count(f"{bundle}:"), said.count("All of it holds.")) == (0, 2, 2)
    code, said = run(bundle, zipped)
    assert (code, said.count("This proves nothing.")) == (1, 1)
    asked: tuple[tuple[object, ...], ...] = (
        (bundle, "--witness", "x"),
        (bundle, "--witness", log),
        (bundle, "--log", log),
        (bundle, "--artefact", zipped),
        (bundle, "--manifests", manifests),
        (proof,),
        (proof, "--log", "x+y+z"),
        (proof, "--log", log, "--artefact", zipped),
        (proof, "--log", log, "--ledger", "00"),
        (proof, "--log", log, "--space", "00"),
        (proof, "--log", log, "--artefact", tmp_path / "none"),
        (proof, "--log", log, "--manifests", tmp_path / "none"),
    )
    for arguments in asked:
        code, told = run(*arguments)
        assert (code, told.count("\n"), "WRONG" in told) == (2, 1, False), (arguments, told)
    zipped.write_bytes(CONTENT + b"more")
    assert run(*whole)[0] == 1


# What the log's own key signed, though no reader takes it


def resigned(seq: int, said: bytes) -> bytes:
    """An organisation's log with other JSON in one entry, signed anew by its key: what its writer can do."""
    log = org()
    entries = [*log.entries[:seq], log.entries[seq][:116] + said]
    space = log.own.head.space if seq else digest("scm/log/1", entries[0])
    leaves = [leaf_hash(each) for each in entries]
    point = Checkpoint(origin(space, log.own.head.log if seq else space), len(leaves), root_of(leaves))
    shown = tuple(Shown(n, each) for n, each in enumerate(entries))
    return Bundle((LogShown(shown, (), sign_note(point, log.signer)),)).to_bytes()


def test_what_is_signed_anew_as_it_was_holds() -> None:
    assert all(both(resigned(seq, org().entries[seq][116:])) for seq in (0, 1, 2))


@pytest.mark.parametrize("seq", [0, 1])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (rb'(?<=,)(\d+)(?=,")', rb"\1.0"),
        (rb'(?<=,)(\d+)(?=,")', b"true"),
        (rb'(?<=,)(\d+)(?=,")', b"-1"),
        (rb'(?<=,)(\d+)(?=,")', b"9007199254740993"),
        (rb'"deps":\[', b'"deps":[["",NaN]'),
        (rb'"deps":\[', b'"deps":[["AA==",Infinity,""]'),
        (rb'"deps":\[', b'"deps":[["\x7f",1,"x"]'),
        (rb'"deps":\[.*?\],"p', b'"deps":{},"p'),
        (rb'"parts":\[\["[^"]*"', b'"parts":[[null'),
        (rb'"parts":\[', b'"parts":[null,'),
        (rb'"m":\d', b'"m":1.0'),
        (rb'"kind":"org"', b'"kind":"club"'),
        (rb'"salt":"[^"]*"', b'"salt":""'),
        (rb'"kind"', b'"continues":null,"kind"'),
        (rb"\}$", b',"more":1}'),
    ],
)
def test_both_refuse_json_that_no_entry_has(seq: int, before: bytes, after: bytes) -> None:
    said, count = re.subn(before, after, org().entries[seq][116:], count=1)
    if count:
        assert not both(resigned(seq, said))


VALUES = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        2,
        -1,
        1.0,
        2**53 - 1,
        2**53,
        10**30,
        "",
        "AA==",
        "org",
        "x",
        "é",
        [],
        [[]],
        {},
        {"m": 1},
    ]
) | st.binary(min_size=32, max_size=32).map(lambda each: b64encode(each).decode())


@settings(max_examples=examples(200))
@given(st.data())
def test_both_agree_on_whatever_a_log_signs(data: st.DataObject) -> None:
    seq = data.draw(st.sampled_from([0, 1, 2, 5]))
    said = json.loads(org().entries[seq][116:])
    at, inner = said, said
    while isinstance(inner, dict | list) and inner:
        at = inner
        key = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
        inner = at[key]
        if data.draw(st.booleans()):
            break
    act = data.draw(st.sampled_from(["set", "drop", "add", "twice"]))
    if act == "set":
        at[key] = data.draw(VALUES)
    elif act == "drop":
        del at[key]
    elif isinstance(at, list):
        at.insert(key, at[key] if act == "twice" else data.draw(VALUES))
    else:
        at[data.draw(st.sampled_from(["continues", "recovers", "more", "box"]))] = data.draw(VALUES)
    both(resigned(seq, json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()))


def recoveries(count: int, signatures: int) -> bytes:
    """A founding log and a chain of recoveries of it, each with its signature so many times."""
    keeper, quorum = KEEPERS[0], RecoveryKeys(1, (KEEPERS[0].public,))
    before = build("chain", lambda public: msgspec.structs.replace(recoverable(public), recovery=quorum), [])
    space = on = before.own.head.space
    logs = [log_shown(before, [0])]
    for n in range(1, count + 1):

        def genesis(public: bytes, n: int = n, on: bytes = on) -> Genesis:
            said = Statement(space, n, (on,), public, some("d"), some("b"), (), 1, quorum.keys)
            row = Signature(keeper.public, keeper.sign(purpose("recovery") + encode_json(said)))
            recovery = Recovery(said, (row,) * signatures)
            return Genesis((), (), space, "org", "ed25519", public, some("s"), recovers=recovery)

        after = build(f"chain {n}", genesis, [])
        said = entry.parse(after.entries[0]).genesis
        assert said is not None
        assert said.recovers is not None
        on = sha3_256(purpose("recovery") + encode_json(said.recovers.statement)).digest()
        logs.append(log_shown(after, [0]))
    return Bundle(tuple(logs)).to_bytes()


def test_a_long_chain_of_recoveries_is_checked_in_little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each signature once, whatever each could build on."""
    asked = []
    verify = verify_bundle.holds_for
    monkeypatch.setattr(verify_bundle, "holds_for", lambda *given: asked.append(1) or verify(*given))
    assert both(recoveries(12, 3))
    assert len(asked) == 13 + 12 * 3


def test_more_manifests_than_a_bundle_may_hold_are_refused_before_they_are_read() -> None:
    many = msgspec.structs.replace(ledger_bundle(), manifests=(b"x" * 60_000,) * 70)
    assert not both(many.to_bytes())
    assert theirs(many.to_bytes())[1] == ["it holds more manifests than a bundle may"]
