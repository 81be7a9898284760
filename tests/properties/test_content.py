"""Part 0: what was encoded reads back, and nothing else can raise or slip through."""

import sys
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scmanager.eventstore import content, entry
from scmanager.eventstore.content import Shared
from tests.golden import hostile
from tests.golden.logs import shared
from tests.support.effort import examples

id32 = st.binary(min_size=32, max_size=32)
id16 = st.binary(min_size=16, max_size=16)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
).filter(lambda value: _depth(value) <= 14)
payloads = st.dictionaries(words, values, max_size=4).map(lambda value: msgspec.Raw(msgspec.json.encode(value)))
events = st.builds(
    Shared,
    type=words.filter(lambda text: 0 < len(text.encode()) <= 64),
    by=id32,
    command=id16,
    cause=st.just(b"") | id32,
    entity=id16,
    saw=st.lists(id32, max_size=64).map(tuple),
    payload=payloads,
)


LAWFUL = content.read(shared("case"))
assert LAWFUL is not None


def _depth(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 0


@settings(max_examples=examples(300))
@given(events)
def test_what_was_encoded_reads_back(event: Shared) -> None:
    plain = content.encode(event)
    assert content.read(plain) == event
    assert content.encode(event) == plain


@settings(max_examples=examples(500))
@given(st.binary(max_size=300))
@example(b"[" * 60_000)
@example(b'{"a":' * 10_000)
@example(b'"' + b"\\" * 60_000)
@example(b"9" * 60_000)
def test_reading_noise_is_total(noise: bytes) -> None:
    assert content.read(noise) is None


@settings(max_examples=examples(500))
@given(st.data())
def test_reading_damaged_events_is_total(data: st.DataObject) -> None:
    """Cut, spliced and doubled pieces of lawful and hostile events."""
    pool = st.sampled_from([plain for _, plain in hostile.contents() if len(plain) < 2000])
    one, other = data.draw(pool), data.draw(pool)
    piece = data.draw(st.binary(max_size=4))
    plain = one[: data.draw(st.integers(0, len(one)))] + piece + other[data.draw(st.integers(0, len(other))) :]
    read = content.read(plain)
    assert read is None or content.encode(read) == plain


@settings(max_examples=examples(300))
@given(st.data())
def test_one_event_has_one_spelling(data: st.DataObject) -> None:
    plain = shared("case", {"title": "Jumptown", "n": [1, 2]})
    at = data.draw(st.integers(0, len(plain)))
    piece = data.draw(st.sampled_from([b" ", b"\n", b"\t", b"0", b"+", b"\\", b"\0", b"="]))
    read = content.read(plain[:at] + piece + plain[at:])
    assert read is None or read != content.read(plain)


def test_nobody_writes_what_nobody_could_read() -> None:
    lawful = content.read(shared("case"))
    assert lawful is not None
    with pytest.raises(ValueError, match="nobody could read"):
        content.encode(msgspec.structs.replace(lawful, by=b"short"))


def nested(*before: str, deep: int) -> bytes:
    """Part 0 whose payload opens and closes `before`, and then goes so deep, itself included."""
    raw = '{"a":[' + "".join(f"{each}," for each in before) + "[" * (deep - 3) + "]" * (deep - 3) + "]}"
    return msgspec.json.encode(msgspec.structs.replace(LAWFUL, payload=msgspec.Raw(raw.encode())))


def test_depth_is_counted_by_what_is_open_not_by_what_was() -> None:
    assert content.read(nested("[[]]", "[]", deep=16)) is not None
    for before in ((), ("[]",), ("[[[[]]]]",), ("[]",) * 20):
        assert content.read(nested(*before, deep=16)) is not None, before
        assert content.read(nested(*before, deep=17)) is None, before
    closing = '{"a":[[[],' + "[" * 13 + "]" * 13 + "]]}"
    too_deep = msgspec.structs.replace(LAWFUL, payload=msgspec.Raw(closing.encode()))
    assert content.read(msgspec.json.encode(too_deep)) is None


@pytest.mark.parametrize(
    ("number", "taken"), [(2**53 - 1, True), (2**53, False), (1 - 2**53, True), (-(2**53), False)]
)
def test_a_number_is_below_2_to_the_53(number: int, taken: bool) -> None:
    plain = msgspec.json.encode(msgspec.structs.replace(LAWFUL, payload=msgspec.Raw(b'{"n":%d}' % number)))
    assert (content.read(plain) is not None) is taken


def below(frames: int, read: Callable[[], object]) -> object:
    """What `read` gives with so many frames more on the stack."""
    return below(frames - 1, read) if frames else read()


@pytest.mark.parametrize("name", ["depth 16", "depth 17", "60,000 brackets"])
def test_a_caller_deep_in_the_stack_never_gets_another_verdict(name: str) -> None:
    """Calling a lawful event malformed because somebody recursed would make two replicas differ."""
    plain = dict(hostile.contents())[name]
    lawful = content.read(plain)
    header = dict(hostile.entries())["64 deps"]
    parsed = entry.parse(header)
    gave_up = 0
    for frames in range(sys.getrecursionlimit() - 150, sys.getrecursionlimit()):
        try:
            assert below(frames, lambda: content.read(plain)) == lawful
            assert below(frames, lambda: entry.parse(header)) == parsed
        except RecursionError:
            gave_up += 1
    assert gave_up > 0
