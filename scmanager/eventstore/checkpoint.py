"""Checkpoints: a log's size and root as a signed note, in the text format that every transparency tool reads.

Formats: C2SP signed-note and tlog-checkpoint. A note is text, an empty line, and signature lines; whoever does not
know a signer passes over his line, but a line of a known key must hold. The log key signs notes and its own
continuation only: a note starts with its origin, and no origin may start like the purposes of other signatures.

Stores keep the 64 signature bytes. `note_from` makes the whole note out of them again, byte for byte.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX
from scmanager.eventstore.signing import SIGNATURE_BYTES, SigningKey, verify

NOTE_BYTES_MAX: Final = 128 * 1024
"""Room for sixteen signatures of the largest post-quantum kind, and more than anybody needs."""

SIGNATURES_MAX: Final = 100
"""As many as golang.org/x/mod/sumdb/note takes; C2SP asks for at least 16."""

ORIGIN_CHARACTERS_MAX: Final = 255

_KEY_ID_BYTES = 4
_ED25519 = b"\x01"
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_ORIGIN = re.compile(r"scm\.log/1/([0-9a-f]{64})/([0-9a-f]{64})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class BadNote(Untrusted):
    """This is not a signed note: {reason}."""

    code = "bad-note"


class BadCheckpoint(Untrusted):
    """This note is not a checkpoint: {reason}."""

    code = "bad-checkpoint"


class NotSigned(Untrusted):
    """No signature of the expected key stands under this note."""

    code = "note-not-signed"
    hint = "Check that the key belongs to this log, then ask for the note again."


class WrongSignature(Untrusted):
    """A signature under this note claims to be the expected key's and is not."""

    code = "note-wrong-signature"


def origin(space: bytes, log: bytes) -> str:
    """The name of a log in its checkpoints. Both ids are 32 bytes."""
    if len(space) != 32 or len(log) != 32:
        raise ValueError("a space and a log each have an id of 32 bytes")
    return f"scm.log/1/{space.hex()}/{log.hex()}"


def parse_origin(text: str) -> tuple[bytes, bytes]:
    """The space and the log an origin names. Raises BadCheckpoint for the origin of a log that is not ours."""
    match = _ORIGIN.fullmatch(text)
    if not match:
        raise BadCheckpoint(reason="its origin is none of ours")
    return bytes.fromhex(match[1]), bytes.fromhex(match[2])


class Checkpoint(msgspec.Struct, frozen=True):
    """What a log says of itself: its origin, how many entries it has, and their root (32 bytes).

    Cannot be made wrong: raises BadCheckpoint. Extension lines, which C2SP advises against, are refused.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.origin) <= ORIGIN_CHARACTERS_MAX or "\n" in self.origin or not _is_text(self.origin):
            raise BadCheckpoint(reason="its origin is empty, too long or not text")
        if self.origin.startswith("scm/"):
            raise BadCheckpoint(reason="its origin reads like the purpose of another signature")
        if not 0 <= self.size <= SIZE_MAX:
            raise BadCheckpoint(reason="its size is beyond any log")
        if len(self.root) != HASH_BYTES:
            raise BadCheckpoint(reason="its root is no SHA-256")
        if not self.size and self.root != EMPTY_ROOT:
            raise BadCheckpoint(reason="an empty log has another root")

    def text(self) -> str:
        """The text that is signed: three lines, each with its newline."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint with exactly this text. Raises BadCheckpoint."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise BadCheckpoint(reason="it has not three lines")
        if not _SIZE.fullmatch(lines[1]):
            raise BadCheckpoint(reason="its size is no plain number")
        root = _from_base64(lines[2])
        if root is None:
            raise BadCheckpoint(reason="its root is no plain base64")
        return cls(lines[0], int(lines[1]), root)


class Signature(msgspec.Struct, frozen=True):
    """One signature line. The id (4 bytes) only says which key to try."""

    name: str
    key_id: bytes
    value: bytes


class Note(msgspec.Struct, frozen=True):
    """A text and the signatures under it, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def signature_by(self, name: str, public: bytes) -> bytes:
        """The signature of this key under this name, verified. Raises NotSigned, WrongSignature."""
        if not _is_name(name):
            raise NotSigned()
        wanted = key_id(name, public)
        values = dict.fromkeys(each.value for each in self.signatures if (each.name, each.key_id) == (name, wanted))
        if not values:
            raise NotSigned()
        text = self.text.encode()
        if not all(verify(public, text, value) for value in values):
            raise WrongSignature()
        return next(iter(values))


def key_id(name: str, public: bytes) -> bytes:
    """The 4 bytes by which a signature line points at its Ed25519 key."""
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_BYTES]


def sign_note(checkpoint: Checkpoint, key: SigningKey, name: str | None = None) -> bytes:
    """The note of this checkpoint, signed. The key's name is the log's origin unless told otherwise."""
    return note_from(checkpoint, key.sign(checkpoint.text().encode()), key.public, name)


def note_from(checkpoint: Checkpoint, signature: bytes, public: bytes, name: str | None = None) -> bytes:
    """The note as it was when signed, from what a store keeps of it. Does not verify."""
    name = checkpoint.origin if name is None else name
    if not _is_name(name):
        raise BadNote(reason="a key's name has no spaces and no plus")
    if len(signature) != SIGNATURE_BYTES:
        raise BadNote(reason="an Ed25519 signature has 64 bytes")
    return f"{checkpoint.text()}\n— {name} {_base64(key_id(name, public) + signature)}\n".encode()


def parse_note(data: bytes) -> Note:
    """The text and signatures of a note. Raises BadNote, and verifies nothing."""
    if len(data) > NOTE_BYTES_MAX:
        raise BadNote(reason="too long")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNote(reason="not UTF-8") from None
    if _CONTROL.search(note):
        raise BadNote(reason="a control character")
    text, gap, lines = note.rpartition("\n\n")
    if not gap:
        raise BadNote(reason="no empty line before the signatures")
    *signatures, rest = lines.split("\n")
    if rest or not signatures:
        raise BadNote(reason="no line of signatures that ends")
    if len(signatures) > SIGNATURES_MAX:
        raise BadNote(reason="too many signatures")
    return Note(text + "\n", tuple(_parse_signature(line) for line in signatures))


def verify_note(data: bytes, name: str, public: bytes) -> Checkpoint:
    """The checkpoint in a note that this key signed under this name.

    Raises BadNote, NotSigned, WrongSignature, BadCheckpoint. Whether the origin is the one asked for is for the
    caller to compare: for a log's own note its name is its origin.
    """
    note = parse_note(data)
    note.signature_by(name, public)
    return Checkpoint.parse(note.text)


def _parse_signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "—" or not _is_name(name):
        raise BadNote(reason="a line that is no signature")
    value = _from_base64(encoded)
    if value is None or len(value) <= _KEY_ID_BYTES:
        raise BadNote(reason="a signature that is no plain base64")
    return Signature(name, value[:_KEY_ID_BYTES], value[_KEY_ID_BYTES:])


def _is_name(name: str) -> bool:
    return "+" not in name and name.split() == [name] and _is_text(name)


def _is_text(text: str) -> bool:
    """Without control characters, and without the lone surrogates that no UTF-8 can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not _CONTROL.search(text)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _from_base64(text: str) -> bytes | None:
    """The bytes whose one encoding this is (RFC 4648, section 4, padded); None for any other spelling."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return None
    return data if _base64(data) == text else None
