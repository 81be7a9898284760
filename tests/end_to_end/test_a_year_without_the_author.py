"""A year without the author: his server is gone, mirrors and witnesses are there, and every installation goes on."""

import contextlib
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.ledger_source import Source, SourceFailed
from scmanager.adapters.mirror_client import upload_folder
from scmanager.adapters.mirror_folder import mirror
from scmanager.adapters.upload_mirror import UploadMirror
from scmanager.adapters.witness_client import cosign_folder
from scmanager.adapters.witness_folder import add_log
from scmanager.domain.ledger import Channel
from scmanager.eventstore.checkpoint import NotSigned
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import policy, submission
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.cosignature import cosign
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, SourceLacks, fetch_head, fetch_manifests
from scmanager.master_ledger.policy import Policy, Vkey
from scmanager.master_ledger.seen import Outcome, judged, witnessed_s
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import Here, Report, verify_plugin, verify_update
from tests.golden.logs import key_of
from tests.support.ledger import CONTENT, NOW_S, RELEASE, artefact, plugin, update
from tests.support.ledger_server import Ledger, served
from tests.support.mirror import make_mirror, mirroring
from tests.support.witness import make_witness, witnessing

YEAR_S = 365 * 86_400
PLUGIN = b"a plugin that the author passed before he went away"
UNTIL_S = NOW_S + 2 * YEAR_S


class World:
    """What is left: folders. `policy` names three witnesses, of whom two are enough."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, MemoryStore()
        self.ledger = Ledger(self.store, folder)
        self.id = manifest_hash(self.ledger.first.statement)
        said = [submission.make(each, [RELEASE]) for each in (update(self.id), plugin(self.id, PLUGIN))]
        self.ledger.say(self.ledger.first, *said)
        self.ledger.fill(300)
        self.ledger.publish()
        key = Vkey(self.ledger.server.origin, 1, self.ledger.server.key.public)
        for n in range(3):
            make_witness(folder / f"w{n}", name=f"witness.example/{n}")
            add_log(folder / f"w{n}", key, None)

    @contextlib.contextmanager
    def witnesses(self, now_s: int, count: int = 3) -> Iterator[Policy]:
        """So many of them answer, with this clock."""
        with contextlib.ExitStack() as stack:
            running = [stack.enter_context(witnessing(self.folder / f"w{n}", now_s)) for n in range(3)]
            lines = []
            for n, (client, held) in enumerate(running):
                address = str(client.base_url).rstrip("/") if n < count else "http://127.0.0.1:1"
                lines.append(f"witness w{n} {held.vkeys[n % 2]} {address}")  # One of them by ML-DSA-44.
            yield policy.parse("\n".join([*lines, "group two 2 w0 w1 w2", "quorum two", ""]).encode())


class Installation:
    """A machine of somebody's, with what it remembers."""

    def __init__(self, folder: Path, world: World, rules: Policy) -> None:
        self.memory, self.rules = LedgerMemory(folder, world.id), rules

    def ask(self, source: str, now_s: int) -> None:
        read = Source(source).read
        self.memory.see(lambda before: fetch_manifests(before, read))
        outcome = self.memory.see(lambda before: fetch_head(before, read, self.rules, now_s))
        if outcome.problem:
            raise outcome.problem

    def verify(self, source: str, data: bytes, now_s: int) -> Report:
        """`scm verify --from`: an update, or a plugin."""
        check = verify_update if data == CONTENT else verify_plugin
        self.ask(source, now_s)
        proof = Source(source).proof_of(cid(sha256(data).digest()))
        here = Here("1.0.0", Channel.STABLE, now_s)
        report = check(artefact(data), proof, self.memory.read().keys(), self.rules, here)
        return self.memory.see(lambda seen: judged(seen, report, self.rules, now_s)).report


def copied(source: str, to: Path, rules: Policy, world: World, now_s: int) -> Path:
    """`scm ledger mirror`, by somebody with a fresh machine."""
    keeper = Installation(to.with_name(f"{to.name}.state"), world, rules)
    keeper.ask(source, now_s)
    read = Source(source).read
    mirror(read, read(CHECKPOINT, 1 << 17), read(MANIFESTS, 1 << 20), to)
    return to


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def test_a_year_without_the_author(world: World, tmp_path: Path) -> None:
    with world.witnesses(NOW_S) as rules:
        cosign_folder(world.ledger.public, rules, UNTIL_S)
    old = Installation(tmp_path / "old", world, rules)
    with served(world.ledger.public) as author:
        assert old.verify(author, CONTENT, NOW_S).remarks == ()
        first = copied(author, tmp_path / "mirror", rules, world, NOW_S)
    shutil.rmtree(world.ledger.public)
    with pytest.raises(SourceFailed):
        old.ask(author, NOW_S + 60)

    later_s = NOW_S + YEAR_S
    with served(first) as url:
        # Nobody cosigned for a year: it is said how long, and refuses nothing, here and on a machine of today.
        for each in (old, Installation(tmp_path / "new", world, rules)):
            for data in (CONTENT, PLUGIN):
                report = each.verify(url, data, later_s)
                assert report.ok, report.problems
                assert report.remarks == (
                    "A quorum of witnesses saw this head 365 days ago: there may be newer releases, or keys.",
                )
        second = copied(url, tmp_path / "second", rules, world, later_s)

    # Whoever keeps a mirror asks those witnesses that are left: then it is known again that nothing newer is shown.
    with world.witnesses(later_s, count=2) as rules:
        _, words = cosign_folder(second, rules, UNTIL_S)
    assert [each.problem is None for each in words] == [True, True, False]
    with served(second) as url:
        report = old.verify(url, CONTENT, later_s)
        assert (report.ok, report.remarks) == (True, ())
        assert witnessed_s(old.memory.read(), rules, later_s) == later_s

    # He is back: the same log goes on, and every witness and mirror follows.
    world.ledger.fill(7)
    world.ledger.publish()
    with world.witnesses(later_s + 60) as rules:
        cosign_folder(world.ledger.public, rules, UNTIL_S)
    with served(world.ledger.public) as url:
        assert old.verify(url, CONTENT, later_s + 60).ok
        assert copied(url, second, rules, world, later_s + 60)
    assert (second / CHECKPOINT).read_bytes().split(b"\n")[1] == b"311"


def test_mirrors_that_it_was_uploaded_to_stand_in_for_him(world: World, tmp_path: Path) -> None:
    """Theirs are the plain files of C2SP: keys come with the program, proofs lie beside what was downloaded."""
    key, later_s = Vkey(world.ledger.server.origin, 1, world.ledger.server.key.public), NOW_S + YEAR_S
    make_mirror(tmp_path / "m")
    add_log(tmp_path / "m", key, None)

    def uploaded(folder: Path, client: httpx.Client, held: UploadMirror) -> Policy:
        rules = policy.parse(f"witness m {held.vkeys[1]} {client.base_url}\nquorum m\n".encode())
        assert [each.problem for each in upload_folder(folder, rules, UNTIL_S)[1]] == [None]
        return rules

    with mirroring(tmp_path / "m", NOW_S) as both:
        rules = uploaded(world.ledger.public, *both)
    proof = Source(str(world.ledger.public)).proof_of(cid(sha256(CONTENT).digest()))
    world.ledger.public.rename(tmp_path / "kept by somebody")
    with mirroring(tmp_path / "m", later_s) as both:
        source = f"{both[0].base_url}/{sha256(key.name.encode()).hexdigest()}"
        machine = Installation(tmp_path / "new", world, rules)
        with pytest.raises(SourceLacks):
            machine.ask(source, later_s)  # No mirror of whichever log has keys to go by.
        machine.memory.see(lambda before: Outcome(before.with_manifests((world.ledger.first,))))
        machine.ask(source, later_s)
        assert witnessed_s(machine.memory.read(), rules, later_s) == NOW_S
        here = Here("1.0.0", Channel.STABLE, later_s)
        report = verify_update(artefact(CONTENT), proof, machine.memory.read().keys(), rules, here)
        assert machine.memory.see(lambda seen: judged(seen, report, rules, later_s)).report.ok
        uploaded(tmp_path / "kept by somebody", *both)
        machine.ask(source, later_s)
        assert witnessed_s(machine.memory.read(), rules, later_s) == later_s, "it is known that nothing is newer"
        world.ledger.fill(7)
        world.ledger.publish()
        uploaded(world.ledger.public, *both)
        machine.ask(source, later_s)
    assert [each.point().size for each in machine.memory.read().heads] == [311]


def test_what_a_quorum_cannot_do(world: World, tmp_path: Path) -> None:
    """All witnesses together and every mirror cannot make a head, a statement, or a key that the author did not."""
    keys = [key_of(f"colluding {n}") for n in range(3)]
    lines = [f"witness w{n} {Vkey(f'w{n}.example', 4, key.public).text()}" for n, key in enumerate(keys)]
    rules = policy.parse("\n".join([*lines, "group two 2 w0 w1 w2", "quorum two", ""]).encode())

    def cosigned(text: str, signed: bytes) -> bytes:
        return signed + b"".join(cosign(text, f"w{n}.example", key, NOW_S) for n, key in enumerate(keys))

    head = world.ledger.server.head()
    checkpoint = world.ledger.public / CHECKPOINT
    checkpoint.write_bytes(cosigned(head.text(), b"\n".join([head.text().encode(), b""])))
    with served(world.ledger.public) as url, pytest.raises(NotSigned):
        Installation(tmp_path / "a", world, rules).ask(url, NOW_S)
    good = world.ledger.server.note(witnesses=())
    checkpoint.write_bytes(cosigned(head.text(), good))
    with served(world.ledger.public) as url:
        machine = Installation(tmp_path / "b", world, rules)
        assert machine.verify(url, CONTENT, NOW_S).ok
        forged = verify_update(
            artefact(b"not his"), Source(url).proof_of(cid(sha256(CONTENT).digest())),
            machine.memory.read().keys(), rules, Here("1.0.0", Channel.STABLE, NOW_S),
        )  # fmt: skip
        assert not forged.ok


def test_two_witnesses_of_three_are_enough_and_one_is_not(world: World, tmp_path: Path) -> None:
    with world.witnesses(NOW_S, count=1) as rules:
        cosign_folder(world.ledger.public, rules, UNTIL_S)
        with served(world.ledger.public) as url, pytest.raises(Exception, match="witness"):
            Installation(tmp_path / "a", world, rules).ask(url, NOW_S)
    with world.witnesses(NOW_S, count=2) as rules:
        cosign_folder(world.ledger.public, rules, UNTIL_S)
        with served(world.ledger.public) as url:
            Installation(tmp_path / "a", world, rules).ask(url, NOW_S)
