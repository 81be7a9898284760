"""One proof for many leaves: complete, sound, and never larger than it has to be."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.eventstore.merkle import inclusion_proof, leaf_hash, root_of
from scmanager.eventstore.multi_proof import prove_many, root_with

LEAVES = [leaf_hash(bytes([n])) for n in range(100)]


def proof_of(indices: list[int], size: int) -> list[bytes]:
    return prove_many(indices, size, lambda low, high: root_of(LEAVES[low:high]))


def given_leaves(indices: list[int]) -> dict[int, bytes]:
    return {index: LEAVES[index] for index in indices}


@pytest.mark.parametrize("size", range(1, 9))
def test_every_choice_of_leaves_of_every_small_tree_leads_to_its_root(size: int) -> None:
    for count in range(1, size + 1):
        for chosen in combinations(range(size), count):
            hashes = proof_of(list(chosen), size)
            assert root_with(given_leaves(list(chosen)), size, hashes) == root_of(LEAVES[:size])
            if count == 1:
                assert sorted(hashes) == sorted(inclusion_proof(chosen[0], LEAVES[:size]))


chosen = st.integers(1, 100).flatmap(
    lambda size: st.tuples(
        st.just(size), st.lists(st.integers(0, size - 1), min_size=1, max_size=12, unique=True).map(sorted)
    )
)


@given(chosen, st.data())
def test_any_other_leaf_hash_size_or_number_of_hashes_makes_another_root(
    case: tuple[int, list[int]], data: st.DataObject
) -> None:
    size, indices = case
    leaves, hashes = given_leaves(indices), proof_of(indices, size)
    root = root_of(LEAVES[:size])
    assert root_with(leaves, size, hashes) == root
    wrong = dict(leaves)
    wrong[data.draw(st.sampled_from(indices))] = bytes(32)
    assert root_with(wrong, size, hashes) != root
    assert root_with(leaves, size, [*hashes, bytes(32)]) is None
    if hashes:
        at = data.draw(st.integers(0, len(hashes) - 1))
        assert root_with(leaves, size, hashes[:at] + hashes[at + 1 :]) is None
        assert root_with(leaves, size, [*hashes[:at], bytes(32), *hashes[at + 1 :]]) != root
        assert root_with(leaves, size, [*hashes[:at], hashes[at][:31], *hashes[at + 1 :]]) is None
    moved = {index + 1: leaf for index, leaf in leaves.items()}
    assert root_with(moved, size, hashes) != root


@given(
    st.dictionaries(st.integers(-2, 2**60), st.binary(max_size=33), max_size=5),
    st.integers(-1, 2**60),
    st.lists(st.binary(min_size=32, max_size=32), max_size=300),
)
def test_noise_makes_a_root_or_none_and_nothing_else(
    leaves: dict[int, bytes], size: int, hashes: list[bytes]
) -> None:
    found = root_with(leaves, size, hashes)
    assert found is None or len(found) in (32, 33) or size == 1


@pytest.mark.parametrize("indices", [[], [1, 0], [0, 0], [-1], [5]])
def test_what_is_no_choice_of_leaves_is_refused(indices: list[int]) -> None:
    with pytest.raises(ValueError):
        proof_of(indices, 5)
