"""Files that carry a space from one machine to another until the mesh does: whole spaces, invitations and requests.

Each is JSON Lines in UTF-8: a header that names the format, then one line a piece (whole spaces: `space_reading`).
Entries travel verbatim; keys travel only in a box sealed to one device. Whatever a file says is checked before it
counts; a parser here raises `Untrusted` and nothing else.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from nacl.public import PrivateKey

from scmanager.adapters.key_box import SpaceKey, open_box, open_secret, seal_secret
from scmanager.adapters.key_vault import KeyVault
from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore import signing
from scmanager.eventstore.entry import HEADER_BYTES, PARTS_MAX, SIZE_BYTES_MAX, Recovery
from scmanager.eventstore.parts import is_box_key

ENTRIES_A_LINE_MAX = 500
RUNS_MAX = 100_000
SMALL_BYTES_MAX = 1 << 20
"""Of an invitation, a request, an offer or an answer."""

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
    logs: Annotated[int, msgspec.Meta(ge=0, le=RUNS_MAX)]
    """How many runs follow."""


class Piece(_Line, frozen=True):
    """Some entries of a run, each with its stored parts; `null` where a part is not here."""

    entries: Annotated[tuple[tuple[Entry, Parts], ...], msgspec.Meta(min_length=1, max_length=ENTRIES_A_LINE_MAX)]


class NoteLine(_Line, frozen=True):
    """Ends a run: the note over all entries of its log up to the last one."""

    size: Count
    root: Bytes32
    signature: Bytes64


class KeysLine(_Line, frozen=True):
    """Last line, if any: the space's keys, for the devices that are named and nobody else."""

    boxes: tuple[bytes, ...]
    """Key boxes, all sealed to one box key made for this file."""
    readers: tuple[tuple[Bytes32, bytes], ...]
    """A device's box key, and that file's box secret sealed to it."""


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


BoxKeys = Callable[[], Iterable[bytes]]
"""The box keys of the devices that act in a space at the moment of the call."""


def seal_keys(vault: KeyVault, space: bytes, readers: BoxKeys) -> KeysLine:
    """All keys of a space that are held here, for these devices; to a box key that is none nothing is sealed.

    Who they are is asked after the keys were read: who was removed meanwhile gets none that was made because of him.
    """
    ours = PrivateKey.generate()
    boxes = vault.boxes_for(bytes(ours.public_key), space)
    return KeysLine(boxes, tuple((each, seal_secret(each, bytes(ours))) for each in readers() if is_box_key(each)))


def open_keys(line: KeysLine, box: bytes, box_secret: bytes) -> list[SpaceKey]:
    """The keys, if this device (its box key and secret) is among the readers. Raises KeyBoxBroken."""
    for reader, sealed in line.readers:
        if reader == box:
            ours = open_secret(box_secret, sealed)
            return [key for each in line.boxes for key in open_box(ours, each)]
    return []


def read_bytes(path: Path, bytes_max: int = SMALL_BYTES_MAX) -> bytes:
    """A small file's bytes, cut off beyond `bytes_max` + 1. Raises FileUnreadable."""
    try:
        with path.open("rb") as file:
            return file.read(bytes_max + 1)
    except OSError as error:
        raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from error


def parse_invitation(data: bytes) -> Invitation:
    """Raises SpaceFileDamaged and nothing else."""
    return _small(Invitation, data, "invitation")


def parse_request(data: bytes) -> Request:
    """Raises SpaceFileDamaged, also when the device did not sign it, or nothing can be sealed to it."""
    request = _small(Request, data, "request")
    if not signing.verify(request.device, request.message, request.signature):
        raise SpaceFileDamaged(what="request", reason="its device did not sign it")
    if not is_box_key(request.box):
        raise SpaceFileDamaged(what="request", reason="nothing can be sealed to its box key")
    return request


def parse_hand_over(data: bytes) -> HandOver:
    """Raises SpaceFileDamaged, also when the device did not sign it."""
    offer = _small(HandOver, data, "offer")
    if not signing.verify(offer.device, offer.message, offer.signature):
        raise SpaceFileDamaged(what="offer", reason="its device did not sign it")
    return offer


def parse_signed_hand_over(data: bytes) -> SignedHandOver:
    """Raises SpaceFileDamaged and nothing else."""
    return _small(SignedHandOver, data, "signed offer")


def _small(shape: type[_T], data: bytes, what: str) -> _T:
    # What is cut off is nothing that we wrote: the beginning says what it is instead.
    return decode(shape, data.strip() if len(data) <= SMALL_BYTES_MAX else data[:SMALL_BYTES_MAX] + b"...", what)


def decode(shape: type[_T], line: bytes, what: str) -> _T:
    """One line of a file of that kind. Raises SpaceFileDamaged, FileOfAnotherKind."""
    try:
        return msgspec.json.decode(line, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        found = _FORMAT.match(line)
        kind = _KINDS.get(found[1], what) if found else what
        if kind != what:
            raise FileOfAnotherKind(found=f"{'an' if kind[0] in 'io' else 'a'} {kind}", what=what) from error
        raise SpaceFileDamaged(what=what, reason="a line cannot be read") from error
