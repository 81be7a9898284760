"""Uploading a log's entries to a mirror: what `add-entries` is made of (C2SP tlog-mirror). No key, disk or network.

A request is a head and a sequence of packages, cut where entry bundles are cut. Each package proves for itself that
its entries stand in a checkpoint which the log has signed, so what a request brought is kept wherever it breaks off.
Readers are generators: each yields how many bytes it needs, and is sent just those.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Generator, Iterator, Sequence
from typing import Final

import msgspec

from scmanager.errors import Conflict, Refused, Untrusted
from scmanager.eventstore.any_checkpoint import ORIGIN_BYTES_MAX, SIZE_MAX
from scmanager.eventstore.merkle import HASH_BYTES, root_of, verify_subtree_consistency
from scmanager.eventstore.tiles import WIDTH, bundle
from scmanager.master_ledger.witnessing import Kept

PACKAGES_MAX: Final = 32
"""A client sends no more in one request; then it asks how far the mirror is."""
PROOF_HASHES_MAX: Final = 63
EXCESS_MAX: Final = PACKAGES_MAX * WIDTH
"""So many entries that lie there already may be sent again: others may be uploading the same ones."""
INFO_MEDIA: Final = "text/x.tlog.mirror-info"
INFO_BYTES_MAX: Final = 90_000
TICKET_BYTES_MAX: Final = 65_535

_INFO = re.compile(rb"(0|[1-9][0-9]{0,18})\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]*={0,2})\n")


class BadUpload(Untrusted):
    """This is no add-entries request: {reason}."""

    code = "upload-bad"
    hint = "It begins with the log's origin, its start and end, and a ticket; packages follow (tlog-mirror)."


class NothingPending(Refused):
    """No checkpoint of this log was shown here yet."""

    code = "mirror-nothing-pending"
    hint = "Send one first: add-checkpoint."


class PackageUnproved(Untrusted):
    """The entries from {start} to {end} are not proved to stand in the checkpoint of {size} entries."""

    code = "mirror-package-unproved"
    hint = "Send the log's own entries, with the consistency proof of their subtree. What came before them is kept."


class UploadDiffers(Conflict):
    """The mirror is elsewhere: it has {next} entries, and waits for those up to {size}."""

    code = "mirror-upload-differs"
    hint = "Go on from there."

    @property
    def info(self) -> "Info":
        """What is answered."""
        size, following = self.facts["size"], self.facts["next"]
        assert isinstance(size, int)
        assert isinstance(following, int)
        return Info(size, following)


class Header(msgspec.Struct, frozen=True):
    """Whose entries `[start, end)` are uploaded. The ticket is of no use here: every pending checkpoint is kept."""

    origin: str
    start: int
    end: int


class Span(msgspec.Struct, frozen=True):
    """The place of a package: entries `[start, end)` of the bundle that begins at `low`."""

    low: int
    start: int
    end: int


class Package(msgspec.Struct, frozen=True):
    """The entries of a span, and what shows that `[low, end)` stands in the tree of the upload's end."""

    entries: tuple[bytes, ...]
    proof: tuple[bytes, ...]


class Info(msgspec.Struct, frozen=True):
    """Where a mirror is: a pending checkpoint's size, the first entry that it lacks, what to send along next time."""

    size: int
    next: int
    ticket: bytes = b""

    def to_bytes(self) -> bytes:
        """Three lines."""
        return b"%d\n%d\n%s\n" % (self.size, self.next, b64encode(self.ticket))

    @classmethod
    def parse(cls, data: bytes) -> "Info":
        """Raises BadUpload and nothing else."""
        found = _INFO.fullmatch(data) if len(data) <= INFO_BYTES_MAX else None
        try:
            ticket = b64decode(found[3], validate=True) if found else b""
        except (Base64Error, ValueError):
            found = None
        if not found or len(ticket) > TICKET_BYTES_MAX or b64encode(ticket) != found[3]:
            raise BadUpload(reason="a mirror's answer has three lines: a size, the next entry, a ticket in base64")
        size, following = int(found[1]), int(found[2])
        if max(size, following) > SIZE_MAX:
            raise BadUpload(reason="a number beyond any log")
        return cls(size, following, ticket)


def header_bytes(origin: str, start: int, end: int, ticket: bytes = b"") -> bytes:
    """What a request begins with."""
    name = origin.encode()
    sizes = len(name).to_bytes(2, "big"), start.to_bytes(8, "big") + end.to_bytes(8, "big")
    return sizes[0] + name + sizes[1] + len(ticket).to_bytes(2, "big") + ticket


def package_bytes(package: Package) -> bytes:
    """A package as it is sent."""
    return bundle(package.entries) + bytes((len(package.proof),)) + b"".join(package.proof)


def read_header() -> Generator[int, bytes, Header]:
    """The head of a request. Raises BadUpload and nothing else."""
    length = int.from_bytes((yield 2), "big")
    if not 0 < length <= ORIGIN_BYTES_MAX:
        raise BadUpload(reason="its origin has no such length")
    try:
        origin = (yield length).decode("utf-8")
    except UnicodeDecodeError:
        raise BadUpload(reason="its origin is not UTF-8") from None
    start, end = int.from_bytes((yield 8), "big"), int.from_bytes((yield 8), "big")
    yield int.from_bytes((yield 2), "big")
    if start > end or end > SIZE_MAX:
        raise BadUpload(reason="it starts beyond its end, or ends beyond any log")
    return Header(origin, start, end)


def read_package(count: int) -> Generator[int, bytes, Package]:
    """A package of so many entries. Raises BadUpload and nothing else."""
    entries: list[bytes] = []
    while len(entries) < count:
        length = int.from_bytes((yield 2), "big")
        entries.append((yield length))
    hashes = (yield 1)[0]
    if hashes > PROOF_HASHES_MAX:
        raise BadUpload(reason="more hashes than any proof has")
    data = yield hashes * HASH_BYTES
    return Package(tuple(entries), tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)))


def spans(start: int, end: int) -> Iterator[Span]:
    """The packages of an upload, in their order."""
    for low in _lows(start, end):
        yield Span(low, max(start, low), min(end, low + WIDTH))


def package_count(start: int, end: int) -> int:
    """How many those are."""
    return len(_lows(start, end))


def _lows(start: int, end: int) -> range:
    return range(start - start % WIDTH, end if start < end else 0, WIDTH)


def check_proved(span: Span, leaves: Sequence[bytes], proof: Sequence[bytes], head: Kept) -> None:
    """`leaves`: the hashes of all entries of `[low, end)`. Raises PackageUnproved."""
    if not verify_subtree_consistency(span.low, span.end, head.size, root_of(leaves), proof, head.root):
        raise PackageUnproved(start=span.start, end=span.end, size=head.size)
