"""Files that carry a space from one machine to another until the mesh does: whole spaces, invitations and requests.

Each is JSON Lines in UTF-8: a header that names the format, then one line a piece. Entries travel verbatim; keys
travel only in a box sealed to one device. Whatever a file says is checked before it counts; a parser here raises
`Untrusted` and nothing else.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from nacl.public import PrivateKey

from scmanager.adapters.key_box import KEYS_IN_A_BOX_MAX, SpaceKey, open_box, open_secret, seal_secret
from scmanager.adapters.key_vault import KeyVault
from scmanager.adapters.private_files import write_pieces
from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore import signing
from scmanager.eventstore.entry import HEADER_BYTES, PARTS_MAX, SIZE_BYTES_MAX, Recovery
from scmanager.eventstore.log_copy import LogCopy, note_of, pages
from scmanager.eventstore.store import Store
from scmanager.eventstore.verification import SignedNote

FILE_BYTES_MAX = 1 << 30
LINE_BYTES_MAX = 64 << 20
ENTRIES_A_LINE = 500
BYTES_A_LINE = 16 << 20
"""Of entries and parts: the last entry may add as much again, and base64 a third, and a line stays readable."""

Bytes16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Bytes64 = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
Entry = Annotated[bytes, msgspec.Meta(min_length=HEADER_BYTES + 1, max_length=SIZE_BYTES_MAX)]
Parts = Annotated[tuple[bytes | None, ...], msgspec.Meta(max_length=PARTS_MAX)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class FileUnreadable(Unavailable):
    """The file {path} cannot be read: {reason}."""

    code = "file-unreadable"
    hint = "Check the name and that you may read it."


class SpaceFileDamaged(Untrusted):
    """This is not a whole {what}: {reason}."""

    code = "space-file-damaged"
    hint = "Have the sender export it again, and compare the sizes of both files."


class FileOfAnotherKind(SpaceFileDamaged):
    """This is {found}. Needed here: {what}."""

    code = "file-of-another-kind"
    hint = (
        "An invitation is for scm space request, a request for scm member admit (or scm device enrol), an offer for "
        "scm recovery sign, a signed offer for scm recovery take, a space file for scm space import."
    )


_FORMAT = re.compile(rb'\s*{"format":"(scm-[a-z-]+/1)"')
_KINDS = {
    b"scm-space/1": "space file",
    b"scm-invitation/1": "invitation",
    b"scm-request/1": "request",
    b"scm-hand-over/1": "offer",
    b"scm-handed-over/1": "signed offer",
}


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line."""


class SpaceHeader(_Line, frozen=True):
    """First line of a space file."""

    format: Literal["scm-space/1"]
    space: Bytes32
    logs: Count
    """How many branches follow."""


class Piece(_Line, frozen=True):
    """Some entries of a branch, each with its stored parts; `null` where a part is not here."""

    entries: Annotated[tuple[tuple[Entry, Parts], ...], msgspec.Meta(min_length=1, max_length=ENTRIES_A_LINE)]


class NoteLine(_Line, frozen=True):
    """Ends a branch: the note over all its entries."""

    size: Count
    root: Bytes32
    signature: Bytes64


class KeysLine(_Line, frozen=True):
    """Last line, if any: the space's keys, for the devices that are named and nobody else."""

    boxes: tuple[bytes, ...]
    """Key boxes, all sealed to one box key made for this file."""
    readers: tuple[tuple[Bytes32, bytes], ...]
    """A device's box key, and that file's box secret sealed to it."""


class SpaceFile(msgspec.Struct, frozen=True):
    """What a space file holds. Nothing in it is verified yet."""

    space: bytes
    logs: tuple[LogCopy, ...]
    keys: KeysLine | None


class Invitation(_Line, frozen=True):
    """An invitation: which space, as which member. It gives nobody any right."""

    format: Literal["scm-invitation/1"]
    space: Bytes32
    kind: Literal["org", "personal"]
    member: Bytes16
    organisation: Annotated[str, msgspec.Meta(max_length=120)] = ""


class Request(_Line, frozen=True):
    """A device asks to be let in: the first entry of its fresh log there, and its keys, signed by the device."""

    format: Literal["scm-request/1"]
    space: Bytes32
    member: Bytes16
    entry: bytes
    note: NoteLine
    log: Bytes32
    device: Bytes32
    box: Bytes32
    transport: Bytes32
    signature: Bytes64

    @property
    def message(self) -> bytes:
        """What the device signs."""
        return signing.purpose(
            "join-request", self.space, self.member, self.log, self.device, self.box, self.transport
        )


class HandOver(_Line, frozen=True):
    """Somebody offers to take the founder's seat: the keys of the device and of the log he would write."""

    format: Literal["scm-hand-over/1"]
    space: Bytes32
    key: Bytes32
    """The public key of the log to come."""
    device: Bytes32
    box: Bytes32
    needed: Annotated[int, msgspec.Meta(ge=1, le=15)]
    """How many of the new recovery keys the next recovery needs."""
    recovery_keys: Annotated[tuple[Bytes32, ...], msgspec.Meta(min_length=1, max_length=15)]
    signature: Bytes64

    @property
    def message(self) -> bytes:
        """What the device signs."""
        keys = hashlib.sha3_256(b"".join((self.needed.to_bytes(1, "big"), *self.recovery_keys))).digest()
        return signing.purpose("hand-over", self.space, self.key, self.device, self.box, keys)


class SignedHandOver(_Line, frozen=True):
    """The recovery keys' answer: the statement for entry 0 of the new log."""

    format: Literal["scm-handed-over/1"]
    recovery: Recovery


_T = TypeVar("_T", bound=_Line)


def write_space(path: Path, space: bytes, logs: Iterable[LogCopy], keys: KeysLine | None) -> int:
    """Write a space file for its owner only, replacing an older one; returns its size in bytes."""
    copies = list(logs)
    branches = ((zip(copy.entries, copy.held, strict=True), copy.note) for copy in copies)
    return write_pieces(path, space_lines(space, len(copies), branches, keys))


def whole_space(store: Store, vault: KeyVault, space: bytes, readers: Iterable[bytes] | None) -> Iterator[bytes]:
    """A space as it is held here, line by line: a page of entries in memory at a time.

    With its keys for these devices' box keys; None: without any. Raises BoxKeyUnusable.
    """
    keys = None if readers is None else seal_keys(vault, space, readers)
    heads = store.heads(space)
    branches = ((pages(store, head), note_of(store, head)) for head in heads)
    return space_lines(space, len(heads), branches, keys)


Rows = Iterable[tuple[bytes, Mapping[int, bytes]]]
"""Entries, each with its stored parts by number."""


def space_lines(
    space: bytes, logs: int, branches: Iterable[tuple[Rows, SignedNote]], keys: KeysLine | None
) -> Iterator[bytes]:
    """A space file line by line, each with its line end; `logs`: how many branches there are."""
    yield msgspec.json.encode(SpaceHeader("scm-space/1", space, logs)) + b"\n"
    for rows, note in branches:
        for piece in _pieces(rows):
            yield piece + b"\n"
        yield msgspec.json.encode(NoteLine(note.size, note.root, note.signature)) + b"\n"
    if keys is not None:
        yield msgspec.json.encode(keys) + b"\n"


def _pieces(branch: Rows) -> Iterator[bytes]:
    rows: list[tuple[bytes, tuple[bytes | None, ...]]] = []
    size = 0
    for data, held in branch:
        if len(rows) == ENTRIES_A_LINE or size >= BYTES_A_LINE:
            yield msgspec.json.encode(Piece(tuple(rows)))
            rows, size = [], 0
        count = max(held, default=-1) + 1
        rows.append((data, tuple(held.get(number) for number in range(count))))
        size += len(data) + sum(map(len, held.values()))
    if rows:
        yield msgspec.json.encode(Piece(tuple(rows)))


def seal_keys(vault: KeyVault, space: bytes, readers: Iterable[bytes]) -> KeysLine:
    """All keys of a space that are held here, for these devices' box keys. Raises BoxKeyUnusable."""
    ours = PrivateKey.generate()
    held = vault.keys_of(space, None)
    boxes = (
        vault.box_for(bytes(ours.public_key), held[start : start + KEYS_IN_A_BOX_MAX])
        for start in range(0, len(held), KEYS_IN_A_BOX_MAX)
    )
    return KeysLine(tuple(boxes), tuple((reader, seal_secret(reader, bytes(ours))) for reader in readers))


def open_keys(line: KeysLine, box: bytes, box_secret: bytes) -> list[SpaceKey]:
    """The keys, if this device (its box key and secret) is among the readers. Raises KeyBoxBroken."""
    for reader, sealed in line.readers:
        if reader == box:
            ours = open_secret(box_secret, sealed)
            return [key for each in line.boxes for key in open_box(ours, each)]
    return []


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises FileUnreadable, also when it is larger than 1 GiB."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from error
    if len(data) > FILE_BYTES_MAX:
        raise FileUnreadable(path=str(path), reason="it is larger than 1 GiB")
    return data


def parse_space(data: bytes) -> SpaceFile:
    """Raises SpaceFileDamaged and nothing else."""
    lines = _lines(data)
    header = _decode(SpaceHeader, next(lines, b""), "space file")
    logs: list[LogCopy] = []
    entries: list[bytes] = []
    held: list[dict[int, bytes]] = []
    keys: KeysLine | None = None
    for line in lines:
        if keys is not None:
            raise SpaceFileDamaged(what="space file", reason="something follows its end")
        if line.startswith(b'{"entries"'):
            piece = _decode(Piece, line, "space file")
            for entry, stored in piece.entries:
                entries.append(entry)
                held.append({number: part for number, part in enumerate(stored) if part is not None})
        elif line.startswith(b'{"boxes"'):
            keys = _decode(KeysLine, line, "space file")
        else:
            note = _decode(NoteLine, line, "space file")
            if not entries:
                raise SpaceFileDamaged(what="space file", reason="a head stands there without entries")
            logs.append(LogCopy(entries, held, SignedNote(note.size, note.root, note.signature)))
            entries, held = [], []
    if entries or len(logs) != header.logs:
        raise SpaceFileDamaged(what="space file", reason="its end is missing")
    return SpaceFile(header.space, tuple(logs), keys)


def parse_invitation(data: bytes) -> Invitation:
    """Raises SpaceFileDamaged and nothing else."""
    return _decode(Invitation, data.strip(), "invitation")


def parse_request(data: bytes) -> Request:
    """Raises SpaceFileDamaged, also when the device did not sign it."""
    request = _decode(Request, data.strip(), "request")
    if not signing.verify(request.device, request.message, request.signature):
        raise SpaceFileDamaged(what="request", reason="its device did not sign it")
    return request


def parse_hand_over(data: bytes) -> HandOver:
    """Raises SpaceFileDamaged, also when the device did not sign it."""
    offer = _decode(HandOver, data.strip(), "offer")
    if not signing.verify(offer.device, offer.message, offer.signature):
        raise SpaceFileDamaged(what="offer", reason="its device did not sign it")
    return offer


def parse_signed_hand_over(data: bytes) -> SignedHandOver:
    """Raises SpaceFileDamaged and nothing else."""
    return _decode(SignedHandOver, data.strip(), "signed offer")


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        if end - start > LINE_BYTES_MAX:
            raise SpaceFileDamaged(what="space file", reason="a line is too long")
        yield data[start:end]
        start = end + 1


def _decode(shape: type[_T], line: bytes, what: str) -> _T:
    try:
        return msgspec.json.decode(line, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        found = _FORMAT.match(line)
        kind = _KINDS.get(found[1], what) if found else what
        if kind != what:
            raise FileOfAnotherKind(found=f"{'an' if kind[0] in 'io' else 'a'} {kind}", what=what) from error
        raise SpaceFileDamaged(what=what, reason="a line cannot be read") from error
