"""Changes of documents as bytes from outside: what is typing is let through as it is, and nothing else."""

import contextlib
import random
import zlib

import pytest
from automerge import core
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.automerge_change import OPERATIONS_MAX, ChangeUnusable, parse
from scmanager.adapters.automerge_text import ROOT_CHANGE
from scmanager.errors import Untrusted
from scmanager.spaces.scribe import Told
from tests.support.changes import Hand, body_of, bomb, conversation, counter, poison, resealed, sealed
from tests.support.effort import examples

TOLD, _ = conversation()
(HONEST,) = Hand("ada").write("Fly safe. \N{ROCKET}\n")


def why(data: bytes) -> str:
    with pytest.raises(ChangeUnusable) as caught:
        parse(data)
    return str(caught.value.facts["why"])


def test_what_is_read_is_what_the_library_says_of_the_same_bytes() -> None:
    document = core.Document(bytes(16))
    with document.transaction() as writing:
        text = writing.put_object(core.ROOT, "text", core.ObjType.Text)
    rng = random.Random(3)
    for number in range(120):
        document.set_actor(bytes((rng.randrange(1, 5),)) * 16)
        with document.transaction() as writing:
            length = writing.length(text)
            at = rng.randrange(length + 1)
            writing.splice_text(text, at, min(length - at, rng.randrange(6)), rng.choice(("a", "漢字\n", "🚀" * 70)))
        (made,) = document.get_changes(document.get_heads()[:0])[-1:]
        read = parse(bytes(made.raw_bytes))
        assert (read.hash, read.actor, read.number) == (made.hash, made.actor_id, made.seq), number
        assert (read.first, read.operations, list(read.deps)) == (made.start_op, len(made), made.deps)
        assert read.last == made.max_op


@given(data=st.binary(max_size=300))
@settings(max_examples=examples(300))
def test_noise_is_untrusted_and_raises_nothing_else(data: bytes) -> None:
    for each in (data, HONEST.data[:9] + data, sealed(data), sealed(body_of(HONEST.data)[:50] + data)):
        with pytest.raises(Untrusted):
            parse(each)


@given(which=st.sampled_from(TOLD), bit=st.integers(0, 10_000))
@settings(max_examples=examples(300))
def test_one_bit_flipped_anywhere_is_noticed(which: Told, bit: int) -> None:
    data = bytearray(which.data)
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    with pytest.raises(ChangeUnusable):
        parse(bytes(data))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=examples(300))
def test_bytes_that_were_changed_and_sealed_again_are_read_or_refused(seed: int) -> None:
    rng = random.Random(seed)
    body = bytearray(body_of(rng.choice(TOLD).data))
    for _ in range(rng.randrange(1, 5)):
        body[rng.randrange(len(body))] = rng.randrange(256)
    with contextlib.suppress(ChangeUnusable):
        assert parse(sealed(bytes(body))).operations <= OPERATIONS_MAX


def test_what_is_no_typing_is_refused_with_the_reason() -> None:
    assert why(counter().data) == "it holds a counter or something else that is no text"
    assert why(ROOT_CHANGE) == "it does more than write text"
    assert why(bomb(OPERATIONS_MAX + 1).data) == "it unfolds to too much"
    assert why(bomb(2**40).data) == "it unfolds to too much"
    assert why(HONEST.data + b"\0") == "its length is another"
    deflated = zlib.compressobj(wbits=-15)
    body = deflated.compress(body_of(HONEST.data)) + deflated.flush()
    assert why(HONEST.data[:8] + b"\x02" + bytes((len(body),)) + body) == "it is not a change"


def test_as_many_deletions_as_allowed_are_let_through_unread() -> None:
    assert parse(bomb(OPERATIONS_MAX).data).operations == OPERATIONS_MAX


def test_an_actor_that_is_not_in_a_change_is_refused_and_one_that_is_not_in_the_document_is_not_seen() -> None:
    assert parse(poison(HONEST).data).actor == HONEST.actor  # The guard is there for this.
    assert why(resealed(HONEST, b"\x01\x10" + bytes(16), b"\x00").data) == "it names an actor that is not in it"
