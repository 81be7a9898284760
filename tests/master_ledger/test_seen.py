"""What an installation has seen: it goes forward, notices two histories, and is not made to forget."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from scmanager.domain.ledger import Final, KeysPublished, LogKind
from scmanager.eventstore.checkpoint import Checkpoint, NotSigned, WrongSignature, parse_note, sign_note
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.tile_tree import Fetch, TileTree
from scmanager.eventstore.tiles import BadTile, TilePath, tiles_of
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.cosignature import cosign
from scmanager.master_ledger.fetching import SourceLacks
from scmanager.master_ledger.manifest import DoesNotFollow, NotThisLedger, SignaturesMissing
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.seen import (
    HEADS_MAX,
    HeadSeen,
    Judged,
    KeysForked,
    LedgerRolledBack,
    LogForked,
    Outcome,
    Seen,
    follow,
    judged,
    proved_under,
    with_head,
    witnessed_s,
)
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import STALE_S, LogClosed, LogNotListed, NotWitnessed, verify_update
from tests.golden.logs import key_of
from tests.support.ledger import (
    HERE,
    LATER_RELEASE,
    NOW_S,
    POLICY,
    RELEASE,
    ROOTS,
    WITHOUT_WITNESSES,
    WITNESSES,
    Server,
    artefact,
    first_manifest,
    name_of,
    signed,
    update,
)

DAY_S = 86_400


class World:
    """A server with a log of some entries, its manifest, and what an installation saw of them."""

    def __init__(self, entries: int = 300, kind: LogKind = LogKind.LEDGER) -> None:
        self.server = Server(kind=kind)
        self.first = first_manifest(self.server)
        self.ledger = manifest_hash(self.first.statement)
        self.leaves = [*self.server.leaves, *(leaf_hash(b"%d" % n) for n in range(entries - 1))]
        self.seen = Seen(self.ledger).with_manifests([self.first])

    def split(self, at: int) -> list[bytes]:
        """Another history of the same length from there on."""
        return [*self.leaves[:at], *(leaf_hash(b"other %d" % n) for n in range(len(self.leaves) - at))]

    def note(
        self, size: int, leaves: Sequence[bytes] | None = None, witnesses: Sequence[SigningKey] = WITNESSES
    ) -> bytes:
        self.server.leaves = list(leaves or self.leaves)
        return self.server.note(size, witnesses=tuple(witnesses))

    def follow(
        self, size: int, leaves: Sequence[bytes] | None = None, now_s: int = NOW_S,
        witnesses: Sequence[SigningKey] = WITNESSES, more: bytes = b"",
    ) -> Outcome:  # fmt: skip
        tiles = dict(tiles_of(list(leaves or self.leaves)[:size]))

        def tree_of(point: Checkpoint) -> TileTree:
            return TileTree(point.size, point.root, tiles.__getitem__)

        outcome = follow(self.seen, self.note(size, leaves, witnesses) + more, tree_of, POLICY, now_s)
        self.seen = outcome.seen
        return outcome

    def prove(self, size: int, leaves: Sequence[bytes] | None = None, policy: Policy = POLICY) -> Outcome:
        outcome = with_head(self.seen, self.note(size, leaves), self.seen.keys(), policy)
        self.seen = outcome.seen
        return outcome

    def sizes(self) -> list[int]:
        return [each.size for each in self.seen.heads_of(self.server.log.log)]


WRONG_LINE = cosign("another head\n", name_of(WITNESSES[0]), WITNESSES[0], NOW_S)


def no_tiles(_: Checkpoint) -> TileTree:
    raise AssertionError("nothing is fetched for it")


def fetching(tiles: dict[TilePath, bytes]) -> Fetch:
    """A source that has these."""

    def fetch(path: TilePath) -> bytes:
        if path not in tiles:
            raise SourceLacks(source="It", path=str(path))
        return tiles[path]

    return fetch


@pytest.fixture
def world() -> World:
    return World()


def next_manifest(first: KeysPublished, key: SigningKey = LATER_RELEASE, at_s: int = NOW_S) -> KeysPublished:
    release = issuing.quorum(1, [RELEASE.public, key.public])
    return signed(issuing.following(first.statement, at_s, release=release), *ROOTS[:2])


def test_manifests_go_forward_and_an_older_copy_changes_nothing(world: World) -> None:
    second = next_manifest(world.first)
    later = world.seen.with_manifests([world.first, second])
    assert later.keys().manifest.n == 2
    assert later.with_manifests([world.first]) == later
    assert later.with_manifests([world.first, second]) == later


def test_two_manifests_of_one_number_are_told(world: World) -> None:
    one, other = next_manifest(world.first), next_manifest(world.first, key_of("a third release"))
    later = world.seen.with_manifests([world.first, one])
    with pytest.raises(KeysForked, match="manifest 2"):
        later.with_manifests([world.first, other])


def test_a_manifest_that_more_keepers_signed_is_the_same_one(world: World) -> None:
    more = signed(world.first.statement, *ROOTS)
    assert world.seen.with_manifests([more]) == world.seen
    second = next_manifest(world.first)
    assert world.seen.with_manifests([more, second]).manifests == (more, second)


def test_the_ledger_was_asked_too_long_ago_after_two_weeks_and_not_if_it_never_was() -> None:
    asked = Seen(bytes(32), asked_s=NOW_S)
    assert [asked.is_stale(NOW_S + STALE_S + n) for n in (-1, 0, 1)] == [False, False, True]
    assert not asked.is_stale(NOW_S)
    assert not Seen(bytes(32)).is_stale(NOW_S)
    assert Seen(bytes(32), asked_s=1).is_stale(NOW_S)


def test_manifests_of_another_ledger_or_without_their_signatures_are_nothing(world: World) -> None:
    with pytest.raises(NotThisLedger):
        world.seen.with_manifests([first_manifest(Server("another"))])
    with pytest.raises(SignaturesMissing):
        world.seen.with_manifests([world.first, replace(next_manifest(world.first), signatures=())])
    with pytest.raises(DoesNotFollow):
        world.seen.with_manifests([])


def test_who_follows_keeps_the_newest_head_and_when(world: World) -> None:
    for size in (1, 2, 255, 256, 300):
        assert world.follow(size).problem is None
        assert world.sizes() == [size]
    assert world.seen.asked_s == NOW_S
    assert world.follow(300, now_s=NOW_S + 5).seen.asked_s == NOW_S + 5
    assert world.follow(300, now_s=NOW_S - 5).seen.asked_s == NOW_S + 5, "a clock that was put back"


def test_an_older_head_is_refused_and_what_was_seen_stays(world: World) -> None:
    world.follow(300)
    before = world.seen
    problem = world.follow(299).problem
    assert isinstance(problem, LedgerRolledBack)
    assert problem.facts == {"size": 299, "seen": 300}
    assert world.seen == before


@pytest.mark.parametrize(("seen", "shown", "split"), [(300, 300, 7), (200, 300, 7), (200, 300, 199), (255, 256, 254)])
def test_a_log_that_shows_another_history_is_convicted(world: World, seen: int, shown: int, split: int) -> None:
    world.follow(seen)
    problem = world.follow(shown, world.split(split)).problem
    assert isinstance(problem, LogForked)
    assert problem.facts == {"log": world.server.log.log.hex()[:16], "size": seen}
    (proof,) = world.seen.forks
    proof.verify(world.server.log.key)
    assert world.sizes() == [seen], "what was seen first stays"


def closed_at(world: World, size: int) -> None:
    """The keepers close the log there."""
    head = {world.server.log.log: Final(size, root_of(world.leaves[:size]))}
    made = issuing.revocation(world.first.statement, world.server.key.public, head, NOW_S)
    world.seen = world.seen.with_manifests([world.first, signed(made, *ROOTS[:2])])


@pytest.mark.parametrize("from_", [200, 120])
@pytest.mark.parametrize("witnesses", [WITNESSES, ()])
def test_what_a_thief_signed_before_his_log_was_closed_keeps_nobody_from_its_end(
    world: World, from_: int, witnesses: tuple[SigningKey, ...]
) -> None:
    """He went on from the end (200), or left it before (120); witnesses saw him, or nobody."""
    if witnesses:
        assert world.follow(300, world.split(from_), witnesses=witnesses).problem is None
    else:
        world.prove(300, world.split(from_))
    closed_at(world, 200)
    assert world.follow(200).problem is None
    assert world.sizes() == [200]
    with pytest.raises(LogClosed):
        world.follow(300, world.split(from_))


def test_a_log_that_was_convicted_counts_no_more_until_it_is_closed(world: World) -> None:
    world.follow(200)
    world.follow(300, world.split(7))
    problem = world.follow(300).problem
    assert isinstance(problem, LogForked), "even with the history that was seen first"
    assert problem.facts == {"log": world.server.log.log.hex()[:16], "size": 200}, "where the two differ"
    assert len(world.seen.forks) == 1
    with pytest.raises(NotWitnessed):
        follow(
            Seen(world.ledger).with_manifests([world.first]), world.note(300, witnesses=()), no_tiles, POLICY, NOW_S
        )
    bare = follow(world.seen, world.note(300, witnesses=()), no_tiles, POLICY, NOW_S)
    assert isinstance(bare.problem, LogForked), "who saw that is not told to ask again later"
    head = Final(200, root_of(world.leaves[:200]))
    closing = signed(issuing.revocation(world.first.statement, world.server.key.public,
                                        {world.server.log.log: head}, NOW_S), *ROOTS[:2])  # fmt: skip
    world.seen = world.seen.with_manifests([world.first, closing])
    asked_s = world.seen.asked_s
    assert world.follow(200, now_s=NOW_S + 9).problem is None
    assert world.seen.asked_s == asked_s, "a log that is closed says nothing about what is new"
    with pytest.raises(LogClosed):
        world.follow(300)
    before = world.seen
    assert world.prove(150) == Outcome(before), "where it ends, the manifest says"


def test_a_log_of_reports_says_nothing_about_what_is_new() -> None:
    world = World(kind=LogKind.INTAKE)
    assert world.follow(200).problem is None
    assert (world.sizes(), world.seen.asked_s, world.seen.asked_of(world.server.log.log)) == ([200], 0, NOW_S)


def test_heads_of_proofs_wait_until_the_ledger_is_followed(world: World) -> None:
    for size in (20, 5, 40, 20):
        assert world.prove(size).problem is None
    assert world.sizes() == [5, 20, 40]
    assert world.follow(300).problem is None
    assert world.sizes() == [300]


def test_a_proof_of_another_history_comes_out_at_the_next_look(world: World) -> None:
    world.prove(40, world.split(30))
    problem = world.follow(300).problem
    assert isinstance(problem, LogForked)
    assert problem.facts["size"] == 40
    world.seen.forks[0].verify(world.server.log.key)


def test_another_history_is_found_below_a_head_that_is_newer_than_what_is_shown(world: World) -> None:
    world.prove(250)
    world.prove(40, world.split(30))
    problem = world.follow(200).problem
    assert isinstance(problem, LogForked)
    assert problem.facts["size"] == 40


def test_of_a_log_that_was_convicted_one_proof_is_kept(world: World) -> None:
    for size in (40, 20):
        world.prove(size)
    for size in (40, 20):
        assert isinstance(world.prove(size, world.split(10)).problem, LogForked)
    assert len(world.seen.forks) == 1


def test_two_proofs_of_one_size_and_two_roots_convict_at_once(world: World) -> None:
    world.prove(40)
    assert isinstance(world.prove(40, world.split(30)).problem, LogForked)
    assert world.prove(39).problem is None


def test_a_larger_head_that_nobody_cosigned_is_evidence_and_keeps_nobody_from_following(world: World) -> None:
    """One that is kept all the same: by a policy of before, or by an older release."""
    thief = sign_note(Checkpoint(world.server.origin, 250, bytes(32)), world.server.key)
    world.seen = replace(world.seen, heads=(HeadSeen(thief),))
    assert world.follow(200).problem is None
    assert (world.sizes(), [each.note for each in world.seen.unwitnessed]) == ([200], [thief])
    assert isinstance(world.follow(199).problem, LedgerRolledBack), "older than what a quorum cosigned"
    assert world.follow(249).problem is None
    assert len(world.seen.unwitnessed) == 1
    forked = with_head(world.seen, world.note(250), world.seen.keys(), POLICY).problem
    assert isinstance(forked, LogForked), "two of one size"
    assert isinstance(world.follow(300).problem, LogForked), "once the log is as long, it convicts"
    world.seen.forks[0].verify(world.server.log.key)


def test_without_a_quorum_in_the_policy_the_larger_head_counts(world: World) -> None:
    world.follow(250)
    tiles = dict(tiles_of(world.leaves[:200]))
    shown = world.note(200), lambda point: TileTree(point.size, point.root, tiles.__getitem__)
    assert isinstance(follow(world.seen, *shown, WITHOUT_WITNESSES, NOW_S).problem, LedgerRolledBack)


def test_a_head_that_nobody_cosigned_has_no_honest_one_refused(world: World) -> None:
    """Whoever stole the log's key alone hands somebody a proof under a head of more entries than there are."""
    point = Checkpoint(world.server.origin, 10**15, bytes(32))
    thief = sign_note(point, world.server.key)
    after = with_head(world.seen, thief, world.seen.keys(), POLICY)
    assert after == Outcome(world.seen)
    world.seen = after.seen
    assert world.follow(200).problem is None


def test_under_the_head_of_a_log_that_was_seen_to_fork_nothing_is_proved(world: World) -> None:
    keys, note = world.seen.keys(), world.note(200)
    assert proved_under(world.seen, note, keys, POLICY).problem is None
    forked = proved_under(
        with_head(world.seen, note, keys, POLICY).seen, world.note(200, world.split(7)), keys, POLICY
    )
    assert isinstance(forked.problem, LogForked)
    for size in (200, 100):
        again = proved_under(forked.seen, world.note(size), keys, POLICY)
        assert isinstance(again.problem, LogForked)
        assert again.problem.facts == {"log": world.server.log.log.hex()[:16], "size": 200}, "at 100 nothing differs"
        assert again.seen == with_head(forked.seen, world.note(size), keys, POLICY).seen


def test_proofs_do_not_fill_the_memory(world: World) -> None:
    for size in range(1, HEADS_MAX + 40):
        world.prove(size)
    assert world.sizes() == [*range(1, HEADS_MAX), HEADS_MAX + 39]
    world.prove(HEADS_MAX + 10)
    assert len(world.sizes()) == HEADS_MAX


def test_of_a_note_only_the_lines_of_known_witnesses_are_kept(world: World) -> None:
    stranger = "— stranger.example AAAAAAAA\n".encode() * 40
    outcome = with_head(world.seen, world.note(40) + stranger, world.seen.keys(), POLICY)
    assert len(parse_note(outcome.seen.heads[0].note).signatures) == 4
    assert witnessed_s(outcome.seen, POLICY, NOW_S) == NOW_S
    outcome = with_head(world.seen, world.note(40), world.seen.keys(), WITHOUT_WITNESSES)
    assert len(parse_note(outcome.seen.heads[0].note).signatures) == 1
    assert witnessed_s(outcome.seen, POLICY, NOW_S) is None


def test_a_head_that_no_quorum_saw_or_of_another_log_is_not_followed(world: World) -> None:
    note = world.note(40, witnesses=WITNESSES[:1])
    with pytest.raises(NotWitnessed):
        follow(world.seen, note, no_tiles, POLICY, NOW_S)
    other = Server("another")
    with pytest.raises(LogNotListed) as unlisted:
        follow(world.seen, other.note(), no_tiles, POLICY, NOW_S)
    assert unlisted.value.facts == {"n": 1, "origin": other.origin}


@pytest.mark.parametrize(("shown", "split", "convicts"), [
    (200, 7, True), (300, 7, True), (300, 199, True), (300, 200, False), (200, 200, False), (199, 7, False),
])  # fmt: skip
def test_a_head_that_nobody_cosigned_is_not_followed_and_convicts_its_log_all_the_same(
    world: World, shown: int, split: int, convicts: bool
) -> None:
    world.follow(200)
    before, leaves = world.seen, world.split(split)
    for lines in (b"", WRONG_LINE):
        world.seen = before
        if convicts:
            problem = world.follow(shown, leaves, witnesses=(), more=lines).problem
            assert isinstance(problem, LogForked)
            world.seen.forks[0].verify(world.server.log.key)
        else:
            with pytest.raises(WrongSignature if lines else NotWitnessed):
                world.follow(shown, leaves, witnesses=(), more=lines)
        assert (world.sizes(), world.seen.unwitnessed) == ([200], ())


def test_a_head_that_nobody_cosigned_convicts_nobody_by_tiles_that_are_not_its_own(world: World) -> None:
    world.follow(200)
    note, before = world.note(300, world.split(200), witnesses=()), world.seen
    for leaves in (world.split(7), [], world.leaves[:200]):
        tiles = dict(tiles_of(leaves))

        def tree_of(point: Checkpoint, tiles: dict[TilePath, bytes] = tiles) -> TileTree:
            return TileTree(point.size, point.root, fetching(tiles))

        with pytest.raises(NotWitnessed):
            follow(before, note, tree_of, POLICY, NOW_S)
    unsigned = sign_note(Checkpoint(world.server.origin, 200, bytes(32)), key_of("no key of this log"))
    with pytest.raises(NotSigned):
        follow(before, unsigned, no_tiles, POLICY, NOW_S)


def test_tiles_that_do_not_lead_to_the_head_convict_nobody(world: World) -> None:
    world.follow(200)
    other = dict(tiles_of(world.split(7)))

    def tree_of(point: Checkpoint) -> TileTree:
        return TileTree(point.size, point.root, other.__getitem__)

    with pytest.raises(BadTile):
        follow(world.seen, world.note(300), tree_of, POLICY, NOW_S)


def test_what_memory_knows_stands_in_the_report(world: World) -> None:
    server = Server()
    said = update(world.ledger)
    index = server.append(submission.make(said, [RELEASE]))
    proof = server.proof(index).to_bytes()
    report = verify_update(artefact(), proof, world.seen.keys(), POLICY, HERE)
    assert report.ok
    good = judged(replace(world.seen, asked_s=NOW_S - 20 * DAY_S), report, POLICY, NOW_S)
    assert good.report.ok
    assert any("last asked 20 days ago" in each for each in good.report.remarks)
    leaves = [leaf_hash(b"a"), leaf_hash(b"b")]
    forked = with_head(world.seen, world.note(2, leaves), world.seen.keys(), POLICY).seen
    bad = judged(forked, report, POLICY, NOW_S)
    assert [type(each) for each in bad.report.problems] == [LogForked]
    assert isinstance(bad.problem, LogForked)
    assert not judged(bad.seen, report, POLICY, NOW_S).report.ok, "and it stays so"
    other = verify_update(artefact(), b"noise", world.seen.keys(), POLICY, HERE)
    assert judged(forked, other, POLICY, NOW_S) == Judged(forked, report=other)
