"""Erasure certificates: which keys of a person were destroyed, by which entries, and what was sealed under them.

One JSON object, in one spelling, signed by the device that destroyed the keys; inside it an evidence bundle
(`evidence`) with the entries that asked for it, opened, and those whose words are gone, closed. Parsing believes
nothing: what holds is for `application/certifying.py` to say.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from scmanager.errors import Untrusted
from scmanager.eventstore import signing
from scmanager.eventstore.entry import digest, encode_json

FORMAT: Final = "scm-erasure-certificate/1"
FILE_BYTES_MAX: Final = 96 << 20

Bytes16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Bytes64 = Annotated[bytes, Meta(min_length=64, max_length=64)]
Index = Annotated[int, Meta(ge=0, lt=2**53)]


class BadCertificate(Untrusted):
    """This is no erasure certificate: {reason}."""

    code = "bad-erasure-certificate"
    hint = "It was damaged on its way, or somebody changed it. Get it again from whoever made it."


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry that asked for the erasure, and counts."""

    log: Bytes32
    seq: Index
    at_s: Index
    """UTC seconds, as its author dates it."""
    ground: Annotated[str, Meta(max_length=32)]


class Gone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry whose words cannot be read any more."""

    log: Bytes32
    seq: Index
    parts: tuple[Index, ...]
    """Which of its parts were sealed under a destroyed key."""


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device says. It says nothing of other machines."""

    format: Literal["scm-erasure-certificate/1"]
    space: Bytes32
    subject: Bytes16
    keys: tuple[Bytes32, ...]
    """Ids of the keys that were destroyed on this device, in ascending order."""
    asked: tuple[Ask, ...]
    gone: tuple[Gone, ...]
    """All that the evidence shows; both each once, in ascending order of log and seq."""
    made_s: Index
    """UTC seconds, by this device's clock, and not before it was asked for: the keys were destroyed by then."""
    release: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[!-~]+\Z")]
    device: Bytes32
    """The public key that signs this."""
    evidence: str
    """The bundle's text."""
    signature: Bytes64

    @property
    def message(self) -> bytes:
        """What is signed: everything but the signature."""
        said = encode_json(msgspec.structs.replace(self, signature=bytes(64)))
        return signing.purpose("erasure-certificate", self.space, self.subject) + digest("scm/certificate/1", said)

    def to_bytes(self) -> bytes:
        """The file."""
        return encode_json(self) + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> "Certificate":
        """Raises BadCertificate and nothing else."""
        if len(data) > FILE_BYTES_MAX:
            raise BadCertificate(reason="it is too large")
        try:
            found = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise BadCertificate(reason=str(error)[:200].rstrip(".")) from error
        if found.to_bytes() != data:
            raise BadCertificate(reason="it is spelled otherwise than we spell it")
        return found
