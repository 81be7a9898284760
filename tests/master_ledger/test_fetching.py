"""The ledger from a source that nobody vouches for: what fits is kept, what does not is told, and nothing is lost."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.tiles import tiles_of
from scmanager.master_ledger import submission
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, SourceLacks, fetch_head, fetch_manifests
from scmanager.master_ledger.seen import LedgerRolledBack, LogForked, Outcome, Seen
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import NOW_S, POLICY, Server, first_manifest

SERVER = Server()
FIRST = first_manifest(SERVER)
LEAVES = [*SERVER.leaves, *(leaf_hash(b"%d" % n) for n in range(699))]


def files(size: int, leaves: list[bytes] = LEAVES) -> dict[str, bytes]:
    """What lies in a published folder, as far as a client of ours asks for it."""
    server = Server()
    server.leaves = leaves[:size]
    tiles = {str(path): data for path, data in tiles_of(leaves[:size])}
    return tiles | {CHECKPOINT: server.note(), MANIFESTS: submission.encode([FIRST])}


def reading(source: dict[str, bytes], asked: list[str] | None = None) -> Callable[[str, int], bytes]:
    def read(path: str, bytes_max: int) -> bytes:
        if asked is not None:
            asked.append(path)
        if path not in source:
            raise SourceLacks(source="test", path=path)
        assert len(source[path]) <= bytes_max
        return source[path]

    return read


def fetched(seen: Seen, source: dict[str, bytes]) -> Outcome:
    return fetch_head(fetch_manifests(seen, reading(source)).seen, reading(source), POLICY, NOW_S)


NEW = Seen(manifest_hash(FIRST.statement))


def test_a_new_installation_takes_keys_and_head_from_anywhere() -> None:
    outcome = fetched(NEW, files(300))
    assert outcome.problem is None
    assert [each.size for each in outcome.seen.heads_of(SERVER.log.log)] == [300]
    assert outcome.seen.keys().manifest.n == 1


def test_few_tiles_are_asked_for() -> None:
    seen, asked = fetched(NEW, files(300)).seen, list[str]()
    fetch_head(seen, reading(files(700), asked), POLICY, NOW_S)
    assert asked == ["checkpoint", "tile/0/002.p/188", "tile/1/000.p/2", "tile/0/001"]


def test_a_partial_tile_that_has_become_a_whole_one_is_cut() -> None:
    source = files(700)
    source["tile/0/002"] = source.pop("tile/0/002.p/188") + b"\1" * 32 * 68
    assert fetched(NEW, source).problem is None
    del source["tile/0/002"]
    with pytest.raises(SourceLacks, match="tile/0/002"):
        fetched(NEW, source)


def test_older_and_other_histories_are_told() -> None:
    seen = fetched(NEW, files(400)).seen
    assert isinstance(fetched(seen, files(399)).problem, LedgerRolledBack)
    other = [*LEAVES[:5], leaf_hash(b"other"), *LEAVES[6:]]
    outcome = fetched(seen, files(700, other))
    assert isinstance(outcome.problem, LogForked)
    assert len(outcome.seen.forks) == 1


def test_a_source_without_keys_or_with_those_of_another_ledger_changes_nothing() -> None:
    source = files(300)
    without = {path: data for path, data in source.items() if path != MANIFESTS}
    with pytest.raises(Unavailable, match="manifests"):
        fetch_manifests(NEW, reading(without))
    foreign = source | {MANIFESTS: submission.encode([first_manifest(Server("another"))])}
    with pytest.raises(Untrusted):
        fetch_manifests(NEW, reading(foreign))


@given(st.integers(2, 700), st.data())
def test_no_changed_byte_of_a_source_is_taken_for_the_ledger(size: int, data: st.DataObject) -> None:
    source = files(size)
    path = data.draw(st.sampled_from(sorted(source)))
    raw = bytearray(source[path])
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        outcome = fetched(NEW, source | {path: bytes(raw)})
    except Untrusted:
        return
    good = fetched(NEW, source).seen
    assert outcome.problem is None
    bare = [replace(each, heads=()) for each in (outcome.seen, good)]
    assert bare[0] == bare[1]
    assert outcome.seen.heads[0].point() == good.heads[0].point()


@given(st.dictionaries(st.sampled_from([CHECKPOINT, MANIFESTS, "tile/0/000.p/3"]), st.binary(max_size=300)))
def test_noise_is_untrusted_and_nothing_else(noise: dict[str, bytes]) -> None:
    if not noise:
        return
    with pytest.raises(Untrusted):
        fetched(NEW, files(3) | noise)
