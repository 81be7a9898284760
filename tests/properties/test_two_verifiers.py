"""Two verifiers, one verdict: on logs as they were written and on every change of a byte."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.eventstore import content
from scmanager.eventstore.own_log import Draft, OwnLog
from tests import tiny_verifier
from tests.golden import hostile
from tests.golden.logs import (
    LOGS,
    SPACE_KEY,
    STARTED,
    SUBJECT_KEY,
    WholeLog,
    entropy_of,
    founding,
    key_of,
    shared,
    whole,
)
from tests.support.effort import examples
from tests.support.verdicts import Verdict, judge


@cache
def built(name: str) -> WholeLog:
    return LOGS[name]()


def both(log: WholeLog) -> Verdict:
    """The verdict, once both agree on it."""
    ours = judge(log.entries, log.parts, log.note, log.keys)
    assert tiny_verifier.verify(log.entries, log.parts, log.note, log.keys) == ours
    return ours


def copy(log: WholeLog) -> WholeLog:
    return WholeLog(list(log.entries), deepcopy(log.parts), log.note, log.keys, log.own, log.signer)


def flip(data: bytes, at: int, bits: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def places(log: WholeLog) -> Iterator[tuple[str, int, int, int]]:
    """Every byte a reader is given: (what, entry, part, offset)."""
    for n, data in enumerate(log.entries):
        yield from (("entry", n, 0, at) for at in range(len(data)))
    for n, held in enumerate(log.parts):
        for number, data in held.items():
            yield from (("part", n, number, at) for at in range(len(data)))
    yield from (("note", 0, 0, at) for at in range(len(log.note)))


def changed(log: WholeLog, place: tuple[str, int, int, int], bits: int) -> WholeLog:
    what, n, number, at = place
    twin = copy(log)
    if what == "entry":
        twin.entries[n] = flip(twin.entries[n], at, bits)
    elif what == "part":
        twin.parts[n][number] = flip(twin.parts[n][number], at, bits)
    else:
        twin.note = flip(twin.note, at, bits)
    return twin


@pytest.mark.parametrize("bits", [0x01, 0x20, 0x80])
@pytest.mark.parametrize("name", ["personal", "recovery", "continuation"])
@pytest.mark.slow
def test_no_byte_of_a_log_can_change_unseen(name: str, bits: int) -> None:
    for place in places(built(name)):
        assert both(changed(built(name), place, bits))[0] != "authentic", place


@settings(max_examples=examples(300))
@given(st.data())
def test_no_byte_of_any_log_can_change_unseen(data: st.DataObject) -> None:
    log = built(data.draw(st.sampled_from(sorted(LOGS))))
    place = data.draw(st.sampled_from(list(places(log))))
    assert both(changed(log, place, data.draw(st.integers(1, 255))))[0] != "authentic"


@settings(max_examples=examples(300))
@given(st.data())
def test_a_byte_more_or_less_is_seen(data: st.DataObject) -> None:
    log = copy(built(data.draw(st.sampled_from(sorted(LOGS)))))
    n = data.draw(st.integers(0, len(log.entries) - 1))
    at = data.draw(st.integers(0, len(log.entries[n])))
    piece = data.draw(st.binary(max_size=3))
    cut = data.draw(st.integers(0 if piece else 1, 3))
    before = log.entries[n]
    log.entries[n] = before[:at] + piece + before[at + cut :]
    assert (both(log)[0] == "authentic") == (log.entries[n] == before)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.text(max_size=8) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=examples(200))
@given(
    st.lists(
        st.tuples(
            st.sampled_from([SPACE_KEY, None]),
            st.binary(min_size=1, max_size=80) | st.sampled_from([data for _, data in hostile.contents() if data]),
            st.lists(st.binary(max_size=40), max_size=15),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_both_read_alike_what_an_author_writes(events: list[tuple[object, bytes, list[bytes], bool]]) -> None:
    """An author may seal anything at all into part 0: it verifies, and is void for both."""
    signer = key_of("any")
    log = OwnLog.found(founding("any", "org")(signer.public), signer, STARTED, entropy_of("any"))
    for key, first, personal, lawful in events:
        plain = shared("any") if lawful else first[:65_536]
        words = tuple((SUBJECT_KEY, each) for each in personal)
        log.add(Draft(plain, key, words), log.hlc + 1)  # type: ignore[arg-type]  # a Secret or None
    verdict, opened = both(whole(log, log.commit(), signer))
    assert verdict == "authentic"
    assert [row[0] for row in opened[1:]] == [
        "read" if lawful or content.read(first[:65_536]) else "malformed" for _, first, _, lawful in events
    ]


@settings(max_examples=examples(500))
@given(st.binary(max_size=400), st.booleans())
def test_both_refuse_noise_alike(noise: bytes, with_header: bool) -> None:
    data = hostile.raw(noise) if with_header else noise
    log = WholeLog([data], [{}], b"", {}, built("lonely").own, built("lonely").signer)
    assert both(log)[0] in {"malformed", "chain", "note"}


@settings(max_examples=examples(500))
@given(json_values)
def test_both_judge_any_payload_alike(value: object) -> None:
    try:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return
    plain = hostile.payload(written)
    assert tiny_verifier.content(plain) == (content.read(plain) is not None)
