"""Head forks: anybody can check, offline, that a log signed a head that its own later head has left.

For whoever kept a head and nothing under it: the proof needs no entry of the first history. It says what the first
`size` entries make in the second one, with the consistency proof from there to the head that the log signed, and that
is another root than the one the log signed for that size. It may be any log that signs with Ed25519, not only ours.

The one spelling of a proof, in the manner of C2SP tlog-proof (the smaller note first):

    scm.head-fork/1
    root <base64: what as many entries make in the second history>
    <consistency proof from there to the second note, one base64 hash a line>

    <note with the log's own signature and no other>

    <note>
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import key_id, parse_note
from scmanager.eventstore.merkle import HASH_BYTES, verify_consistency

PROOF_BYTES_MAX: Final = 16 * 1024
HEADER: Final = "scm.head-fork/1"
_HASHES_MAX: Final = 64


class BadHeadFork(Untrusted):
    """This is no proof that a log left its own head: {reason}."""

    code = "bad-head-fork"
    hint = "It accuses nobody. Ask its sender for the two notes."


class HeadFork(msgspec.Struct, frozen=True):
    """Two notes of one log, the second of which has left the first. Only `verify` makes it evidence."""

    first: bytes
    second: bytes
    """Of the same size, or of a larger one."""
    root: bytes
    """Over as many entries of the second history as the first note says, 32 bytes."""
    hashes: tuple[bytes, ...]

    @property
    def origin(self) -> str:
        """The log it accuses. Look up *this* log's key to verify with."""
        return _checkpoint(self.first).origin

    @classmethod
    def make(
        cls,
        public: bytes,
        first: bytes,
        second: bytes,
        root: bytes,
        hashes: tuple[bytes, ...],
        name: str | None = None,
    ) -> "HeadFork":
        """From two notes, cosigned or not. `name` as for `verify`. Raises Untrusted where they prove nothing."""
        made = cls(bare(first, public, name), bare(second, public, name), root, hashes)
        made.verify(public, name)
        return made

    def verify(self, public: bytes, name: str | None = None) -> None:
        """Returns if the log with this key signed both heads and the second has left the first; else Untrusted.

        `public` is the key of the log that `origin` names; the caller finds it, not the proof. `name`: what the key
        signs as, where that is not the origin.
        """
        if (bare(self.first, public, name), bare(self.second, public, name)) != (self.first, self.second):
            raise BadHeadFork(reason="a note is signed by others than its log")
        one, other = _checkpoint(self.first), _checkpoint(self.second)
        if one.origin != other.origin:
            raise BadHeadFork(reason="its notes are of two logs")
        if self.root == one.root:
            raise BadHeadFork(reason="one continues the other")
        if not verify_consistency(one.size, other.size, self.hashes, self.root, other.root):
            raise BadHeadFork(reason="its hashes do not lead to the second head")

    def to_bytes(self) -> bytes:
        """The one spelling of this proof."""
        lines = [HEADER, f"root {_base64(self.root)}", *map(_base64, self.hashes), ""]
        return b"\n".join(["\n".join(lines).encode(), self.first, self.second])

    @classmethod
    def parse(cls, data: bytes) -> "HeadFork":
        """The proof that these bytes spell; still to be verified. Raises Untrusted."""
        if len(data) > PROOF_BYTES_MAX:
            raise BadHeadFork(reason="too long")
        try:
            blocks = data.decode("utf-8").split("\n\n")
        except UnicodeDecodeError:
            raise BadHeadFork(reason="it is not text") from None
        if len(blocks) != 5:
            raise BadHeadFork(reason="it has not five blocks")
        header, text_one, signed_one, text_other, signed_other = blocks
        first, root, *hashes = [*header.split("\n"), ""] if "\n" not in header else header.split("\n")
        if first != HEADER or not root.startswith("root ") or len(hashes) > _HASHES_MAX:
            raise BadHeadFork(reason="its first lines are none of such a proof")
        made = cls(
            f"{text_one}\n\n{signed_one}\n".encode(),
            f"{text_other}\n\n{signed_other}".encode(),
            _hash(root[5:]),
            tuple(map(_hash, hashes)),
        )
        for note in (made.first, made.second):
            _checkpoint(note)
        if made.to_bytes() != data:
            raise BadHeadFork(reason="spelled in another way")
        return made


def bare(note: bytes, public: bytes, name: str | None = None) -> bytes:
    """The note without anybody's signature but the log's own. Raises Untrusted."""
    parsed = parse_note(note)
    name = AnyCheckpoint.parse(parsed.text).origin if name is None else name
    signature = key_id(name, public) + parsed.signature_by(name, public)
    return f"{parsed.text}\n— {name} {_base64(signature)}\n".encode()


def _checkpoint(note: bytes) -> AnyCheckpoint:
    return AnyCheckpoint.parse(parse_note(note).text)


def _hash(text: str) -> bytes:
    """32 bytes of base64. That it is the one spelling shows when the whole is written again."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        data = b""
    if len(data) != HASH_BYTES:
        raise BadHeadFork(reason="a line that is no hash")
    return data


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
