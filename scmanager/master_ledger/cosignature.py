"""Cosignatures: a witness's word that a checkpoint was the largest consistent one it had seen of a log by then.

Format: C2SP tlog-cosignature, both types: Ed25519 (`cosignature/v1`) and ML-DSA-44 (`subtree/v1`, of a whole tree or
of a part of it, which no time is said of). Lines of other types are passed over like those of any signer one does not
know. What an Ed25519 witness signs does not name it: one key serves one name. The other type does, and leaves lines
after the root unsigned.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Final

import msgspec

from scmanager.eventstore import signing
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import BadCheckpoint, Note, WrongSignature
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import ml_dsa
from scmanager.master_ledger.ml_dsa import MlDsaKey

KIND: Final = 0x04
"""Ed25519, in vkeys and key ids."""
ML_DSA_44: Final = 0x06
KEY_BYTES: Final = {KIND: signing.PUBLIC_BYTES, ML_DSA_44: ml_dsa.PUBLIC_BYTES}
TIME_MAX_S: Final = 2**63 - 1
NAME_BYTES_MAX: Final = 255

_KEY_ID_BYTES = 4
_TIME_BYTES = 8
_LABEL = b"subtree/v1\n\0"

CosignerKey = SigningKey | MlDsaKey


class Witness(msgspec.Struct, frozen=True):
    """A witness by the name it signs under and its key: 32 bytes of Ed25519, 1,312 of ML-DSA-44.

    Of another kind it never cosigned anything: this release cannot tell.
    """

    name: str
    key: bytes
    kind: int = KIND

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a line points at this key."""
        return sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.key).digest()[:_KEY_ID_BYTES]


def witness_of(name: str, key: CosignerKey) -> Witness:
    """The public half of a key under its name."""
    return Witness(name, key.public, ML_DSA_44 if isinstance(key, MlDsaKey) else KIND)


def cosign(text: str, name: str, key: CosignerKey, at_s: int) -> bytes:
    """The line to add to a note with this text; `at_s` is UTC seconds. Whether to sign at all is for the caller.

    Raises BadCheckpoint where an ML-DSA-44 key shall sign what is no checkpoint.
    """
    witness = witness_of(name, key)
    value = at_s.to_bytes(_TIME_BYTES, "big") + key.sign(_message(text, witness, at_s))
    encoded = b64encode(witness.key_id + value).decode("ascii")
    return f"— {name} {encoded}\n".encode()


def cosign_subtree(origin: str, start: int, end: int, root: bytes, name: str, key: MlDsaKey) -> bytes:
    """The line that says of leaves `[start, end)` of this log that they have this hash, and of no time.

    Raises BadCheckpoint where name or origin are none that can be signed.
    """
    witness = witness_of(name, key)
    signature = key.sign(_subtree_message(name, 0, origin, start, end, root))
    encoded = b64encode(witness.key_id + bytes(_TIME_BYTES) + signature).decode("ascii")
    return f"— {name} {encoded}\n".encode()


def is_cosigned(note: Note, witness: Witness) -> bool:
    """Whether this witness cosigned, at a time or without one. Raises WrongSignature as `cosigned_at`."""
    return bool(_times(note, witness))


def cosigned_at(note: Note, witness: Witness, until_s: int = TIME_MAX_S) -> int | None:
    """When this witness cosigned, UTC seconds, the newest if several times; None if it did not.

    What is dated after `until_s` is no word yet. An ML-DSA-44 cosignature without a time says nothing of a newest
    head, and is none here. Raises WrongSignature when a line points at its key and does not hold.
    """
    times = [at_s for at_s in _times(note, witness) if at_s <= until_s and (at_s or witness.kind == KIND)]
    return max(times, default=None)


def _times(note: Note, witness: Witness) -> list[int]:
    """Of each line of this witness's key; 0 without one. Raises WrongSignature where one does not hold."""
    found = []
    for each in note.signatures:
        if witness.kind not in KEY_BYTES or (each.name, each.key_id) != (witness.name, witness.key_id):
            continue
        at_s = int.from_bytes(each.value[:_TIME_BYTES], "big")
        signature = each.value[_TIME_BYTES:]
        if at_s > TIME_MAX_S or not _holds(note.text, witness, at_s, signature):
            raise WrongSignature
        found.append(at_s)
    return found


def _holds(text: str, witness: Witness, at_s: int, signature: bytes) -> bool:
    try:
        message = _message(text, witness, at_s)
    except BadCheckpoint:
        return False
    verify = ml_dsa.verify if witness.kind == ML_DSA_44 else signing.verify
    return verify(witness.key, message, signature)


def _message(text: str, witness: Witness, at_s: int) -> bytes:
    if witness.kind == KIND:
        return f"cosignature/v1\ntime {at_s}\n{text}".encode()
    point = AnyCheckpoint.parse(text)
    return _subtree_message(witness.name, at_s, point.origin, 0, point.size, point.root)


def _subtree_message(name: str, at_s: int, origin: str, start: int, end: int, root: bytes) -> bytes:
    time, *ends = at_s.to_bytes(_TIME_BYTES, "big"), start.to_bytes(8, "big"), end.to_bytes(8, "big")
    return b"".join((_LABEL, _opaque(name), time, _opaque(origin), *ends, root))


def _opaque(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) <= NAME_BYTES_MAX:
        raise BadCheckpoint(reason="a name or origin of 1 to 255 bytes is signed, and no other")
    return bytes((len(data),)) + data
