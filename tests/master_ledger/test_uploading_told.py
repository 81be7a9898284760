"""What is wrong with an upload, word for word; which bytes its readers ask for; bounds on both sides."""

from collections.abc import Generator
from typing import Any

import pytest

from scmanager.eventstore.merkle import HASH_BYTES, leaf_hash, root_of, subtree_consistency_proof
from scmanager.master_ledger.uploading import (
    INFO_BYTES_MAX,
    PROOF_HASHES_MAX,
    TICKET_BYTES_MAX,
    BadUpload,
    Header,
    Info,
    Package,
    PackageUnproved,
    Span,
    UploadDiffers,
    check_proved,
    header_bytes,
    package_bytes,
    read_header,
    read_package,
)
from scmanager.master_ledger.witnessing import Kept

LARGEST = 2**63 - 1


def asked(reading: Generator[int, bytes, Any], *pieces: bytes) -> tuple[list[int], Any]:
    """How many bytes it asks for, one after another, and what it makes of these."""
    wanted = [next(reading)]
    for each in pieces:
        try:
            following = reading.send(each)
        except StopIteration as done:
            return wanted, done.value
        wanted.append(following)
    raise AssertionError(f"it waits for {wanted[-1]} more bytes")


def flaw(reading: Generator[int, bytes, Any], *pieces: bytes) -> object:
    with pytest.raises(BadUpload) as bad:
        asked(reading, *pieces)
    return bad.value.facts["reason"]


def number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def test_a_head_is_read_piece_by_piece_and_its_ticket_is_passed_over() -> None:
    origin = "ä" * 127 + "o"
    pieces = [b"\0\xff", origin.encode(), number(LARGEST), number(LARGEST), b"\x01\x02", b"t" * 258]
    wanted, header = asked(read_header(), *pieces)
    assert wanted == [2, 255, 8, 8, 2, 258]
    assert header == Header(origin, LARGEST, LARGEST)
    assert b"".join(pieces) == header_bytes(origin, LARGEST, LARGEST, b"t" * 258)


def test_what_is_wrong_with_a_head_is_told() -> None:
    assert flaw(read_header(), b"\0\0") == "its origin has no such length"
    assert flaw(read_header(), b"\x01\0") == "its origin has no such length"
    assert flaw(read_header(), b"\0\x01", b"\xff") == "its origin is not UTF-8"
    beyond = "it starts beyond its end, or ends beyond any log"
    assert flaw(read_header(), b"\0\x01", b"x", number(2), number(1), b"\0\0", b"") == beyond
    assert flaw(read_header(), b"\0\x01", b"x", number(2), number(LARGEST + 1), b"\0\0", b"") == beyond


def test_a_package_is_read_piece_by_piece() -> None:
    hashes = [bytes((n,)) * HASH_BYTES for n in range(PROOF_HASHES_MAX)]
    wanted, package = asked(
        read_package(2), b"\x01\x02", b"x" * 258, b"\0\0", b"", bytes((PROOF_HASHES_MAX,)), b"".join(hashes)
    )
    assert wanted == [2, 258, 2, 0, 1, PROOF_HASHES_MAX * HASH_BYTES]
    assert package == Package((b"x" * 258, b""), tuple(hashes))
    assert asked(read_package(0), b"\0", b"") == ([1, 0], Package((), ()))
    assert flaw(read_package(0), bytes((PROOF_HASHES_MAX + 1,))) == "more hashes than any proof has"
    assert package_bytes(package) == b"\x01\x02" + b"x" * 258 + b"\0\0" + bytes((63,)) + b"".join(hashes)


def test_where_a_mirror_is_is_read_up_to_its_bounds_and_told_why_not_beyond() -> None:
    said = Info(LARGEST, LARGEST, b"t" * TICKET_BYTES_MAX)
    assert Info.parse(said.to_bytes()) == said
    lines = "a mirror's answer has three lines: a size, the next entry, a ticket in base64"
    for bad in (
        Info(1, 2, b"t" * (TICKET_BYTES_MAX + 1)).to_bytes(), b"1\n2\n" + b"A" * INFO_BYTES_MAX + b"\n",
        b"1\n2\nQR==\n", b"1\n2\nQ\n", b"1\n02\n\n", b"",
    ):  # fmt: skip
        assert info_flaw(bad) == lines
    for size, following in ((LARGEST + 1, 1), (1, LARGEST + 1)):
        assert info_flaw(Info(size, following).to_bytes()) == "a number beyond any log"


def info_flaw(data: bytes) -> object:
    with pytest.raises(BadUpload) as bad:
        Info.parse(data)
    return bad.value.facts["reason"]


def test_who_is_told_where_the_mirror_is_hears_both_numbers() -> None:
    assert UploadDiffers(size=9, next=4).info == Info(9, 4, b"")


LEAVES = [leaf_hash(b"%d" % n) for n in range(600)]
HEAD = Kept(600, root_of(LEAVES), b"")


def check(span: Span, leaves: list[bytes], proof: list[bytes] | None = None, head: Kept = HEAD) -> None:
    wanted = subtree_consistency_proof(span.low, span.end, LEAVES)
    check_proved(span, leaves, wanted if proof is None else proof, head)


def test_a_package_is_proved_by_the_whole_of_its_bundle_under_the_head() -> None:
    span = Span(256, 300, 512)
    check(span, LEAVES[256:512])
    for leaves, proof, head in (
        (LEAVES[256:511], None, HEAD), (LEAVES[255:511], None, HEAD), (LEAVES[256:512], [], HEAD),
        (LEAVES[256:512], None, Kept(600, root_of(LEAVES[:599]), b"")),
        (LEAVES[256:512], None, Kept(1100, HEAD.root, b"")),
    ):  # fmt: skip
        with pytest.raises(PackageUnproved) as unproved:
            check(span, leaves, proof, head)
        assert unproved.value.facts == {"start": 300, "end": 512, "size": head.size}
