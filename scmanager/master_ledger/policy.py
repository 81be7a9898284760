"""Policies: which logs and which witnesses one goes by, and how many of the witnesses are enough.

Format: C2SP tlog-policy, with public keys as vkeys (C2SP signed-note). Names are octets without a
meaning. Stricter than the format in nothing but bounds; looser in one point: the last line need not end. A log or
witness whose kind of key this release does not know is listed, and never signed anything.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Collection, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import Note
from scmanager.master_ledger.cosignature import KEY_BYTES, Witness, cosigned_at
from scmanager.master_ledger.cosignature import KIND as COSIGNATURE

FILE_BYTES_MAX: Final = 256 * 1024
LINES_MAX: Final = 1024
"""Of each kind; C2SP asks for 32."""
ED25519: Final = 0x01

_OCTETS = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_BLANKS = re.compile(rb"[ \t]+")
_NUMBER = re.compile(rb"[1-9][0-9]{0,3}")
_NONE = b"none"


class BadPolicy(Untrusted):
    """This is no policy: {reason}."""

    code = "bad-policy"
    hint = "A policy is a text of lines that begin with log, witness, group or quorum (C2SP tlog-policy)."


class BadVkey(Untrusted):
    """This is no public key in the form name+id+key: {reason}."""

    code = "bad-vkey"
    hint = "Copy the whole line as its owner publishes it."


class Vkey(msgspec.Struct, frozen=True):
    """A public key with the name it signs under (C2SP signed-note)."""

    name: str
    kind: int
    key: bytes

    def text(self) -> str:
        """Its one spelling."""
        key_id = sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.key).digest()[:4]
        return f"{self.name}+{key_id.hex()}+{b64encode(bytes((self.kind,)) + self.key).decode('ascii')}"

    @classmethod
    def parse(cls, text: str) -> "Vkey":
        """Raises BadVkey. Of the kinds it knows, Ed25519 and both of cosignatures, the width is checked."""
        name, _, rest = text.partition("+")
        _, plus, encoded = rest.partition("+")
        try:
            data = b64decode(encoded, validate=True)
            name.encode()
        except (Base64Error, ValueError):
            raise BadVkey(reason="its key is no base64") from None
        if not plus or not data or not name or name.split() != [name]:
            raise BadVkey(reason="it has not three parts")
        read = cls(name, data[0], data[1:])
        if read.text() != text:
            raise BadVkey(reason="its id is not that of its name and key")
        wanted = 32 if read.kind == ED25519 else KEY_BYTES.get(read.kind)
        if wanted not in (None, len(read.key)):
            raise BadVkey(reason=f"a key of its kind has {wanted} bytes")
        return read


class Group(msgspec.Struct, frozen=True):
    """At least `least` of these witnesses and groups."""

    least: int
    members: tuple[bytes, ...]


class Policy(msgspec.Struct, frozen=True):
    """What `parse` found. `quorum` is None where no witness is asked for."""

    logs: tuple[Vkey, ...]
    """Empty: which logs is known from elsewhere."""
    witnesses: Mapping[bytes, Witness]
    groups: Mapping[bytes, Group]
    """In the order of their lines: each names earlier ones only."""
    quorum: bytes | None
    addresses: Mapping[bytes, str] = MappingProxyType({})
    """Where witnesses are asked, by name, for those that tell it."""

    def accepts_log(self, origin: str, key: bytes) -> bool:
        """Whether checkpoints of this log count."""
        wanted = Vkey(origin, ED25519, key)
        return not self.logs or wanted in self.logs

    def cosigned(self, note: Note, until_s: int) -> dict[bytes, int]:
        """Who cosigned and when, UTC seconds, by the name in this policy; who says a time after `until_s` did not.

        Raises WrongSignature when one of its witnesses has a line that does not hold.
        """
        times = ((name, cosigned_at(note, witness, until_s)) for name, witness in self.witnesses.items())
        return {name: at_s for name, at_s in times if at_s is not None}

    def is_met(self, cosigned: Mapping[bytes, int]) -> bool:
        """Whether these witnesses are a quorum."""
        if self.quorum is None:
            return True
        met = set(cosigned)
        for name, group in self.groups.items():
            if len(met & set(group.members)) >= group.least:
                met.add(name)
        return self.quorum in met


def parse(data: bytes) -> Policy:
    """The policy in a file. Raises BadPolicy and nothing else."""
    if len(data) > FILE_BYTES_MAX:
        raise BadPolicy(reason="the file is too long")
    if not _OCTETS.fullmatch(data):
        raise BadPolicy(reason="the file has control characters")
    reading = _Reading()
    for number, line in enumerate(data.split(b"\n"), 1):
        words = [word for word in _BLANKS.split(line) if word]
        if not words or words[0].startswith(b"#"):
            continue
        try:
            reading.take(words)
        except (BadVkey, ValueError) as error:
            raise BadPolicy(reason=f"line {number}: {str(error).rstrip('.')}") from None
    if not reading.has_quorum:
        raise BadPolicy(reason="it has no quorum line")
    return Policy(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum, reading.addresses)


class _Reading:
    """A policy so far. Raises ValueError and BadVkey."""

    def __init__(self) -> None:
        self.logs: list[Vkey] = []
        self.witnesses: dict[bytes, Witness] = {}
        self.groups: dict[bytes, Group] = {}
        self.quorum: bytes | None = None
        self.addresses: dict[bytes, str] = {}
        self.has_quorum = False
        self._members: set[bytes] = set()

    def take(self, words: list[bytes]) -> None:
        match words:
            case [b"log", vkey] | [b"log", vkey, _]:
                self._log(_vkey(vkey, no=(COSIGNATURE,)))
            case [b"witness", name, vkey, *address] if len(address) < 2:
                self._witness(self._fresh(name), _vkey(vkey, no=(ED25519,)), address)
            case [b"group", name, least, *members] if members:
                self._group(self._fresh(name), least, members)
            case [b"quorum", name]:
                self._quorum(name)
            case _:
                raise ValueError("it is none of log, witness, group and quorum, or has not their words")
        if max(len(self.logs), len(self.witnesses), len(self.groups)) > LINES_MAX:
            raise ValueError("more lines of a kind than anybody needs")

    def _log(self, key: Vkey) -> None:
        if any(each.key == key.key for each in self.logs):
            raise ValueError("this log's key was listed before")
        self.logs.append(key)

    def _witness(self, name: bytes, key: Vkey, address: list[bytes]) -> None:
        if any(each.key == key.key for each in self.witnesses.values()):
            raise ValueError("this witness's key was listed before")
        witness = Witness(key.name, key.key, key.kind)
        if any((each.name, each.key_id) == (witness.name, witness.key_id) for each in self.witnesses.values()):
            raise ValueError("no line tells this witness's key from one listed before: both have one name and id")
        self.witnesses[name] = witness
        if address:
            self.addresses[name] = address[0].decode("utf-8", "replace")

    def _group(self, name: bytes, least: bytes, members: list[bytes]) -> None:
        for member in members:
            if not self._is_known(member):
                raise ValueError("a member of the group was not named before")
            if member in self._members:
                raise ValueError("a member of the group is in a group already")
            self._members.add(member)
        if least not in (b"any", b"all") and not _NUMBER.fullmatch(least):
            raise ValueError("how many of a group are enough is any, all or a number")
        count = {b"any": 1, b"all": len(members)}.get(least) or int(least)
        if count > len(members):
            raise ValueError("more of a group are asked for than it has")
        self.groups[name] = Group(count, tuple(members))

    def _quorum(self, name: bytes) -> None:
        if self.has_quorum:
            raise ValueError("a second quorum line")
        if name != _NONE and not self._is_known(name):
            raise ValueError("the quorum was not named before")
        self.has_quorum, self.quorum = True, None if name == _NONE else name

    def _fresh(self, name: bytes) -> bytes:
        if name == _NONE or self._is_known(name):
            raise ValueError("its name is taken")
        return name

    def _is_known(self, name: bytes) -> bool:
        return name in self.witnesses or name in self.groups


def _vkey(word: bytes, no: Collection[int]) -> Vkey:
    try:
        key = Vkey.parse(word.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadVkey(reason="it is not UTF-8") from None
    if key.kind in no:
        raise BadVkey(reason="its kind does not sign what it is listed for")
    return key
