"""Witnesses asked for their word: real ones, such as answer nonsense, such as say nothing; none harms another."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters import witness_client
from scmanager.adapters.ledger_source import from_folder
from scmanager.adapters.witness_client import PublishedMeanwhile, Word, cosign_folder
from scmanager.adapters.witness_folder import add_log
from scmanager.application.published import Published
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, parse_note
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import root_of
from scmanager.master_ledger import policy
from scmanager.master_ledger.cosignature import Witness, cosign
from scmanager.master_ledger.cosigning import (
    Answer,
    WitnessNonsense,
    WitnessRefuses,
    WitnessSawOther,
    conversation,
    merged,
    taken,
)
from scmanager.master_ledger.ml_dsa import MlDsaKey
from scmanager.master_ledger.policy import Policy, Vkey
from tests.golden.logs import key_of
from tests.support.effort import examples
from tests.support.ledger import NOW_S
from tests.support.ledger_server import Ledger, answering, whole
from tests.support.witness import ShownLog, make_witness, witnessing

UNTIL_S = NOW_S + 600


class Setting:
    """A published ledger, and two witnesses of it that run."""

    def __init__(self, folder: Path, ledger: Ledger, addresses: list[tuple[str, tuple[str, ...]]]) -> None:
        self.folder, self.ledger, self.addresses = folder, ledger, addresses

    def policy(self, more: str = "", needed: int = 2) -> Policy:
        lines, names = [], []
        for n, (address, vkeys) in enumerate(self.addresses):
            lines += [f"witness e{n} {vkeys[0]} {address}", f"witness p{n} {vkeys[1]} {address}"]
            lines.append(f"group w{n} any e{n} p{n}")
            names.append(f"w{n}")
        text = "\n".join([*lines, *more.splitlines(), f"group all-of-them {needed} {' '.join(names)}"])
        return policy.parse(f"{text}\nquorum all-of-them\n".encode())

    def checkpoint(self) -> bytes:
        return (self.ledger.public / "checkpoint").read_bytes()


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    store = MemoryStore()
    ledger = Ledger(store, tmp_path)
    ledger.fill(300)
    ledger.publish()
    vkey = Vkey(ledger.server.origin, 1, ledger.server.key.public)
    with contextlib.ExitStack() as stack:
        addresses = []
        for n in range(2):
            make_witness(tmp_path / f"w{n}", name=f"witness.example/{n}")
            add_log(tmp_path / f"w{n}", vkey, None)
            client, held = stack.enter_context(witnessing(tmp_path / f"w{n}", NOW_S + n))
            addresses.append((str(client.base_url).rstrip("/"), held.vkeys))
        yield Setting(tmp_path, ledger, addresses)
    store.close()


def test_every_witness_is_asked_and_what_holds_stands_under_the_head(setting: Setting) -> None:
    rules = setting.policy()
    before = setting.checkpoint()
    note, words = cosign_folder(setting.ledger.public, rules, UNTIL_S)
    assert setting.checkpoint() == note
    assert note.startswith(before)
    assert [each.problem for each in words] == [None, None]
    assert rules.cosigned(parse_note(note), UNTIL_S) == {
        b"e0": NOW_S, b"p0": NOW_S, b"e1": NOW_S + 1, b"p1": NOW_S + 1,
    }  # fmt: skip
    assert rules.is_met(rules.cosigned(parse_note(note), UNTIL_S))


def test_what_grew_is_cosigned_by_the_proof_from_where_each_witness_is(setting: Setting) -> None:
    cosign_folder(setting.ledger.public, setting.policy(), UNTIL_S)
    setting.ledger.fill(700)
    setting.ledger.publish()
    assert len(parse_note(setting.checkpoint()).signatures) == 1
    note, words = cosign_folder(setting.ledger.public, setting.policy(), UNTIL_S)
    assert [each.problem for each in words] == [None, None]
    assert len(parse_note(note).signatures) == 5
    again, _ = cosign_folder(setting.ledger.public, setting.policy(), UNTIL_S)
    assert len(parse_note(again).signatures) == 5  # Newer words of the same keys take the place of theirs.


def test_the_server_hands_out_proofs_under_the_cosigned_head(setting: Setting) -> None:
    published = Published(from_folder(setting.ledger.public))
    assert published.head().note.count(b"\n\xe2\x80\x94 ") == 1
    note, _ = cosign_folder(setting.ledger.public, setting.policy(), UNTIL_S)
    assert published.head().note == note


def _says(data: bytes) -> Callable[[socket.socket, str], None]:
    return lambda asking, _: asking.sendall(data)


def _never(asking: socket.socket, _: str) -> None:
    with contextlib.suppress(OSError):
        asking.settimeout(5)
        while asking.recv(1024):
            pass


def _endless(asking: socket.socket, _: str) -> None:
    asking.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            asking.sendall(b"x" * 65_536)


MEDIA = "Content-Type: text/x.tlog.size\r\n"


NONSENSE = [
    (_says(whole(b"")), "witness-nonsense"),
    (_says(whole(b"\xff\xfe\n")), "witness-nonsense"),
    (_says(whole(b"hello\n")), "witness-nonsense"),
    (_says(whole("— witness.example/0 AAAAAAAAAAAA\n".encode())), "witness-nonsense"),
    (_says(whole(b"7\n", "409 Conflict")), "witness-nonsense"),
    (_says(whole(b"0\n", "409 Conflict", MEDIA)), "witness-nonsense"),
    (_says(whole(b"7\n", "409 Conflict", MEDIA)), "witness-nonsense"),
    (_says(whole(b"-7\n", "409 Conflict", MEDIA)), "witness-nonsense"),
    (_says(whole(b"07\n", "409 Conflict", MEDIA)), "witness-nonsense"),
    (_says(whole(b"9999\n", "409 Conflict", MEDIA)), "witness-saw-more"),
    (_says(whole(b"", "404 Not Found")), "witness-refuses"),
    (_says(whole(b"", "500 Oops")), "witness-refuses"),
    (_says(whole(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n")), "witness-refuses"),
    (_says(b"no http at all\r\n\r\n"), "witness-silent"),
    (_endless, "witness-nonsense"),
]


def test_nonsense_costs_nothing(setting: Setting) -> None:
    with contextlib.ExitStack() as stack:
        wanted, lines = {}, []
        for n, (answer, code) in enumerate(NONSENSE):
            url = stack.enter_context(answering(answer))
            wanted[url] = code
            lines.append(f"witness bad{n} {Vkey('bad', 4, key_of(f'bad {n}').public).text()} {url}")
        note, words = cosign_folder(setting.ledger.public, setting.policy("\n".join(lines)), UNTIL_S)
    assert {each.address: each.problem.code for each in words if each.problem} == wanted
    assert len(parse_note(note).signatures) == 5


def test_a_line_that_does_not_hold_is_not_taken(setting: Setting) -> None:
    bad = key_of("bad")
    forged = cosign("another head\n", "witness.example/bad", bad, NOW_S)
    with answering(_says(whole(forged))) as url:
        rules = setting.policy(f"witness bad {Vkey('witness.example/bad', 4, bad.public).text()} {url}")
        note, words = cosign_folder(setting.ledger.public, rules, UNTIL_S)
    assert [each.problem.code for each in words if each.problem] == ["witness-nonsense"]
    assert b"witness.example/bad" not in note


def test_an_answer_that_makes_another_text_of_the_head_costs_that_answer_alone(setting: Setting) -> None:
    """Its own key holds over the head with its words under it: nobody else's lines are lost by that."""
    text, bad = parse_note(setting.checkpoint()).text, key_of("bad")
    with contextlib.ExitStack() as stack:
        lines = []
        for n, more in enumerate(("\njunk\n", "\n", "\n\n")):
            answer = f"{more[1:]}\n".encode() + cosign(text + more, "witness.example/bad", bad, NOW_S)
            url = stack.enter_context(answering(_says(whole(answer))))
            lines.append(f"witness bad{n} {Vkey('witness.example/bad', 4, bad.public).text()} {url}")
            note, words = cosign_folder(setting.ledger.public, setting.policy(lines[-1]), UNTIL_S)
            assert [each.problem.code for each in words if each.problem] == ["witness-nonsense"]
            assert len(parse_note(note).signatures) == 5


@settings(max_examples=examples(200))
@given(st.binary(max_size=300), st.sampled_from([b"", b"\n", b"junk\n\n", b"\n\n", b"\r"]), st.booleans())
def test_whatever_is_answered_is_lines_that_hold_or_nonsense(noise: bytes, before: bytes, well: bool) -> None:
    log, key = ShownLog(), key_of("w")
    line = cosign(log.text(5) + ("" if well else before.decode()), "w.example", key, NOW_S)
    witness = Witness("w.example", key.public)
    for answer in (noise, before + line, line + before, noise + line, line + noise):
        try:
            assert taken(log.head(5), answer, (witness,), UNTIL_S) == line
        except WitnessNonsense:
            continue
        assert line in answer


def test_lines_of_others_are_left_out(setting: Setting) -> None:
    text = parse_note(setting.checkpoint()).text
    mine, other = key_of("mine"), key_of("other")
    lines = cosign(text, "witness.example/other", other, NOW_S) + cosign(text, "witness.example/mine", mine, NOW_S)
    with answering(_says(whole(lines))) as url:
        rules = setting.policy(f"witness mine {Vkey('witness.example/mine', 4, mine.public).text()} {url}")
        note, _ = cosign_folder(setting.ledger.public, rules, UNTIL_S)
    assert b"witness.example/mine" in note
    assert b"witness.example/other" not in note


def test_who_says_nothing_is_waited_for_once_and_beside_the_others(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_client, "WITNESS_S", 4)
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(answering(_never)) for _ in range(4)]
        bad = [f"witness n{n} {Vkey('n', 4, key_of(f'n{n}').public).text()} {url}" for n, url in enumerate(urls)]
        bad.append(f"witness gone {Vkey('n', 4, key_of('gone').public).text()} http://127.0.0.1:1")
        bad.append(f"witness odd {Vkey('n', 4, key_of('odd').public).text()} ftp://x")
        began = time.monotonic()
        note, words = cosign_folder(setting.ledger.public, setting.policy("\n".join(bad)), UNTIL_S)
        assert time.monotonic() - began < 12
    codes = sorted(each.problem.code for each in words if each.problem)
    assert codes == ["ledger-address-mistyped", *["witness-silent"] * 5]
    assert len(parse_note(note).signatures) == 5


def test_a_head_that_was_published_meanwhile_is_not_overwritten(setting: Setting) -> None:
    asked = threading.Event()

    def publishes(asking: socket.socket, _: str) -> None:
        setting.ledger.fill(5)
        setting.ledger.publish()
        asked.set()
        asking.sendall(whole(b"", "404 Not Found"))

    with answering(publishes) as url:
        rules = setting.policy(f"witness slow {Vkey('n', 4, key_of('slow').public).text()} {url}")
        with pytest.raises(PublishedMeanwhile):
            cosign_folder(setting.ledger.public, rules, UNTIL_S)
    assert asked.is_set()
    assert len(parse_note(setting.checkpoint()).signatures) == 1


@pytest.fixture
def other(setting: Setting, tmp_path: Path) -> Iterator[Ledger]:
    """Another history by the same key, once the first was cosigned."""
    cosign_folder(setting.ledger.public, setting.policy(), UNTIL_S)
    store = MemoryStore()
    found = Ledger(store, tmp_path / "other")
    found.fill(299)
    found.fill(1)
    found.fill(30)
    found.publish()
    assert found.server.origin == setting.ledger.server.origin
    yield found
    store.close()


def told(words: list[Word]) -> set[str]:
    return {each.problem.code for each in words if each.problem}


def test_a_witness_that_saw_another_history_is_told_as_that_with_where_its_evidence_is(
    setting: Setting, other: Ledger
) -> None:
    """Whether it is the one that showed it, or comes later: then it answers 403, as for an unknown key."""
    for folder in (other.public, other.public, setting.ledger.public):
        note, words = cosign_folder(folder, setting.policy(), UNTIL_S)
        assert told(words) == {"witness-saw-other"}
        assert len(parse_note(note).signatures) == (1 if folder == other.public else 5)
        for each in words:
            evidence = HeadFork.parse(httpx.get(each.evidence, trust_env=False).content)
            evidence.verify(setting.ledger.server.key.public)


def test_nobody_is_accused_by_what_is_no_evidence_against_this_very_log(setting: Setting, other: Ledger) -> None:
    cosign_folder(other.public, setting.policy(), UNTIL_S)
    address = setting.addresses[0][0]
    name = sha256(setting.ledger.server.origin.encode()).hexdigest()
    real = httpx.get(f"{address}/{name}/fork", trust_env=False).content
    others = [ShownLog(), ShownLog(setting.ledger.server.origin)]  # Of another log, by another key.
    others[0].key = setting.ledger.server.key
    forks = [
        HeadFork.make(each.key.public, each.head(7), each.head(7, left_at=2), root_of(each.leaves(7, 2)), ())
        for each in others
    ]
    nothing = [
        b"",
        b"noise",
        *(each.to_bytes() for each in forks),
        real.replace(b"root ", b"root A", 1),
        real + bytes(70_000),
    ]
    for proof, code in [*((each, "witness-refuses") for each in nothing), (real, "witness-saw-other")]:

        def answer(asking: socket.socket, path: str, proof: bytes = proof) -> None:
            asking.sendall(whole(proof) if path == f"{name}/fork" else whole(b"", "403 Forbidden"))

        with answering(answer) as url:
            rules = policy.parse(f"witness w {Vkey('w', 4, key_of('w').public).text()} {url}\nquorum w\n".encode())
            _, words = cosign_folder(setting.ledger.public, rules, UNTIL_S)
            assert (told(words), words[0].evidence) == ({code}, f"{url}/{name}/fork" if proof == real else "")
            (setting.ledger.public / "manifests").rename(setting.folder / "aside")
            assert told(cosign_folder(setting.ledger.public, rules, UNTIL_S)[1]) == {"witness-refuses"}, "whose key?"
            (setting.folder / "aside").rename(setting.ledger.public / "manifests")


@pytest.mark.parametrize("body", [b"", b"%d\n"])
def test_another_root_of_the_same_size_is_another_history_by_the_earlier_page_too(
    setting: Setting, body: bytes
) -> None:
    """Version 1.0.0 of tlog-witness answers that with 409, where it is 422 since; some send no size with it."""
    head = Published(from_folder(setting.ledger.public)).head()
    talk, size = conversation(head.note, head.tree, (), UNTIL_S), parse_note(head.note).text.splitlines()[1]
    next(talk)
    assert talk.send(Answer(409, "text/x.tlog.size", f"{size}\n".encode())).startswith(f"old {size}\n".encode())
    with pytest.raises(WitnessSawOther, match=size):
        talk.send(Answer(409, "text/x.tlog.size" if body else "", body and body % int(size)))


def test_a_conflict_without_its_size_is_nonsense_elsewhere(setting: Setting) -> None:
    head, log = Published(from_folder(setting.ledger.public)).head(), ShownLog()
    talk, empty = conversation(head.note, head.tree, (), UNTIL_S), conversation(log.head(0), head.tree, (), UNTIL_S)
    next(talk)
    talk.send(Answer(409, "text/x.tlog.size", b"7\n"))
    next(empty)
    for each in (talk, empty):
        with pytest.raises(WitnessNonsense, match="without its size"):
            each.send(Answer(409, "", b""))


def test_conversations_end(setting: Setting) -> None:
    """A witness whose size changes each time is left after some tries."""
    head = Published(from_folder(setting.ledger.public)).head()
    talk = conversation(head.note, head.tree, (), UNTIL_S)
    next(talk)
    answers = [Answer(409, "text/x.tlog.size", b"%d\n" % size) for size in range(1, 5)]
    for each in answers[:3]:
        assert talk.send(each).startswith(b"old ")
    with pytest.raises(WitnessRefuses, match="409"):
        talk.send(answers[3])


def test_a_witness_is_shown_the_words_of_the_log_alone(setting: Setting) -> None:
    """Some read 10 kB and no more, which three words of the ML-DSA-44 type fill."""
    head = Published(from_folder(setting.ledger.public)).head()
    text = parse_note(head.note).text
    words = cosign(text, "w.example", key_of("w"), NOW_S) + cosign(text, "p.example", MlDsaKey(bytes(32)), NOW_S)
    talk = conversation(head.note + words, head.tree, (), UNTIL_S)
    assert next(talk) == b"old 0\n\n" + head.note
    assert talk.send(Answer(409, "text/x.tlog.size", b"7\n")).endswith(b"\n\n" + head.note)


def test_lines_are_merged_one_a_key() -> None:
    log = ShownLog()
    note, key = log.head(5), key_of("w")
    lines = [cosign(log.text(5), "w.example", key, NOW_S + n) for n in range(3)]
    assert merged(note, lines[0]) == note + lines[0]
    assert merged(merged(note, lines[0]), lines[1]) == note + lines[1]
    assert merged(note, lines[0] + lines[2]) == note + lines[2]
    assert merged(note, b"") == note
    assert len(note) < NOTE_BYTES_MAX


def test_an_answer_alone_proves_nothing() -> None:
    log = ShownLog()
    with pytest.raises(WitnessNonsense):
        taken(log.head(5), cosign(log.text(5), "w.example", key_of("w"), NOW_S), (), UNTIL_S)
