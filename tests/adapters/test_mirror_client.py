"""Logs uploaded to mirrors: real ones, and such as answer nonsense; what one does harms no other."""

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters import mirror_client
from scmanager.adapters.ledger_source import Source, from_folder
from scmanager.adapters.mirror_client import upload_folder
from scmanager.adapters.mirror_folder import bundle_at
from scmanager.adapters.upload_mirror import UploadMirror
from scmanager.adapters.witness_folder import add_log
from scmanager.eventstore.checkpoint import Checkpoint, parse_note
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.tile_tree import TileTree
from scmanager.master_ledger import policy, upload_talk
from scmanager.master_ledger.cosigning import Answer, WitnessNonsense
from scmanager.master_ledger.fetching import CHECKPOINT, tiles_from
from scmanager.master_ledger.policy import Policy, Vkey
from scmanager.master_ledger.upload_talk import ADD_CHECKPOINT, MirrorElsewhere, MirrorRefuses, upload
from tests.support import tile_reader
from tests.support.effort import examples
from tests.support.ledger import NOW_S
from tests.support.ledger_server import Ledger, answering, whole
from tests.support.mirror import make_mirror, mirroring

UNTIL_S = NOW_S + 600


class Setting:
    """A published log of 600 entries, and two mirrors of it that run."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.store = MemoryStore()
        self.ledger = Ledger(self.store, folder)
        self.ledger.fill(600)
        self.ledger.publish()
        self.public = self.ledger.public
        self.addresses: list[tuple[str, tuple[str, ...]]] = []
        self.held: list[UploadMirror] = []
        for n in range(2):
            make_mirror(folder / f"m{n}", name=f"mirror.example/{n}")
            add_log(folder / f"m{n}", Vkey(self.ledger.server.origin, 1, self.ledger.server.key.public), None)
            client, held = stack.enter_context(mirroring(folder / f"m{n}", NOW_S + n))
            self.addresses.append((str(client.base_url).rstrip("/"), held.vkeys))
            self.held.append(held)

    def policy(self, *more: str, needed: int = 2) -> Policy:
        """One mirror by its Ed25519 key, the other by ML-DSA-44."""
        lines = [f"witness m{n} {vkeys[n]} {address}" for n, (address, vkeys) in enumerate(self.addresses)]
        text = "\n".join([*lines, *more, f"group enough {needed} m0 m1", "quorum enough", ""])
        return policy.parse(text.encode())

    def monitoring(self, n: int) -> str:
        return f"{self.addresses[n][0]}/{sha256(self.ledger.server.origin.encode()).hexdigest()}"


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    with contextlib.ExitStack() as stack:
        made = Setting(tmp_path_factory.mktemp("uploads"), stack)
        yield made
    made.store.close()


def test_a_log_is_uploaded_grows_and_is_uploaded_from_a_copy(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_talk, "PACKAGES_MAX", 1)  # So that 202 is answered on the way.
    sent: list[int] = []
    rules = setting.policy()
    for more, packages in ((0, 6), (0, 0), (5, 2), (400, 4)):
        if more:
            setting.ledger.fill(more)
        setting.ledger.publish()
        bare = (setting.public / CHECKPOINT).read_bytes()
        sent.clear()
        note, words = upload_folder(setting.public, rules, UNTIL_S, sent.append)
        assert [each.problem for each in words] == [None, None]
        assert note.startswith(bare.rpartition(b"\n\n")[0])
        assert rules.cosigned(parse_note(note), UNTIL_S) == {b"m0": NOW_S, b"m1": NOW_S + 1}
        assert rules.is_met(rules.cosigned(parse_note(note), UNTIL_S))
        assert sum(sent) == packages, "what is there is not sent again"
        for n in range(2):
            read = Source(setting.monitoring(n)).read
            point = Checkpoint.parse(parse_note(read(CHECKPOINT, 1 << 17)).text)
            assert point.text() == parse_note(note).text
            TileTree(point.size, point.root, tiles_from(read))
    size = point.size
    for n in range(2):
        folder = setting.public.parent / f"m{n}" / "public" / setting.monitoring(n).rpartition("/")[2]
        assert tile_reader.bundles(folder, "tile/entries", size) == [
            one.data for one, _ in setting.ledger.server.said
        ]
    shutil.copytree(setting.public, tmp_path / "copy")
    _, words = upload_folder(tmp_path / "copy", rules, UNTIL_S)
    assert [each.problem for each in words] == [None, None], "whoever has a copy may"


def test_one_that_is_silent_or_no_mirror_costs_its_own_word(setting: Setting, tmp_path: Path) -> None:
    make_mirror(tmp_path / "m", name="mirror.example/other")
    key = Vkey("x", 4, setting.ledger.server.key.public).text()
    other = Vkey("y", 4, bytes(32)).text()
    shutil.copytree(setting.public, tmp_path / "copy")
    with mirroring(tmp_path / "m") as (client, _), answering(hello) as odd:
        more = (f"witness x {key} {client.base_url}", f"witness y {other} {odd}")
        _, words = upload_folder(tmp_path / "copy", setting.policy(*more), UNTIL_S)
    assert [each.problem.code if each.problem else "" for each in words] == [
        "",
        "",
        "witness-refuses",
        "witness-nonsense",
    ]
    rules = setting.policy(f"witness z {key} http://127.0.0.1:1")
    _, words = upload_folder(tmp_path / "copy", rules, UNTIL_S)
    assert [each.problem.code if each.problem else "" for each in words] == ["", "", "witness-silent"]


def hello(to: socket.socket, path: str) -> None:
    to.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while to.recv(1 << 16):
            pass
    to.sendall(whole(b"" if path == ADD_CHECKPOINT else b"hello"))


def test_the_words_of_those_who_are_done_wait_for_nobody(setting: Setting, tmp_path: Path) -> None:
    shutil.copytree(setting.public, tmp_path / "copy")
    rules, met = setting.policy(), threading.Event()

    def slow(asking: socket.socket, _: str) -> None:
        end = time.monotonic() + 20
        while not met.is_set() and time.monotonic() < end:
            note = parse_note((tmp_path / "copy" / CHECKPOINT).read_bytes())
            if rules.is_met(rules.cosigned(note, UNTIL_S)):
                met.set()
            time.sleep(0.02)
        asking.sendall(whole(b"hello", "404 Not Found"))

    with answering(slow) as odd:
        more = f"witness x {Vkey('x', 4, setting.ledger.server.key.public).text()} {odd}"
        _, words = upload_folder(tmp_path / "copy", setting.policy(more), UNTIL_S)
    assert met.is_set(), "what others had said lay there while this one kept us waiting"
    assert [each.problem is None for each in words] == [True, True, False]


def test_a_mirror_that_keeps_one_waiting_is_left(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_client, "REQUEST_S", 0.5)

    def slow(to: socket.socket, path: str) -> None:
        if path == ADD_CHECKPOINT:
            to.sendall(whole(b""))
        else:
            to.recv(1)

    shutil.copytree(setting.public, tmp_path / "copy")
    with answering(slow) as address:
        key = Vkey("x", 4, bytes(32)).text()
        rules = policy.parse(f"witness x {key} {address}\nquorum x\n".encode())
        _, words = upload_folder(tmp_path / "copy", rules, UNTIL_S)
    assert [each.problem.code if each.problem else "" for each in words] == ["witness-silent"]


def test_a_log_whose_entries_are_not_published_is_not_uploaded(setting: Setting, tmp_path: Path) -> None:
    shutil.copytree(setting.public, tmp_path / "hashes", ignore=lambda *_: ["entries"])
    setting.ledger.fill(1)
    setting.ledger.publish(tmp_path / "hashes")
    shutil.rmtree(tmp_path / "hashes" / "tile" / "entries")
    _, words = upload_folder(tmp_path / "hashes", setting.policy(), UNTIL_S)
    assert {each.problem.code if each.problem else "" for each in words} == {"ledger-source-lacks"}


def test_a_mirror_that_goes_back_and_forth_gets_the_log_a_few_times(setting: Setting) -> None:
    read = from_folder(setting.public)
    note = read(CHECKPOINT, 1 << 17)
    point = Checkpoint.parse(parse_note(note).text)
    tree = TileTree(point.size, point.root, tiles_from(read))
    talk = upload(note, tree, lambda path: bundle_at(read, str(path), path.width), (), UNTIL_S)
    next(talk)
    request, sent = talk.send(Answer(200, "", b"")), 0
    with contextlib.suppress(MirrorRefuses):
        for n in range(200):
            sent += request.packages
            said = b"%d\n%d\n\n" % (point.size, 256 * (n % 2))
            request = talk.send(Answer(202 if n % 2 else 409, "text/x.tlog.mirror-info", said))
    assert sent <= 8 * -(-point.size // 256)


answers = st.builds(
    Answer,
    st.sampled_from([200, 202, 202, 409, 409, 422, 500]),
    st.sampled_from(["text/x.tlog.mirror-info", "text/x.tlog.mirror-info", "text/plain"]),
    st.one_of(
        st.binary(max_size=60),
        st.builds(lambda a, b, c: b"%d\n%d\n%s\n" % (a, b, c), st.just(600), st.integers(0, 700), st.just(b"")),
        st.builds(
            lambda a, b, c: b"%d\n%d\n%s\n" % (a, b, c), st.integers(0, 700), st.integers(0, 700), st.just(b"QUJD")
        ),
    ),
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(answers, min_size=40, max_size=60))
def test_whatever_a_mirror_answers_it_comes_to_an_end(setting: Setting, said: list[Answer]) -> None:
    read = from_folder(setting.public)
    note = read(CHECKPOINT, 1 << 17)
    point = Checkpoint.parse(parse_note(note).text)
    tree = TileTree(point.size, point.root, tiles_from(read))
    rules = setting.policy()
    talk = upload(note, tree, lambda path: bundle_at(read, str(path), path.width), tuple(rules.witnesses.values()), 1)
    request = next(talk)
    try:
        for each in [Answer(200, "", b""), *said]:
            request = talk.send(each)
            assert b"".join(request.pieces)
    except (WitnessNonsense, MirrorRefuses, MirrorElsewhere):
        return
    pytest.fail("it goes on for ever")
