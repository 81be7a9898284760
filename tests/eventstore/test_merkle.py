"""The tree: every published vector, and the laws of RFC 6962 for all small sizes, against a naive reading of it."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore.merkle import (
    EMPTY_ROOT,
    SIZE_MAX,
    BadCompactRange,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    is_subtree,
    leaf_hash,
    node_hash,
    root_of,
    subtree_consistency_proof,
    subtree_inclusion_proof,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "transparency-dev-merkle" / "testdata"
LEAVES = [leaf_hash(b"%d" % number) for number in range(400)]
ROOTS: dict[tuple[int, int], bytes] = {}


def naive_root(low: int, high: int) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if (low, high) not in ROOTS:
        if high == low:
            ROOTS[low, high] = sha256(b"").digest()
        elif high == low + 1:
            ROOTS[low, high] = LEAVES[low]
        else:
            k = 1
            while 2 * k < high - low:
                k *= 2
            ROOTS[low, high] = sha256(b"\x01" + naive_root(low, low + k) + naive_root(low + k, high)).digest()
    return ROOTS[low, high]


def vectors(folder: str) -> list[Any]:
    found = []
    for path in sorted((VECTORS / folder).rglob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        for name in ("root", "leafHash", "root1", "root2"):
            if name in case:
                case[name] = b64decode(case[name] or "")
        case["proof"] = [b64decode(each) for each in case["proof"] or []]
        found.append(pytest.param(case, id=path.relative_to(VECTORS / folder).as_posix()))
    return found


SUITES = {name: vectors(name) for name in ("inclusion", "consistency", "subtreeinclusion", "subtreeconsistency")}


def test_every_published_vector_is_here() -> None:
    assert {name: len(cases) for name, cases in SUITES.items()} == {
        "inclusion": 98,
        "consistency": 98,
        "subtreeinclusion": 204,
        "subtreeconsistency": 118,
    }


@pytest.mark.parametrize("case", SUITES["inclusion"])
def test_inclusion_is_judged_as_published(case: dict[str, Any]) -> None:
    verdict = verify_inclusion(case["leafIdx"], case["treeSize"], case["leafHash"], case["proof"], case["root"])
    assert verdict is not case["wantErr"]


@pytest.mark.parametrize("case", SUITES["consistency"])
def test_consistency_is_judged_as_published(case: dict[str, Any]) -> None:
    verdict = verify_consistency(case["size1"], case["size2"], case["proof"], case["root1"], case["root2"])
    assert verdict is not case["wantErr"]


@pytest.mark.parametrize("case", SUITES["subtreeinclusion"])
def test_inclusion_in_a_subtree_is_judged_as_published(case: dict[str, Any]) -> None:
    verdict = verify_subtree_inclusion(
        case["leafIdx"], case["start"], case["end"], case["leafHash"], case["proof"], case["root"]
    )
    assert verdict is not case["wantErr"]


@pytest.mark.parametrize("case", SUITES["subtreeconsistency"])
def test_consistency_of_a_subtree_is_judged_as_published(case: dict[str, Any]) -> None:
    verdict = verify_subtree_consistency(
        case["start"], case["end"], case["size"], case["root1"], case["proof"], case["root2"]
    )
    assert verdict is not case["wantErr"]


def test_the_roots_of_the_certificate_transparency_reference_tree_come_out() -> None:
    entries = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    leaves = [leaf_hash(entry) for entry in (*entries, bytes.fromhex("606162636465666768696a6b6c6d6e6f"))]
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_a_leaf_is_never_mistaken_for_a_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_roots_are_those_of_the_rfc_at_every_size() -> None:
    grown = CompactRange()
    for size in range(len(LEAVES) + 1):
        assert root_of(LEAVES[:size]) == naive_root(0, size) == grown.root()
        assert grown.size == size
        assert len(grown.hashes) == size.bit_count()
        if size < len(LEAVES):
            grown = grown.append(LEAVES[size])


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400))
@example(0, 0, 0)
@example(3, 4, 8)
@example(8, 8, 9)
@example(255, 256, 400)
def test_a_range_grows_alike_leaf_by_leaf_and_in_bulk(first: int, second: int, third: int) -> None:
    first, second, third = sorted((first, second, third))
    bulk = CompactRange().extend(LEAVES[:first]).extend(iter(LEAVES[first:second])).extend(LEAVES[second:third])
    single = CompactRange().extend(LEAVES[:first])
    for leaf in LEAVES[first:third]:
        single = single.append(leaf)
    assert bulk == single
    assert bulk.root() == naive_root(0, third)


def test_growing_leaves_the_old_range_as_it_was() -> None:
    old = CompactRange().extend(LEAVES[:5])
    before = old.to_bytes()
    old.append(LEAVES[5])
    old.extend(LEAVES[5:9])
    assert old.to_bytes() == before


@given(st.integers(0, 400))
def test_a_range_survives_storage(size: int) -> None:
    grown = CompactRange().extend(LEAVES[:size])
    assert CompactRange.from_bytes(grown.to_bytes()) == grown


@given(st.binary(max_size=200) | st.integers(0, 300).map(lambda size: size.to_bytes(8, "big") + bytes(32)))
@example(b"")
@example((SIZE_MAX + 1).to_bytes(8, "big") + bytes(64))
@example(b"\xff" * 8 + bytes(32 * 64))
@example((1).to_bytes(8, "big") + bytes(31))
@example((1).to_bytes(8, "big") + bytes(33))
@example((0).to_bytes(8, "big") + bytes(32))
def test_noise_is_a_range_or_untrusted_and_nothing_else(noise: bytes) -> None:
    try:
        parsed = CompactRange.from_bytes(noise)
    except Untrusted as error:
        assert isinstance(error, BadCompactRange)  # noqa: PT017 - either outcome is fine, only its family matters
    else:
        assert parsed.to_bytes() == noise


@pytest.mark.parametrize("tail", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_range_has_one_hash_for_each_bit_of_its_size(tail: bytes) -> None:
    with pytest.raises(BadCompactRange) as bad:
        CompactRange.from_bytes((4).to_bytes(8, "big") + tail)
    assert bad.value.facts["reason"] == "not one hash for each bit of its size"


@pytest.mark.parametrize("data", [b"", bytes(7)])
def test_a_range_has_a_size(data: bytes) -> None:
    with pytest.raises(BadCompactRange) as bad:
        CompactRange.from_bytes(data)
    assert bad.value.facts["reason"] == "shorter than its size field"


def test_sizes_that_no_log_can_have_prove_nothing() -> None:
    assert verify_consistency(2**64, 2**64, [], LEAVES[0], LEAVES[0])
    assert not verify_consistency(2**64 + 1, 2**64 + 1, [], LEAVES[0], LEAVES[0])


def test_a_range_beyond_any_log_is_refused() -> None:
    assert CompactRange.from_bytes(SIZE_MAX.to_bytes(8, "big") + bytes(32)).size == SIZE_MAX
    with pytest.raises(BadCompactRange) as bad:
        CompactRange.from_bytes((SIZE_MAX + 1).to_bytes(8, "big") + bytes(64))
    assert bad.value.facts["reason"] == "larger than any log"


def test_every_leaf_of_every_small_tree_is_proven_and_no_other_leaf_passes() -> None:
    for size in range(1, 66):
        root = naive_root(0, size)
        for index in range(size):
            proof = inclusion_proof(index, LEAVES[:size])
            assert verify_inclusion(index, size, LEAVES[index], proof, root)
            assert not verify_inclusion(index, size, LEAVES[index + 1], proof, root)
            assert not verify_inclusion(index, size, LEAVES[index], proof, naive_root(0, size + 1))
            if size > 1:
                assert not verify_inclusion((index + 1) % size, size, LEAVES[index], proof, root)


def test_every_small_tree_is_proven_to_grow_into_every_other() -> None:
    for size2 in range(1, 66):
        for size1 in range(1, size2 + 1):
            proof = consistency_proof(size1, LEAVES[:size2])
            root1, root2 = naive_root(0, size1), naive_root(0, size2)
            assert verify_consistency(size1, size2, proof, root1, root2)
            assert not verify_consistency(size1, size2, proof, LEAVES[399], root2)
            assert not verify_consistency(size1, size2, proof, root1, LEAVES[399])


def test_every_small_subtree_is_proven_to_sit_in_its_tree() -> None:
    for size in range(1, 34):
        for end in range(1, size + 1):
            for start in (start for start in range(end) if is_subtree(start, end)):
                subtree, root = naive_root(start, end), naive_root(0, size)
                proof = subtree_consistency_proof(start, end, LEAVES[:size])
                assert verify_subtree_consistency(start, end, size, subtree, proof, root)
                assert not verify_subtree_consistency(start, end, size, LEAVES[399], proof, root)
                for index in range(start, end):
                    inside = subtree_inclusion_proof(index, start, end, LEAVES[:size])
                    assert verify_subtree_inclusion(index, start, end, LEAVES[index], inside, subtree)
                    assert not verify_subtree_inclusion(index, start, end, LEAVES[398], inside, subtree)


sizes = st.integers(1, 400)


@given(sizes, st.data())
def test_a_leaf_of_a_larger_tree_is_proven(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, LEAVES[:size])
    assert len(proof) <= (size - 1).bit_length()
    assert verify_inclusion(index, size, LEAVES[index], proof, naive_root(0, size))


@given(sizes, sizes)
def test_a_larger_tree_is_proven_to_have_grown(one: int, other: int) -> None:
    size1, size2 = sorted((one, other))
    proof = consistency_proof(size1, LEAVES[:size2])
    assert len(proof) <= (size2 - 1).bit_length() + 1
    assert verify_consistency(size1, size2, proof, naive_root(0, size1), naive_root(0, size2))


@given(sizes, sizes, st.data())
def test_a_rewritten_past_is_never_consistent(one: int, other: int, data: st.DataObject) -> None:
    size1, size2 = sorted((one, other))
    changed = data.draw(st.integers(0, size1 - 1))
    rewritten = [*LEAVES[:changed], leaf_hash(b"rewritten"), *LEAVES[changed + 1 : size2]]
    for leaves in (LEAVES[:size2], rewritten):
        proof = consistency_proof(size1, leaves)
        assert not verify_consistency(size1, size2, proof, naive_root(0, size1), root_of(rewritten))


@given(sizes, st.data())
def test_a_proof_is_refused_once_anything_in_it_changes(size: int, data: st.DataObject) -> None:
    end = data.draw(st.integers(1, size))
    start = data.draw(st.sampled_from([start for start in range(end) if is_subtree(start, end)]))
    proof = subtree_consistency_proof(start, end, LEAVES[:size])
    subtree, root = naive_root(start, end), naive_root(0, size)
    assert verify_subtree_consistency(start, end, size, subtree, proof, root)
    assert not verify_subtree_consistency(start, end, size, subtree, [*proof, LEAVES[0]], root)
    assert not verify_subtree_consistency(start, end, size, subtree, [*proof, b""], root)
    assume(proof)
    at = data.draw(st.integers(0, len(proof) - 1))
    assert not verify_subtree_consistency(start, end, size, subtree, [*proof[:at], *proof[at + 1 :]], root)
    other = bytes([proof[at][0] ^ 1, *proof[at][1:]])
    assert not verify_subtree_consistency(start, end, size, subtree, [*proof[:at], other, *proof[at + 1 :]], root)


@pytest.mark.parametrize("moved", [-1, 1, 32])
def test_hashes_cut_at_another_place_do_not_pass(moved: int) -> None:
    both = LEAVES[0] + LEAVES[1]
    leaf, sibling = both[: 32 + moved], both[32 + moved :]
    assert not verify_inclusion(0, 2, leaf, [sibling], naive_root(0, 2))
    assert not verify_consistency(1, 2, [sibling], leaf, naive_root(0, 2))


numbers = st.integers(-3, 70) | st.integers(-(2**70), 2**70)
junk = st.sampled_from(LEAVES[:4]) | st.binary(max_size=40)


@given(numbers, numbers, numbers, junk, st.lists(junk, max_size=70), junk)
@example(0, 2**64, 2**64, LEAVES[0], [], LEAVES[0])
@example(0, 1, 2**4000, LEAVES[0], [LEAVES[0]] * 5, LEAVES[0])
def test_verification_answers_whatever_it_is_given(
    start: int, end: int, size: int, subtree: bytes, proof: list[bytes], root: bytes
) -> None:
    assert verify_subtree_consistency(start, end, size, subtree, proof, root) in (True, False)
    assert verify_subtree_inclusion(size, start, end, subtree, proof, root) in (True, False)
    assert verify_inclusion(start, size, subtree, proof, root) in (True, False)
    assert verify_consistency(start, size, proof, subtree, root) in (True, False)


def test_an_empty_tree_is_no_ground_for_a_consistency_proof() -> None:
    assert not verify_consistency(0, 5, [], EMPTY_ROOT, naive_root(0, 5))
    assert not verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    with pytest.raises(ValueError, match=r"^an empty tree proves nothing$"):
        consistency_proof(0, LEAVES[:5])


@pytest.mark.parametrize(("start", "end"), [(1, 3), (2, 5), (3, 2), (-1, 0), (0, 9)])
def test_nothing_is_proven_of_what_is_no_subtree(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no subtree"):
        subtree_consistency_proof(start, end, LEAVES[:8])
    with pytest.raises(ValueError, match="no leaf"):
        subtree_inclusion_proof(start, start, end, LEAVES[:8])


@pytest.mark.parametrize("index", [3, 8])
def test_a_leaf_beside_a_subtree_is_not_proven_in_it(index: int) -> None:
    with pytest.raises(ValueError, match=rf"^no leaf {index} in a subtree \[4, 8\) of 9 leaves$"):
        subtree_inclusion_proof(index, 4, 8, LEAVES[:9])


def test_a_subtree_is_aligned_to_its_length() -> None:
    for end in range(40):
        for start in range(end):
            power = 1
            while power < end - start:
                power *= 2
            assert is_subtree(start, end) == (start % power == 0)
