"""The author's ledger where it is kept: the same rules and the same proofs over every store."""

import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from scmanager.application.desk import Desk
from scmanager.application.ledger import (
    STATEMENT_BYTES_MAX,
    CountUnusable,
    LedgerNotBegun,
    LedgerThere,
    LogNotOpen,
    count,
)
from scmanager.application.proving import NotEntered, OtherHistory, head_in, prove
from scmanager.application.recovering import message_of, new_statement, take_seat
from scmanager.application.settling import settle
from scmanager.application.writer import Command, Result
from scmanager.domain.counting import PluginCounted
from scmanager.domain.ledger import Final, KeysPublished, LedgerLog, LogKind, Signed
from scmanager.eventstore.checkpoint import Checkpoint, NotSigned, parse_note, sign_note
from scmanager.eventstore.entry import Recovery, Signature
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Row, Store, StoreDamaged
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.cosignature import cosign
from scmanager.master_ledger.counts import LINES_MAX
from scmanager.master_ledger.manifest import DoesNotFollow, SignaturesMissing
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.submission import StatementUnusable, Submission
from scmanager.master_ledger.verification import verify_update
from scmanager.runtime import clock_us
from scmanager.spaces.ledger import entered, keys_of, registry_of
from tests.golden.logs import key_of
from tests.support.ledger import (
    CONTENT,
    HERE,
    NOW_S,
    POLICY,
    RELEASE,
    ROOTS,
    WITHOUT_WITNESSES,
    WITNESSES,
    artefact,
    name_of,
    plugin,
    signed,
    trusted,
)
from tests.support.ledger_space import LedgerSpace, ledger_space

KINDS = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.services)]
HASH = cid(sha256(CONTENT).digest())


@pytest.fixture(params=KINDS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerSpace]:
    store: Store
    if request.param == "memory":
        store = MemoryStore()
    elif request.param == "sqlite":
        store = SqliteStore(tmp_path / "store.db")
    else:
        store = PostgresStore(request.getfixturevalue("writer_dsn"))
    with ledger_space(store) as made:
        yield made
    store.close()


@pytest.fixture
def space() -> Iterator[LedgerSpace]:
    with ledger_space(MemoryStore()) as made:
        yield made


def at_once(space: LedgerSpace, *files: tuple[Submission, ...]) -> list[Result | BaseException]:
    """What came of files that meet in one batch of the writer: the first command waits until all are queued."""
    gate = threading.Event()

    def wait(_: object) -> Result:
        gate.wait(10)
        return {}

    space.writer.submit(Command(bytes(16), space.id, wait))
    futures = [space.writer.submit(space.command(each)) for each in files]
    gate.set()
    return [future.exception(10) or future.result() for future in futures]


def test_what_is_proved_from_a_store_is_what_an_installation_accepts(kept: LedgerSpace) -> None:
    manifest = kept.manifest()
    update = kept.update(manifest)
    assert kept.append(manifest, update)["indices"] == [1, 2]
    tree = kept.tree()
    proof = Proof.parse(prove(tree, kept.entered(), HASH).to_bytes())
    assert verify_update(artefact(), proof.to_bytes(), trusted(manifest), WITHOUT_WITNESSES, HERE).ok
    head = Checkpoint.parse(parse_note(tree.note()).text)
    assert (head.size, head.origin) == (3, tree.origin)
    cosigned = tree.note() + b"".join(cosign(head.text(), name_of(key), key, NOW_S) for key in WITNESSES)
    kept.append(kept.update(manifest, version="1.2.0", content_hash=cid(sha256(b"other").digest())))
    later = prove(kept.tree(), kept.entered(), HASH, cosigned).to_bytes()
    assert verify_update(artefact(), later, trusted(manifest), POLICY, HERE).ok, "against an older head, as cosigned"
    assert not verify_update(artefact(b"x"), later, trusted(manifest), POLICY, HERE).ok


def test_of_several_statements_about_a_file_the_newest_under_the_head_is_proved(space: LedgerSpace) -> None:
    manifest = space.manifest()
    space.append(manifest, space.update(manifest))
    before = space.tree().note()
    space.append(space.update(manifest, version="1.3.0"))
    assert prove(space.tree(), space.entered(), HASH).index == 3
    assert prove(space.tree(), space.entered(), HASH, before).index == 2


def test_what_was_never_entered_or_later_is_not_proved(space: LedgerSpace) -> None:
    manifest = space.manifest()
    space.append(manifest)
    before = space.tree().note()
    with pytest.raises(NotEntered, match="first 2 entries"):
        prove(space.tree(), space.entered(), HASH)
    space.append(space.update(manifest))
    with pytest.raises(NotEntered):
        prove(space.tree(), space.entered(), HASH, before)


def test_only_a_head_of_this_log_s_past_is_taken(space: LedgerSpace) -> None:
    space.append(space.manifest())
    tree, key = space.tree(), space.log_key
    head = Checkpoint(tree.origin, 2, tree.root(2))
    assert head_in(tree, sign_note(head, key)) == head
    for other in (
        Checkpoint(tree.origin, 2, bytes(32)),
        Checkpoint(tree.origin, 3, tree.root(2)),
        Checkpoint(tree.origin[:-1] + ("1" if tree.origin[-1] == "0" else "0"), 2, tree.root(2)),
    ):
        with pytest.raises(OtherHistory):
            head_in(tree, sign_note(other, key))
    with pytest.raises(NotSigned):
        head_in(tree, sign_note(head, key_of("thief")))


def test_a_manifest_that_comes_twice_at_once_is_entered_once(space: LedgerSpace) -> None:
    manifest = space.manifest()
    more: Submission = submission.sign(manifest, [ROOTS[2]])
    first, second = at_once(space, (manifest,), (more,))
    assert (first, second) == (first, first)
    assert [each.index for each in space.entered()] == [1]


def test_of_two_manifests_with_one_number_the_first_stands(space: LedgerSpace) -> None:
    manifest = space.manifest()
    space.append(manifest)
    old = manifest.statement
    rivals = [
        signed(
            issuing.following(old, NOW_S, release=issuing.quorum(1, [RELEASE.public, key_of(name).public])),
            *ROOTS[:2],
        )
        for name in ("one", "another")
    ]
    first, second = at_once(space, (rivals[0],), (rivals[1],))
    assert isinstance(first, dict)
    assert isinstance(second, DoesNotFollow)


def test_a_key_that_is_retired_at_the_same_moment_enters_nothing(space: LedgerSpace) -> None:
    manifest = space.manifest()
    space.append(manifest)
    later = key_of("later release").public
    ends = signed(issuing.revocation(manifest.statement, RELEASE.public, {}, NOW_S, later), *ROOTS[:2])
    first, second = at_once(space, (ends,), (space.update(manifest),))
    assert isinstance(first, dict)
    assert isinstance(second, SignaturesMissing)
    assert len(space.entered()) == 2


def test_a_folder_has_one_ledger_however_many_ask(space: LedgerSpace) -> None:
    with pytest.raises(LedgerThere):
        space.found(SigningKey.generate())
    assert len(space.shelf.spaces()) == 1


def test_a_statement_that_would_not_fit_beside_what_is_said_around_it_is_refused(space: LedgerSpace) -> None:
    manifest = space.manifest()
    stuffing = tuple(Signed(n.to_bytes(32, "big"), bytes(64)) for n in range(600))
    stuffed = replace(manifest, signatures=tuple(sorted((*manifest.signatures, *stuffing), key=lambda s: s.key)))
    assert isinstance(stuffed, KeysPublished)
    with pytest.raises(StatementUnusable, match=str(STATEMENT_BYTES_MAX)):
        space.append(stuffed)
    assert space.entered() == []


def test_a_ledger_is_never_written_under_a_key(space: LedgerSpace) -> None:
    manifest = space.manifest()
    space.append(manifest)
    settle(space.writer, space.shelf.space(space.id), lambda count: bytes(count))
    assert [row.shared[:9] for row in space.tree().rows(1, space.tree().head.size)] == [b'{"type":"']
    assert space.keys.keys_of(space.id, None) == ()


def test_a_closed_log_and_one_with_another_key_take_nothing(space: LedgerSpace) -> None:
    manifest = space.manifest()
    other = replace(manifest.statement, logs=(replace(space.log, key=key_of("thief").public),))
    with pytest.raises(LogNotOpen, match="manifest 1"):
        space.append(signed(other, *ROOTS[:2]))
    space.append(manifest)
    head = Final(2, space.tree().root(2))
    closing = issuing.revocation(manifest.statement, space.log_key.public, {space.id: head}, NOW_S)
    with pytest.raises(LogNotOpen, match="manifest 2"):
        space.append(signed(closing, *ROOTS[:2]))
    assert [each.index for each in space.entered()] == [1]


def test_a_manifest_that_does_not_follow_changes_no_keys_whoever_wrote_it_down(space: LedgerSpace) -> None:
    manifest = space.manifest()
    space.append(manifest)
    thief = key_of("thief")
    own = issuing.following(manifest.statement, NOW_S, release=issuing.quorum(1, [RELEASE.public, thief.public]))
    forged = signed(own, thief)

    def write(desk: Desk) -> Result:
        desk.record(None, desk.organisation, forged)
        return {}

    space.writer.do(Command(bytes(16), space.id, write))
    assert len(space.entered()) == 2
    keys = keys_of(space.entered())
    assert keys is not None
    assert keys.manifest == manifest.statement
    assert space.append(space.update(manifest))["indices"] == [3]


def test_after_a_recovery_the_keepers_list_the_new_log_and_it_tells_everything_itself(space: LedgerSpace) -> None:
    """The machine was lost: the root keys give the space to a new log, in which nothing stands yet."""
    manifest = space.manifest()
    update = space.update(manifest)
    space.append(manifest, update)
    held, fresh = space.shelf.space(space.id), key_of("fresh log")
    root = manifest.statement.root
    statement = new_statement(held, fresh.public, bytes([1]) * 32, bytes([2]) * 32, root.m, root.keys)
    signatures = tuple(Signature(key.public, key.sign(message_of(statement))) for key in ROOTS[:2])
    word = Recovery(statement, signatures)
    new = take_seat(space.store, space.shelf, space.keys, word, fresh.reveal_seed(), bytes(32), clock_us())
    space.writer.forget_seats()
    settle(space.writer, held, lambda count: bytes(count))
    assert space.keys.keys_of(space.id, None) == (), "written in clear: it has no key to change"
    with pytest.raises(LogNotOpen):
        space.append(manifest)
    listed = issuing.following(
        manifest.statement, NOW_S, logs=[LedgerLog(space.id, new, fresh.public, LogKind.LEDGER, None)]
    )
    assert space.append(manifest, signed(listed, *ROOTS[:2]), update)["indices"] == [1, 2, 3]
    assert [each.index for each in entered(held, new)] == [1, 2, 3]
    assert [each.index for each in space.entered()] == [1, 2], "the old log stays as it was"


class AlteredStore(MemoryStore):
    """A store of which a byte changes."""

    altered = False

    def read(self, log: bytes, branch: int, first: int, limit: int) -> Sequence[Row]:
        rows = super().read(log, branch, first, limit)
        return [replace(row, data=row.data[:-1] + b"!") for row in rows] if self.altered else rows


def test_a_tree_that_is_not_what_was_signed_is_not_made() -> None:
    store = AlteredStore()
    with ledger_space(store) as made:
        made.append(made.manifest())
        store.altered = True
        with pytest.raises(StoreDamaged, match="not what its key signed"):
            made.tree()
        store.altered = False
        assert made.tree().head.size == 2, "what was kept of the altered entries is made anew"
        store.altered = True
        tree = made.tree()
        with pytest.raises(StoreDamaged, match="not what its key signed"):
            list(tree.rows(0, 2))


MINING = "org.example.mining"


@pytest.fixture
def market(kept: LedgerSpace) -> LedgerSpace:
    """A ledger with one plugin, of which 10 downloads were counted, in entry 3."""
    manifest = kept.manifest()
    kept.append(manifest, submission.make(plugin(manifest_hash(manifest.statement)), [RELEASE]))
    assert kept.count(PluginCounted(MINING, 10, 4, 17, NOW_S))["indices"] == [3]
    return kept


def counts_in(space: LedgerSpace) -> PluginCounted | None:
    keys = keys_of(space.entered())
    assert keys is not None
    return registry_of([space.shelf.space(space.id)], keys).counts(MINING)


def test_counts_are_entered_once_and_only_grow(market: LedgerSpace) -> None:
    assert market.count(PluginCounted(MINING, 10, 4, 17, NOW_S))["indices"] == [3], "it stands there already"
    more = [PluginCounted(MINING, 10 + n, 4, 17, NOW_S + n) for n in (1, 2)]
    assert market.count(*more)["indices"] == [4, 5]
    assert counts_in(market) == more[-1]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (PluginCounted(MINING, 9, 4, 17, NOW_S), "goes back"),
        (PluginCounted(MINING, 10, 3, 12, NOW_S), "goes back"),
        (PluginCounted(MINING, 10, 4, 16, NOW_S), "goes back"),
        (PluginCounted(MINING, 11, 4, 17, NOW_S - 1), "goes back"),
        (PluginCounted(MINING, 11, 12, 20, NOW_S), "more votes than downloads"),
        (PluginCounted(MINING, 11, 5, 26, NOW_S), "above 5"),
        (PluginCounted(MINING, 11, 5, 20, clock_us() // 10**6 + 3600), "not come yet"),
        (PluginCounted("org.example.none", 1, 0, 0, NOW_S), "no such plugin"),
    ],
)
def test_counts_that_cannot_be_are_refused_and_nothing_of_their_file_is_entered(
    market: LedgerSpace, said: PluginCounted, why: str
) -> None:
    with pytest.raises(CountUnusable, match=why):
        market.count(PluginCounted(MINING, 10, 4, 18, NOW_S), said)
    assert counts_in(market) == PluginCounted(MINING, 10, 4, 17, NOW_S)


def test_a_file_may_count_a_thousand_times(market: LedgerSpace) -> None:
    said = [PluginCounted(MINING, 11 + n, 4, 17, NOW_S) for n in range(LINES_MAX)]
    assert market.count(*said)["indices"][-1] == LINES_MAX + 3
    assert counts_in(market) == said[-1]


def test_of_two_counts_at_once_that_do_not_follow_each_other_one_is_refused(market: LedgerSpace) -> None:
    both = [PluginCounted(MINING, 12, 4, 17, NOW_S), PluginCounted(MINING, 11, 4, 17, NOW_S)]
    gate = threading.Event()

    def wait(_: object) -> Result:
        gate.wait(10)
        return {}

    market.writer.submit(Command(bytes(16), market.id, wait))
    commands = [Command(bytes([n]) * 16, market.id, lambda desk, n=n: count(desk, [both[n - 1]])) for n in (1, 2)]
    futures = [market.writer.submit(each) for each in commands]
    gate.set()
    assert futures[0].result(10)["indices"] == [4]
    assert isinstance(futures[1].exception(10), CountUnusable)
    assert counts_in(market) == both[0]


def test_nothing_is_counted_in_a_ledger_that_is_not_begun_or_whose_log_is_closed(space: LedgerSpace) -> None:
    with pytest.raises(LedgerNotBegun):
        space.count(PluginCounted(MINING, 1, 0, 0, NOW_S))
    manifest = space.manifest()
    space.append(manifest)
    closing = issuing.revocation(
        manifest.statement, space.log_key.public, {space.id: Final(3, space.tree().root(2))}, NOW_S
    )

    def write(desk: Desk) -> Result:
        desk.record(None, desk.organisation, signed(closing, *ROOTS[:2]))
        return {}

    space.writer.do(Command(bytes(16), space.id, write))
    with pytest.raises(LogNotOpen, match="manifest 2"):
        space.count(PluginCounted(MINING, 1, 0, 0, NOW_S))


def test_counts_that_somebody_wrote_past_the_rules_are_void(market: LedgerSpace) -> None:
    def write(desk: Desk) -> Result:
        for said in (PluginCounted(MINING, 9, 4, 17, NOW_S), PluginCounted(MINING, 99, 100, 17, NOW_S)):
            desk.record(None, desk.organisation, said)
        return {}

    market.writer.do(Command(bytes(16), market.id, write))
    assert counts_in(market) == PluginCounted(MINING, 10, 4, 17, NOW_S)
    assert market.count(PluginCounted(MINING, 11, 4, 17, NOW_S))["indices"] == [6]
