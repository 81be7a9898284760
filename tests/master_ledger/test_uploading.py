"""What `add-entries` is made of: spans as the page cuts them, and readers that take any bytes for what they are."""

import contextlib
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.master_ledger.uploading import (
    BadUpload,
    Info,
    Package,
    Span,
    header_bytes,
    package_bytes,
    package_count,
    read_header,
    read_package,
    spans,
)
from tests.support.mirror import head, packages

T = TypeVar("T")


def read(reading: Generator[int, bytes, T], data: bytes) -> tuple[T, bytes]:
    """What it makes of the first bytes, and the rest."""
    try:
        wanted = next(reading)
        while True:
            if len(data) < wanted:
                raise BadUpload(reason="it breaks off")
            piece, data = data[:wanted], data[wanted:]
            wanted = reading.send(piece)
    except StopIteration as done:
        return done.value, data


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (0, 0, []),
        (600, 600, []),
        (0, 256, [(0, 0, 256)]),
        (0, 257, [(0, 0, 256), (256, 256, 257)]),
        (255, 257, [(0, 255, 256), (256, 256, 257)]),
        (300, 310, [(256, 300, 310)]),
        (300, 1024, [(256, 300, 512), (512, 512, 768), (768, 768, 1024)]),
    ],
)
def test_packages_are_cut_at_multiples_of_256(start: int, end: int, wanted: list[tuple[int, int, int]]) -> None:
    assert list(spans(start, end)) == [Span(*each) for each in wanted]
    assert package_count(start, end) == len(wanted)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**62))
def test_spans_join_without_a_gap(start: int, length: int) -> None:
    end = min(start + length % 2000, 2**63 - 1)
    cut = list(spans(start, end))
    assert [each.start for each in cut] == [start, *(each.end for each in cut[:-1])][: len(cut)]
    assert (cut[-1].end if cut else end) == end
    assert package_count(start, start + length) >= len(cut) - 1


def test_what_we_send_is_what_the_page_says() -> None:
    entries = [b"%d" % n * (n % 5) for n in range(700)]
    assert header_bytes("go.sum database tree", 5, 700, b"ticket") == head("go.sum database tree", 5, 700, b"ticket")
    for span, said in zip(spans(5, 700), packages(entries, 5, 700), strict=True):
        package, rest = read(read_package(span.end - span.start), said)
        assert (package.entries, rest) == (tuple(entries[span.start : span.end]), b"")
        assert package_bytes(package) == said


@given(
    st.text("añ/. ", min_size=1, max_size=60),
    st.integers(0, 2**63 - 1),
    st.binary(max_size=70),
    st.binary(max_size=9),
)
def test_a_head_is_read_as_it_was_made(origin: str, end: int, ticket: bytes, more: bytes) -> None:
    header, rest = read(read_header(), head(origin, end // 2, end, ticket) + more)
    assert (header.origin, header.start, header.end, rest) == (origin, end // 2, end, more)


@given(st.binary(max_size=600), st.integers(1, 4))
def test_noise_is_bad_and_nothing_else(noise: bytes, count: int) -> None:
    for reading in (read_header(), read_package(count)):
        try:
            read(reading, noise)
        except BadUpload:
            continue
    with contextlib.suppress(BadUpload):
        assert Info.parse(noise).to_bytes() == noise


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.binary(max_size=90))
def test_where_a_mirror_is_has_one_spelling(size: int, following: int, ticket: bytes) -> None:
    said = Info(size, following, ticket)
    assert Info.parse(said.to_bytes()) == said
    for other in (said.to_bytes() + b"\n", b"0" + said.to_bytes(), said.to_bytes()[:-1], b" " + said.to_bytes()):
        with pytest.raises(BadUpload):
            Info.parse(other)


def test_what_is_beyond_the_page_is_bad() -> None:
    for bad in (head("", 0, 1), head("x" * 256, 0, 1), head("x", 2, 1), head("x", 0, 2**63)):
        with pytest.raises(BadUpload):
            read(read_header(), bad)
    with pytest.raises(BadUpload):
        read(read_package(1), package_bytes(Package((b"x",), (bytes(32),) * 64)))
    with pytest.raises(BadUpload):
        Info.parse(b"1\n2\nQQ\n")
    with pytest.raises(BadUpload):
        Info.parse(b"9223372036854775808\n2\n\n")
