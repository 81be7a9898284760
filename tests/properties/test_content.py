"""Part 0: what was encoded reads back, and nothing else can raise or slip through."""

import sys
from collections.abc import Callable
from typing import Any

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


_any = msgspec.json.Decoder(Any)
_encode = msgspec.json.encode


def by_definition(plain: bytes) -> bool:
    """Whether part 0 is well formed, in the words of the design: its own re-encoding, one walk, then the schema."""
    try:
        if len(plain) > 65_536 or _depth(value := _any.decode(plain)) > 16:
            return False
        if _encode(value) != plain or not _lawful(value):
            return False
        one = msgspec.json.decode(plain, type=Loose)
        return (
            _encode(one) == plain
            and (len(one.by), len(one.command), len(one.entity)) == (32, 16, 16)
            and len(one.cause) in {0, 32}
            and len(one.saw) <= 64
            and all(len(seen) == 32 for seen in one.saw)
            and 0 < len(one.type.encode()) <= 64
            and isinstance(value["payload"], dict)
        )
    except (ValueError, RecursionError, OverflowError):
        return False


class Loose(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of part 0 without their widths."""

    type: str
    by: bytes
    command: bytes
    cause: bytes
    entity: bytes
    saw: tuple[bytes, ...]
    payload: msgspec.Raw


def _lawful(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_lawful, value))
    if isinstance(value, dict):
        return all(_lawful(key) and _lawful(item) for key, item in value.items())
    if isinstance(value, str):
        return "\0" not in value
    return value is None or (isinstance(value, int) and abs(value) < 2**53)


any_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["\\u0000", "\0", "1.5"])
any_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False) | any_words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_words, inner, max_size=3),
    max_leaves=25,
)
SPELLINGS = rb"""1.0 1e0 -0 -0.0 01 1E400
    9007199254740991 9007199254740992 -9007199254740991 -9007199254740992 true nul
    123456789012345678901234567890 [[[[[[1]]]]]] [[[[1.5]]]] {"a":{"a":{"a":{"a":0}}}} {"a":1,"a":1} [ } ,
    "\u0000" "\\u0000" "\\\u0000" "\u0041" """.split()
spellings = st.sampled_from([*SPELLINGS, b" 1", b'"\xed\xa0\x80"'])


@settings(max_examples=examples(1000))
@given(st.dictionaries(any_words, any_values, max_size=4).map(msgspec.json.encode), st.data())
@pytest.mark.slow
def test_reading_is_what_its_definition_says(written: bytes, data: st.DataObject) -> None:
    """The reader takes short cuts; each must lead where the long way leads, for lawful and for damaged payloads."""
    for piece in data.draw(st.lists(spellings, max_size=2)):
        at = data.draw(st.integers(0, len(written)))
        value = b'{"n":' + piece + b"}" if data.draw(st.booleans()) else written[:at] + piece + written[at:]
        written = data.draw(st.sampled_from([value, b'{"n":[' + written + b"," + piece + b"]}"]))
    plain = hostile.payload(written)
    assert (content.read(plain) is not None) == by_definition(plain)


def test_hostile_events_are_read_as_the_definition_says() -> None:
    for name, plain in hostile.contents():
        assert (content.read(plain) is not None) == by_definition(plain), name


@pytest.mark.parametrize(("lists", "is_read"), [(14, True), (15, False)])
def test_depth_is_counted_after_brackets_that_were_closed_too(lists: int, is_read: bool) -> None:
    """Part 0 and its payload are two levels themselves."""
    nested = b"[" * (lists - 3) + b"[[],[[]]]" + b"]" * (lists - 3)
    assert (content.read(hostile.payload(b'{"n":' + nested + b"}")) is not None) == is_read


@pytest.mark.parametrize(("number", "is_read"), [(2**53 - 1, True), (2**53, False)])
def test_numbers_deep_in_a_payload_have_the_same_bounds_as_those_on_top(number: int, is_read: bool) -> None:
    for value in (number, -number):
        for nested in (value, [[[[value]]]]):
            plain = hostile.payload(msgspec.json.encode({"n": nested}))
            assert (content.read(plain) is not None) == is_read


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
