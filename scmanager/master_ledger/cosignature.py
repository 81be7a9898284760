"""Cosignatures: a witness's word that a checkpoint was the largest consistent one it had seen of a log by then.

Format: C2SP tlog-cosignature, the Ed25519 type (`cosignature/v1`). Lines of the ML-DSA-44 type are passed over like
those of any signer one does not know. The signed bytes do not name the witness: one key serves one name.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Final

import msgspec

from scmanager.eventstore.checkpoint import Note, WrongSignature
from scmanager.eventstore.signing import SIGNATURE_BYTES, SigningKey, verify

KIND: Final = 0x04
"""The signature type in vkeys and key ids."""
TIME_MAX_S: Final = 2**63 - 1

_KEY_ID_BYTES = 4
_TIME_BYTES = 8


class Witness(msgspec.Struct, frozen=True):
    """A witness by the name it signs under and its Ed25519 key (32 bytes)."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a line points at this key."""
        return sha256(self.name.encode() + b"\n" + bytes((KIND,)) + self.key).digest()[:_KEY_ID_BYTES]


def cosign(text: str, name: str, key: SigningKey, at_s: int) -> bytes:
    """The line to add to a note with this text; `at_s` is UTC seconds. Whether to sign at all is for the caller."""
    value = at_s.to_bytes(_TIME_BYTES, "big") + key.sign(_message(text, at_s))
    encoded = b64encode(Witness(name, key.public).key_id + value).decode("ascii")
    return f"— {name} {encoded}\n".encode()


def cosigned_at(note: Note, witness: Witness) -> int | None:
    """When this witness cosigned, UTC seconds, the newest if several times; None if it did not.

    Raises WrongSignature when a line points at its key and does not hold.
    """
    newest: int | None = None
    for each in note.signatures:
        if (each.name, each.key_id) != (witness.name, witness.key_id):
            continue
        at_s = int.from_bytes(each.value[:_TIME_BYTES], "big")
        signature = each.value[_TIME_BYTES:]
        if at_s > TIME_MAX_S or len(signature) != SIGNATURE_BYTES:
            raise WrongSignature
        if not verify(witness.key, _message(note.text, at_s), signature):
            raise WrongSignature
        newest = max(at_s, newest or 0)
    return newest


def _message(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()
