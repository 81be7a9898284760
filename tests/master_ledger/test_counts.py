"""Files of counts: what is read, and what is refused; and what a rating is."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.counting import Counted, Place, PluginCounted, enter, flaw_of, rating_tenths
from scmanager.domain.event import Envelope
from scmanager.domain.payload import INT_MAX
from scmanager.domain.registry import Register, evolve
from scmanager.master_ledger import submission
from scmanager.master_ledger.counts import FILE_BYTES_MAX, LINES_MAX, BadCounts, counted_in, parse
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import NOW_S, RELEASE, Server, first_manifest, plugin

LINE = {"plugin": "org.example.mining", "downloads": 10, "votes": 4, "rating_sum": 17, "until": NOW_S}
WHOLE = PluginCounted("org.example.mining", 10, 4, 17, NOW_S)


def file(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


def test_a_file_is_one_plugin_a_line() -> None:
    assert parse(file(LINE)) == (WHOLE,)
    assert parse(file(LINE, LINE | {"downloads": 11})[:-1])[1].downloads == 11, "the last line need not end"
    assert len(parse(file(*[LINE] * LINES_MAX))) == LINES_MAX


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "line 1 cannot be read"),
        (b"noise\n", "line 1 cannot be read"),
        (file(LINE, LINE | {"more": 1}), "line 2 cannot be read"),
        (file(LINE | {"downloads": -1}), "line 1 cannot be read"),
        (file(LINE | {"votes": 4.0}), "line 1 cannot be read"),
        (file(LINE | {"rating_sum": INT_MAX + 1}), "line 1 cannot be read"),
        (file(LINE | {"plugin": "Mining"}), "line 1 cannot be read"),
        (file({key: LINE[key] for key in LINE if key != "until"}), "line 1 cannot be read"),
        (file(LINE | {"votes": 11}), "line 1 cannot be: it has more votes than downloads"),
        (file(LINE | {"rating_sum": 21}), "line 1 cannot be: its votes are above 5"),
        (file(*[LINE] * (LINES_MAX + 1)), "more than 1000 lines"),
        (b" " * (FILE_BYTES_MAX + 1), "too long"),
    ],
)
def test_whatever_is_no_count_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(BadCounts, match=why):
        parse(data)


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_noise_is_refused_as_what_it_is(data: bytes) -> None:
    with pytest.raises(BadCounts):
        parse(data)


@given(st.integers(0, len(file(LINE)) - 2), st.integers(0, 255))
def test_a_changed_byte_is_read_as_other_counts_or_refused(at: int, byte: int) -> None:
    changed = bytearray(file(LINE))
    changed[at] = byte
    with contextlib.suppress(BadCounts):
        assert all(flaw_of(each, None) == "" for each in parse(bytes(changed)))


def test_an_entry_that_counts_says_so_and_no_other() -> None:
    server = Server()
    first = first_manifest(server)
    of_plugin = submission.make(plugin(manifest_hash(first.statement)), [RELEASE])
    indices = [server.append(WHOLE), server.append(of_plugin), server.append(of_plugin, kind="plugin.counted/1")]
    assert [counted_in(server.said[index][1]) for index in indices] == [WHOLE, None, None]


@given(st.binary(max_size=200))
def test_noise_counts_nothing(shared: bytes) -> None:
    assert counted_in(shared) is None


COUNTED = st.builds(
    PluginCounted, st.sampled_from(["a", "b", "c"]), st.integers(0, 4), st.integers(0, 4), st.integers(0, 12),
    st.integers(0, 3),
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([b"1" * 32, b"2" * 32]), COUNTED), max_size=30))
def test_the_fold_of_a_space_keeps_what_each_log_counted_last(said: list[tuple[bytes, PluginCounted]]) -> None:
    register, held = Register(), dict[Place, Counted]()
    for seq, (log, each) in enumerate(said):
        register = evolve(register, each, Envelope(b"", log, seq, 0, b"", b"", 0, b""))
        enter(held, Counted(log, seq, each))
    assert register.counts == tuple(held[place] for place in sorted(held))
    for (log, name), last in held.items():
        mine = [each for at, each in said if (at, each.plugin) == (log, name)]
        assert last.said == held_in_turn(mine)[-1]


def held_in_turn(said: list[PluginCounted]) -> list[PluginCounted]:
    """Each that held once, by the rule read aloud."""
    held: list[PluginCounted] = []
    for each in said:
        numbers = (each.downloads, each.votes, each.rating_sum, each.until)
        last = held[-1] if held else PluginCounted("a", 0, 0, 0, 0)
        before = (last.downloads, last.votes, last.rating_sum, last.until)
        grown = all(now >= then for now, then in zip(numbers, before, strict=True))
        if each.votes <= each.downloads and each.rating_sum <= 5 * each.votes and grown:
            held.append(each)
    return held


@pytest.mark.parametrize(
    ("votes", "rating_sum", "tenths"),
    [(0, 0, None), (1, 0, 0), (1, 5, 50), (3, 10, 33), (3, 11, 37), (20, 85, 43), (20, 84, 42), (40, 171, 43)],
)
def test_a_rating_is_rounded_to_tenths_halves_up(votes: int, rating_sum: int, tenths: int | None) -> None:
    assert rating_tenths(PluginCounted("a", votes, votes, rating_sum, 0)) == tenths


@given(st.integers(1, INT_MAX), st.data())
def test_a_rating_is_exact_however_large_the_numbers_are(votes: int, data: st.DataObject) -> None:
    total = data.draw(st.integers(0, min(5 * votes, INT_MAX)))
    tenths = rating_tenths(PluginCounted("a", votes, votes, total, 0))
    assert tenths is not None
    assert 0 <= tenths <= 50
    assert -votes < 20 * total - 2 * votes * tenths <= votes or 20 * total - 2 * votes * tenths == -votes
