"""An entry: the bytes that one writer adds to one log, for ever. Parsed once, never re-encoded.

Layout (DESIGN 2), integers big-endian: `SCE1`, log id 32, seq u64, hlc u64, prev 64, then JSON; at most 65,535 B.
Entry 0 founds the log: its log id and prev are zero, its JSON names space, kind and key; its hash is the log id.

- An entry has exactly one spelling: the JSON equals its own re-encoding.
- Nothing else is in clear: types, entities, commands and causes lie in the sealed part 0.
"""

import struct
from collections.abc import Iterable
from hashlib import sha3_256, sha3_512
from typing import Literal, TypeVar

import msgspec

from scmanager.errors import Untrusted

SIZE_BYTES_MAX = 65_535
HEADER_BYTES = 116
"""Before the JSON: log id, seq, hlc, prev."""
NUMBER_MAX = 2**53 - 1
DEPS_MAX = 64
PARTS_MAX = 16
SHARED_BYTES_MAX = 64 * 1024
PART_BYTES_MAX = 1024 * 1024
SEALED_EXTRA_BYTES = 32 + 16
"""What sealing adds to a part: the salt and the tag. No stored part is empty: empty always means "not here"."""

ZERO_LOG = bytes(32)
ZERO_ID = bytes(64)
KEYS_MAX = 15
KEPT_MAX = 384
"""Rows of a recovery: a founder on a stick has a log for each change of machine, and none of them may be lost."""

_MAGIC = b"SCE1"
_HEADER = struct.Struct(">4s32sQQ64s")

Kind = Literal["org", "personal", "author"]
_T = TypeVar("_T", bound=msgspec.Struct)


class MalformedEntry(Untrusted):
    """This entry is not well formed: {reason}."""

    code = "entry-malformed"
    hint = "It was damaged on its way or made by a faulty program. Fetch it again from another peer."


def digest(tag: str, *fields: bytes) -> bytes:
    """H(tag, fields) of DESIGN 2: SHA3-256 over the tag, a line feed and the fields in order. 32 bytes."""
    return sha3_256(b"\n".join((tag.encode(), b"")) + b"".join(fields)).digest()


def u64(number: int) -> bytes:
    """Eight bytes, big-endian."""
    return number.to_bytes(8, "big")


class _Row(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A JSON array of fixed length. Like an entry it holds no cycles: the garbage collector may pass it by."""


class Dep(_Row, frozen=True, gc=False):
    """The head of another log that the author had seen."""

    log: bytes
    seq: int
    id: bytes


class PartRef(_Row, frozen=True, gc=False):
    """One part, by hash: the entry stays provable when the part is gone."""

    key: bytes
    """Key id; empty for a part in clear."""
    length: int
    """Of the stored bytes."""
    hash: bytes


class Signature(_Row, frozen=True, gc=False):
    """One key's signature."""

    key: bytes
    signature: bytes


class RecoveryKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who stands above rank 0: m of these keys together."""

    m: int
    keys: tuple[bytes, ...]


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What m recovery keys say: from here on the founder writes this log. Signed under `scm/recovery/1`."""

    space: bytes
    n: int
    """One more than the statement it builds on; the founding entry counts as 0."""
    on: tuple[bytes, ...]
    """The hash of the statement it builds on (the space id for the founding entry), then the rivals it settles."""
    key: bytes
    """The founder's new log key: the key of the log whose entry 0 carries this."""
    device: bytes
    box: bytes
    keeps: tuple[Dep, ...]
    """Heads of the earlier rank 0 logs that stay: one row for each branch kept."""
    m: int
    """How many of `keys` the next recovery needs."""
    keys: tuple[bytes, ...]


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement with the signatures that make it count."""

    statement: Statement
    signatures: tuple[Signature, ...]


class Continues(_Row, frozen=True, gc=False):
    """The log that this one continues, with that log's signature under `scm/continues/1`."""

    log: bytes
    signature: bytes


class Links(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The JSON of every entry but the first."""

    deps: tuple[Dep, ...]
    parts: tuple[PartRef, ...]


class Genesis(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The JSON of entry 0: binds log, space, key and beginning without any directory."""

    deps: tuple[()]
    parts: tuple[()]
    space: bytes
    """Empty in the log that founds a space."""
    kind: Kind
    alg: Literal["ed25519"]
    key: bytes
    """A public key made for this log only."""
    salt: bytes
    continues: Continues | None = None
    recovery: RecoveryKeys | None = None
    """In a founding entry: the keys above rank 0. They cannot be added later."""
    recovers: Recovery | None = None
    device: bytes = b""
    """In a founding entry: the founder's device identity key, and below his box key."""
    box: bytes = b""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry, parsed. `data` are the bytes that count; the rest reads them."""

    data: bytes
    log: bytes
    """The id of its log; for entry 0 the hash that founds it."""
    seq: int
    hlc: int
    prev: bytes
    deps: tuple[Dep, ...]
    parts: tuple[PartRef, ...]
    genesis: Genesis | None = None
    id: bytes = b""
    """SHA3-512 of the entry, 64 bytes; the next entry's `prev`."""
    id32: bytes = b""
    """The first 32 bytes of the id: how other entries name this one."""

    @property
    def space(self) -> bytes:
        """Of entry 0: the space its log belongs to, 32 bytes."""
        if self.genesis is None:
            raise ValueError("only entry 0 names its space")
        return self.genesis.space or self.log


_encoder = msgspec.json.Encoder()
_links = msgspec.json.Decoder(Links)
_genesis = msgspec.json.Decoder(Genesis)
encode_json = _encoder.encode


def encode(log: bytes, seq: int, hlc: int, prev: bytes, links: Links | Genesis) -> bytes:
    """The one spelling of an entry. Raises ValueError when it would be larger than 65,535 B."""
    data = _HEADER.pack(_MAGIC, log, seq, hlc, prev) + _encoder.encode(links)
    if len(data) > SIZE_BYTES_MAX:
        raise ValueError(f"an entry of {len(data)} bytes")
    return data


def compose(log: bytes, seq: int, hlc: int, prev: bytes, links: Links) -> Entry:
    """An entry as its author makes it. Raises ValueError for one that `parse` would refuse."""
    if not (0 < seq <= NUMBER_MAX and 0 < hlc <= NUMBER_MAX) or len(log) != 32 or len(prev) != 64:
        raise ValueError("a number or an id that no entry can carry")
    try:
        _check_links(links, log)
    except MalformedEntry as error:
        raise ValueError(str(error)) from error
    return _entry(encode(log, seq, hlc, prev, links), log, seq, hlc, prev, links)


def found(genesis: Genesis, hlc: int) -> Entry:
    """Entry 0 of a new log."""
    return parse(encode(ZERO_LOG, 0, hlc, ZERO_ID, genesis))


def parse(data: bytes) -> Entry:
    """Read one entry. Raises MalformedEntry and nothing else, whatever the bytes."""
    if not _HEADER.size < len(data) <= SIZE_BYTES_MAX:
        raise MalformedEntry(reason="its size")
    magic, log, seq, hlc, prev = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise MalformedEntry(reason="its first four bytes")
    if seq > NUMBER_MAX or hlc > NUMBER_MAX:
        raise MalformedEntry(reason="a number of 2^53 or more")
    if seq == 0:
        return _parse_first(data, log, hlc, prev)
    links = _decode(_links, data)
    if log == ZERO_LOG or prev == ZERO_ID:
        raise MalformedEntry(reason="it names no log or no predecessor")
    _check_links(links, log)
    return _entry(data, log, seq, hlc, prev, links)


def _entry(data: bytes, log: bytes, seq: int, hlc: int, prev: bytes, links: Links) -> Entry:
    name = sha3_512(data).digest()
    return Entry(data, log, seq, hlc, prev, links.deps, links.parts, None, name, name[:32])


def _parse_first(data: bytes, log: bytes, hlc: int, prev: bytes) -> Entry:
    genesis = _decode(_genesis, data)
    if log != ZERO_LOG or prev != ZERO_ID:
        raise MalformedEntry(reason="entry 0 names a log or a predecessor")
    _widths((genesis.key, genesis.salt), 32)
    if genesis.space:
        _widths((genesis.space,), 32)
    _check_genesis(genesis)
    name = sha3_512(data).digest()
    return Entry(data, digest("scm/log/1", data), 0, hlc, prev, (), (), genesis, name, name[:32])


def _decode(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T:
    body = data[_HEADER.size :]
    try:
        value = decoder.decode(body)
    except (msgspec.DecodeError, ValueError) as error:  # ValueError: UTF-8, and digits beyond a limit
        raise MalformedEntry(reason="its JSON cannot be read") from error
    if _encoder.encode(value) != body:
        raise MalformedEntry(reason="its JSON has a second spelling")
    return value


def _check_links(links: Links, log: bytes) -> None:
    if len(links.deps) > DEPS_MAX or not 1 <= len(links.parts) <= PARTS_MAX:
        raise MalformedEntry(reason="the number of its deps or parts")
    for dep in links.deps:
        _check_dep(dep)
        if dep.log == log:
            raise MalformedEntry(reason="a dep on its own log")
    most = SHARED_BYTES_MAX
    for part in links.parts:
        width = len(part.key)
        if len(part.hash) != 32 or (width and width != 32):
            raise MalformedEntry(reason="the width of a key or hash")
        extra = SEALED_EXTRA_BYTES if width else 0
        if not (extra or 1) <= part.length <= most + extra:
            raise MalformedEntry(reason="the length of a part")
        most = PART_BYTES_MAX


def _check_dep(dep: Dep) -> None:
    _widths((dep.log, dep.id), 32)
    if not 0 <= dep.seq <= NUMBER_MAX:
        raise MalformedEntry(reason="a dep's seq")


def _check_genesis(genesis: Genesis) -> None:
    founding = not genesis.space
    if founding and (genesis.continues or genesis.recovers):
        raise MalformedEntry(reason="a founding entry that continues or recovers")
    if not founding and genesis.recovery:
        raise MalformedEntry(reason="recovery keys outside a founding entry")
    if genesis.continues and genesis.recovers:
        raise MalformedEntry(reason="an entry that both continues and recovers")
    if genesis.recovery:
        _check_recovery_keys(genesis.recovery.m, genesis.recovery.keys, may_be_none=genesis.kind == "personal")
    if founding and not genesis.recovery:
        raise MalformedEntry(reason="a founding entry without recovery keys")
    _widths((genesis.device, genesis.box), 32 if founding else 0)
    if genesis.continues:
        _widths((genesis.continues.log,), 32)
        _widths((genesis.continues.signature,), 64)
    if genesis.recovers:
        _check_recovery(genesis.recovers, genesis)


def _check_recovery_keys(m: int, keys: tuple[bytes, ...], *, may_be_none: bool) -> None:
    """2m > number of distinct keys, at most 15; none at all only for a personal space."""
    _widths(keys, 32)
    count = len(keys)
    if count == 0 and m == 0 and may_be_none:
        return
    if not (1 <= m <= count <= KEYS_MAX and 2 * m > count and len(set(keys)) == count):
        raise MalformedEntry(reason="its recovery keys")


def _check_recovery(recovery: Recovery, genesis: Genesis) -> None:
    statement = recovery.statement
    _widths((statement.space, statement.key, statement.device, statement.box, *statement.on), 32)
    if statement.space != genesis.space or statement.key != genesis.key:
        raise MalformedEntry(reason="a recovery statement for another log")
    if not 1 <= statement.n <= NUMBER_MAX or len(statement.on) > DEPS_MAX or len(statement.keeps) > KEPT_MAX:
        raise MalformedEntry(reason="a recovery statement's numbers")
    for kept in statement.keeps:
        _check_dep(kept)
    _check_recovery_keys(statement.m, statement.keys, may_be_none=False)
    _widths((s.key for s in recovery.signatures), 32)
    _widths((s.signature for s in recovery.signatures), 64)
    if not 1 <= len(recovery.signatures) <= KEYS_MAX:
        raise MalformedEntry(reason="a recovery without signatures")


def _widths(values: Iterable[bytes], width: int) -> None:
    if any(len(value) != width for value in values):
        raise MalformedEntry(reason=f"a field that must be {width} bytes")
