"""Fork proofs: they convict a log that contradicted itself, and can never be turned against one that did not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    NotSigned,
    WrongSignature,
    note_from,
    origin,
    sign_note,
)
from scmanager.eventstore.fork import PROOF_BYTES_MAX, BadForkProof, ForkProof, NoFork, Side
from scmanager.eventstore.merkle import inclusion_proof, leaf_hash, root_of
from scmanager.eventstore.signing import SigningKey

KEY, OTHER_KEY = SigningKey(bytes(range(32))), SigningKey(bytes(32))
ORIGIN = origin(b"\xaa" * 32, b"\xbb" * 32)
ELSEWHERE = origin(b"\xaa" * 32, b"\xcc" * 32)
HONEST = [leaf_hash(b"entry %d" % number) for number in range(80)]
FORKED = [*HONEST[:5], *(leaf_hash(b"another %d" % number) for number in range(75))]

History = tuple[bytes, Sequence[bytes]]


def history(leaves: Sequence[bytes], key: SigningKey = KEY, name: str = ORIGIN) -> History:
    return sign_note(Checkpoint(name, len(leaves), root_of(leaves)), key), leaves


def side(leaves: Sequence[bytes], index: int, key: SigningKey = KEY, name: str = ORIGIN) -> Side:
    return Side(history(leaves, key, name)[0], leaves[index], tuple(inclusion_proof(index, leaves)))


PROOF = ForkProof.make(KEY.public, history(HONEST[:7]), history(FORKED[:9]))
BYTES = PROOF.to_bytes()


def convicts(data: bytes, public: bytes = KEY.public) -> bool:
    try:
        ForkProof.parse(data).verify(public)
    except Untrusted:
        return False
    return True


@contextmanager
def refused(why: str) -> Iterator[None]:
    with pytest.raises(BadForkProof) as bad:
        yield
    assert bad.value.facts["reason"] == why


def test_the_bytes_of_a_fork_proof_are_frozen() -> None:
    assert BYTES.decode().splitlines()[3] == "leaf n/U3thiiV++CkIxFkVrLrrbZ3qA11tk5ZPyIwZ6YyLM="
    assert sha256(BYTES).hexdigest() == "e5a4ab482cc40456909d299b7ab0a1df879b94ff17e1a61a197b02a290929e03"


def test_two_histories_make_a_proof_that_convicts() -> None:
    assert PROOF.index == 5
    assert PROOF.origin == ORIGIN
    PROOF.verify(KEY.public)
    assert ForkProof.parse(BYTES) == PROOF


def test_the_proof_reads_as_text_and_holds_both_notes_whole() -> None:
    header, index, gap, *_ = BYTES.decode().split("\n")
    assert (header, index, gap) == ("scm.fork-proof/1", "index 5", "")
    assert history(HONEST[:7])[0] in BYTES
    assert BYTES.endswith(history(FORKED[:9])[0])


sizes = st.integers(1, 40)


@given(sizes, sizes, st.data())
def test_any_two_histories_that_differ_convict_and_the_order_does_not_matter(
    one: int, other: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, min(one, other) - 1))
    honest, forked = HONEST[:one], [*HONEST[:at], *(leaf_hash(b"x%d" % number) for number in range(other - at))]
    proof = ForkProof.make(KEY.public, history(honest), history(forked))
    assert proof.index == at
    assert convicts(proof.to_bytes())
    assert ForkProof.parse(proof.to_bytes()) == proof
    assert ForkProof.make(KEY.public, history(forked), history(honest)) == proof


def test_histories_may_be_longer_than_their_notes_and_notes_may_carry_other_signatures() -> None:
    note, _ = history(HONEST[:7])
    crowd = (
        note
        + note_from(Checkpoint(ORIGIN, 7, root_of(HONEST[:7])), bytes(64), KEY.public, "witness").split(b"\n\n")[1]
    )
    assert ForkProof.make(KEY.public, (crowd, HONEST), history(FORKED[:9])) == PROOF


@given(sizes, sizes)
def test_a_history_that_continues_another_makes_no_proof(one: int, other: int) -> None:
    with pytest.raises(NoFork):
        ForkProof.make(KEY.public, history(HONEST[:one]), history(HONEST[:other]))


@given(sizes, sizes, st.integers(0, 45), st.integers(0, 45), st.integers(0, 45))
def test_no_mixture_of_what_an_honest_log_signed_convicts_it(
    one: int, other: int, index: int, index1: int, index2: int
) -> None:
    # An accuser may pair any notes with any leaves and paths he knows from the log.
    sides = []
    for size, at in ((one, index1), (other, index2)):
        leaves = HONEST[:size]
        at %= size
        sides.append(side(leaves, at))
    for claimed in (index, index1 % one, index2 % other):
        with pytest.raises(Untrusted):
            ForkProof(claimed, sides[0], sides[1]).verify(KEY.public)


@given(sizes, st.data())
def test_a_node_of_the_tree_does_not_pass_for_a_leaf(size: int, data: st.DataObject) -> None:
    assume(size > 1)
    index = data.draw(st.integers(0, size - 1))
    true = side(HONEST[:size], index)
    lifted = Side(true.note, root_of(HONEST[:2]), true.path[1:])
    for claimed in range(size):
        with pytest.raises(Untrusted):
            ForkProof(claimed, true, lifted).verify(KEY.public)


def test_a_made_up_history_does_not_convict() -> None:
    honest, forged = side(HONEST[:7], 5), side(FORKED[:9], 5, OTHER_KEY)
    with pytest.raises(NotSigned):
        ForkProof(5, honest, forged).verify(KEY.public)
    with pytest.raises(NotSigned):
        ForkProof(5, forged, honest).verify(OTHER_KEY.public)
    checkpoint = Checkpoint(ORIGIN, 9, root_of(FORKED[:9]))
    stolen = note_from(checkpoint, OTHER_KEY.sign(checkpoint.text().encode()), KEY.public)
    with pytest.raises(WrongSignature):
        ForkProof(5, honest, Side(stolen, forged.leaf, forged.path)).verify(KEY.public)


def test_a_proof_against_one_key_says_nothing_about_another() -> None:
    accused = ForkProof.make(
        OTHER_KEY.public, history(HONEST[:7], OTHER_KEY), history(FORKED[:9], OTHER_KEY)
    )  # somebody's own key under the victim's origin
    accused.verify(OTHER_KEY.public)
    with pytest.raises(NotSigned):
        accused.verify(KEY.public)


def test_one_key_that_serves_two_logs_has_not_forked() -> None:
    with refused("its notes are of two logs"):
        ForkProof(5, side(HONEST[:7], 5), side(FORKED[:9], 5, name=ELSEWHERE)).verify(KEY.public)


def test_a_note_signed_under_another_name_is_not_the_logs() -> None:
    note = sign_note(Checkpoint(ORIGIN, 9, root_of(FORKED[:9])), KEY, ELSEWHERE)
    with pytest.raises(NotSigned):
        ForkProof.make(KEY.public, history(HONEST[:7]), (note, FORKED[:9]))


def test_a_log_that_is_not_ours_is_not_accused() -> None:
    proof = ForkProof(5, side(HONEST[:7], 5, name="a.example"), side(FORKED[:9], 5, name="a.example"))
    with pytest.raises(BadCheckpoint):
        proof.verify(KEY.public)
    with pytest.raises(BadForkProof, match="none of ours"):
        ForkProof.parse(proof.to_bytes())


def test_leaves_that_are_not_under_their_note_make_no_proof() -> None:
    note, _ = history(HONEST[:7])
    with refused("a leaf is not in the history it should be in"):
        ForkProof.make(KEY.public, (note, FORKED[:7]), history(HONEST[:9]))
    with refused("there are fewer leaves than the note says"):
        ForkProof.make(KEY.public, (note, HONEST[:6]), history(FORKED[:9]))


def test_every_changed_byte_of_a_proof_is_refused() -> None:
    for at, was in enumerate(BYTES):
        for now in {10, was ^ 1, was ^ 2, was ^ 32, was ^ 128} - {was}:
            assert not convicts(BYTES[:at] + bytes([now]) + BYTES[at + 1 :])
        assert not convicts(BYTES[:at] + BYTES[at + 1 :])
        assert not convicts(BYTES[:at])


LINES = BYTES.split(b"\n")


@given(st.permutations(range(len(LINES))) | st.lists(st.integers(0, len(LINES) - 1), max_size=40))
@example(list(range(len(LINES))))
@example([])
def test_lines_in_any_other_order_are_refused(order: list[int]) -> None:
    shuffled = b"\n".join(LINES[at] for at in order)
    assert convicts(shuffled) == (shuffled == BYTES)


def test_a_proof_has_one_spelling() -> None:
    first, second = PROOF.first, PROOF.second
    swapped = ForkProof(5, second, first)
    swapped.verify(KEY.public)  # true, but not how it is written
    with refused("its sides are in the wrong order"):
        ForkProof.parse(swapped.to_bytes())
    crowd = Side(first.note + "— witness AAAAAAAA\n".encode(), first.leaf, first.path)
    with refused("a note is signed by others than its log"):
        ForkProof.parse(ForkProof(5, crowd, second).to_bytes())
    twice = Side(first.note + first.note.split(b"\n\n")[1], first.leaf, first.path)
    with refused("a note is signed by others than its log"):
        ForkProof.parse(ForkProof(5, twice, second).to_bytes())


def test_two_histories_of_one_size_have_one_spelling_too() -> None:
    one, other = history(HONEST[:9]), history(FORKED[:9])
    proof = ForkProof.make(KEY.public, one, other)
    assert proof == ForkProof.make(KEY.public, other, one) == ForkProof.parse(proof.to_bytes())


def test_a_proof_beyond_its_bounds_is_refused() -> None:
    with refused("too long"):
        ForkProof.parse(b"x" * (PROOF_BYTES_MAX + 1))
    with refused("it has not seven blocks"):
        ForkProof.parse(b"x" * PROOF_BYTES_MAX)
    long = Side(PROOF.first.note, PROOF.first.leaf, (bytes(32),) * 64)
    with refused("it lacks a leaf, or a path is too long"):
        ForkProof.parse(ForkProof(5, long, PROOF.second).to_bytes())
    for index in (7, 9, 2**53):
        with refused("its index is beyond a history"):
            ForkProof.parse(ForkProof(index, PROOF.first, PROOF.second).to_bytes())
    with refused("its first lines are none of a fork proof"):
        ForkProof.parse(ForkProof(10**300, PROOF.first, PROOF.second).to_bytes())


LEAF = b"leaf n/U3thiiV++CkIxFkVrLrrbZ3qA11tk5ZPyIwZ6YyLM="


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"index 5", b"index 05", "its first lines are none of a fork proof"),
        (b"index 5", b"index 5\nindex 5", "its first lines are none of a fork proof"),
        (b"scm.fork-proof/1", b"scm.fork-proof/2", "its first lines are none of a fork proof"),
        (b"scm.fork-proof/1", b"scm.fork-proof/1\nindex 5", "its first lines are none of a fork proof"),
        (LEAF, b"loaf" + LEAF[4:], "it lacks a leaf, or a path is too long"),
        (LEAF, LEAF + b" " + LEAF[5:], "a line that is no hash"),
        (LEAF, LEAF[:-4], "a line that is no hash"),
        (LEAF, LEAF[:4] + b" " + LEAF, "a line that is no hash"),
        (LEAF, LEAF[:-1] + b"*=", "a line that is no hash"),
        (LEAF, LEAF[:-2] + b"N=", "spelled in another way"),
    ],
)
def test_a_proof_that_is_damaged_is_told_where(old: bytes, new: bytes, why: str) -> None:
    assert BYTES.count(old) == 1
    with refused(why):
        ForkProof.parse(BYTES.replace(old, new))


def test_the_largest_proof_there_can_be_fits() -> None:
    checkpoint = Checkpoint(ORIGIN, 2**53, bytes(32))
    large = Side(note_from(checkpoint, bytes(64), KEY.public), bytes(32), (bytes(32),) * 63)
    data = ForkProof(2**53 - 1, large, large).to_bytes()
    assert ForkProof.parse(data).to_bytes() == data


pieces = st.sampled_from([*LINES, b"\n", b"\n\n", *BYTES.split(b"\n\n")]) | st.binary(max_size=12)


@given(st.binary(max_size=400) | st.lists(pieces, max_size=30).map(b"".join), st.binary(max_size=33))
@example(b"", b"")
@example(BYTES.replace(b"index 5", "index ５".encode()), KEY.public)
@example(BYTES.replace(b"index 5", b"index 05"), KEY.public)
@example(b"\xff\n\n" * 6, KEY.public)
def test_noise_is_untrusted_and_nothing_else(data: bytes, public: bytes) -> None:
    assert not convicts(data, public)


sides = st.builds(
    Side,
    st.sampled_from([PROOF.first.note, PROOF.second.note, b""]) | st.binary(max_size=60),
    st.sampled_from([PROOF.first.leaf, PROOF.second.leaf]) | st.binary(max_size=33),
    st.sampled_from([PROOF.first.path, PROOF.second.path, ()]),
)


@given(st.integers(-2, 2**70), sides, sides)
def test_a_proof_put_together_by_hand_is_untrusted_or_true(index: int, first: Side, second: Side) -> None:
    proof: Any = ForkProof(index, first, second)
    try:
        proof.verify(KEY.public)
    except Untrusted:
        return
    assert {first, second} == {PROOF.first, PROOF.second}
    assert index == PROOF.index


def test_no_entry_is_shown() -> None:
    assert not any(b"entry" in line or b"another" in line for line in LINES)
