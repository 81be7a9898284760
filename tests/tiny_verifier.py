"""A second verifier, written from the format page alone (DESIGN, section 2). It imports nothing of ours.

It reads a whole log: raw entries, stored parts, the text of a signed note, and whatever keys the reader has. It is
slow and plain on purpose: where it and the real verifier differ, one of them misreads the page.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha3_256, sha3_512, sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

TOO_BIG = 2**53
ENTRY_MOST = 65_535
SHARED_MOST = 65_536
PART_MOST = 1_048_576
SEAL = 48  # salt 32 and tag 16


class Bad(Exception):
    """The log does not prove what it claims; the argument is the verdict."""


@dataclass
class Header:
    log: bytes
    seq: int
    hlc: int
    prev: bytes
    json: dict[str, Any]
    raw: bytes

    @property
    def id(self) -> bytes:
        return sha3_512(self.raw).digest()


def h(tag: str, *fields: bytes) -> bytes:
    return sha3_256(tag.encode("ascii") + b"\n" + b"".join(fields)).digest()


def verify(
    entries: Sequence[bytes], parts: Sequence[Mapping[int, bytes]], note: bytes, keys: Mapping[bytes, bytes]
) -> tuple[str, list[list[str]]]:
    """The verdict on the log, and for each entry what each of its parts turned out to be.

    The log is "authentic", or "malformed", "chain", "part-missing", "part-wrong", "note". A part is "read",
    "malformed" (number 0 only), "locked" (no key), "unsealable" or "absent". `keys` maps key ids to keys.
    """
    try:
        headers = chain(entries, parts)
        first = headers[0]
        public = b64(first.json["key"])
        log = h("scm/log/1", first.raw)
        check_note(note, b64(first.json["space"]) or log, log, public, [each.raw for each in headers])
    except Bad as bad:
        return str(bad), []
    return "authentic", [open_parts(one, held, public, keys) for one, held in zip(headers, parts, strict=True)]


def chain(entries: Sequence[bytes], parts: Sequence[Mapping[int, bytes]]) -> list[Header]:
    headers: list[Header] = []
    for raw, held in zip(entries, parts, strict=True):
        one = parse(raw)
        if not headers:
            fits = one.seq == 0 and one.hlc > 0
        else:
            before = headers[-1]
            fits = (
                one.seq == before.seq + 1
                and one.prev == before.id
                and one.hlc > before.hlc
                and one.log == h("scm/log/1", headers[0].raw)
            )
        if not fits:
            raise Bad("chain")
        named = one.json["parts"]
        if named and 0 not in held:
            raise Bad("part-missing")
        for number, (_, length, digest) in enumerate(named):
            if number in held and (len(held[number]) != length or h("scm/part/1", held[number]) != b64(digest)):
                raise Bad("part-wrong")
        headers.append(one)
    return headers


def parse(raw: bytes) -> Header:
    if not 116 < len(raw) <= ENTRY_MOST or raw[:4] != b"SCE1":
        raise Bad("malformed")
    seq = int.from_bytes(raw[36:44], "big")
    hlc = int.from_bytes(raw[44:52], "big")
    one = Header(raw[4:36], seq, hlc, raw[52:116], exact_json(raw[116:]), raw)
    if seq >= TOO_BIG or hlc >= TOO_BIG:
        raise Bad("malformed")
    zeros = (not any(one.log), not any(one.prev))
    if seq == 0:
        need(zeros == (True, True))
        check_genesis(one.json)
    else:
        need(zeros == (False, False))
        check_links(one)
    return one


def need(condition: bool) -> None:
    if not condition:
        raise Bad("malformed")


# JSON


def exact_json(raw: bytes) -> dict[str, Any]:
    """An object that has no second spelling: written again it gives the same bytes."""
    value = exact(raw)
    need(isinstance(value, dict))
    assert isinstance(value, dict)
    return value


def exact(raw: bytes) -> Any:
    need(depth(raw) <= 16)
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=refuse, parse_constant=refuse)
        again = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except ValueError:
        raise Bad("malformed") from None
    need(again == raw)
    return value


def refuse(_: str) -> None:
    raise Bad("malformed")


def depth(raw: bytes) -> int:
    """The most brackets that stand open at once, those inside strings not counted."""
    most = now = at = 0
    while at < len(raw):
        byte = raw[at : at + 1]
        if byte == b'"':
            at += 1
            while at < len(raw) and raw[at] != 0x22:
                at += 2 if raw[at] == 0x5C else 1
        elif byte in b"[{":
            now += 1
            most = max(most, now)
        elif byte in b"]}":
            now -= 1
        at += 1
    return most


def b64(text: Any) -> bytes:
    need(isinstance(text, str))
    try:
        data = b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Bad("malformed") from None
    need(b64encode(data).decode("ascii") == text)
    return data


def fields(value: Any, names: str, optional: str = "") -> None:
    """An object with these fields in this order; optional ones come last and may lack."""
    need(isinstance(value, dict))
    present = [name for name in optional.split() if name in value]
    need(list(value) == names.split() + present)


def row(value: Any, length: int) -> list[Any]:
    need(isinstance(value, list) and len(value) == length)
    assert isinstance(value, list)
    return value


def wide(text: Any, *widths: int) -> None:
    need(len(b64(text)) in widths)


def number(value: Any, least: int = 0, below: int = TOO_BIG) -> int:
    need(type(value) is int and least <= value < below)
    assert isinstance(value, int)
    return value


def array(value: Any, least: int, most: int) -> list[Any]:
    need(isinstance(value, list) and least <= len(value) <= most)
    assert isinstance(value, list)
    return value


# Headers


def check_links(one: Header) -> None:
    fields(one.json, "deps parts")
    for dep in array(one.json["deps"], 0, 64):
        check_dep(dep)
        need(b64(dep[0]) != one.log)
    for position, part in enumerate(array(one.json["parts"], 1, 16)):
        key, length, digest = row(part, 3)
        wide(key, 0, 32)
        wide(digest, 32)
        extra = SEAL if key else 0
        number(length, max(extra, 1), (PART_MOST if position else SHARED_MOST) + extra + 1)


def check_dep(dep: Any) -> None:
    log, seq, id32 = row(dep, 3)
    wide(log, 32)
    number(seq)
    wide(id32, 32)


def check_genesis(value: dict[str, Any]) -> None:
    fields(value, "deps parts space kind alg key salt", "continues recovery recovers device box")
    need(value["deps"] == [] and value["parts"] == [])
    need(value["kind"] in ("org", "personal", "author") and value["alg"] == "ed25519")
    wide(value["space"], 0, 32)
    wide(value["key"], 32)
    wide(value["salt"], 32)
    if value["space"] == "":
        need(not {"continues", "recovers"} & set(value) and {"recovery", "device", "box"} <= set(value))
        wide(value["device"], 32)
        wide(value["box"], 32)
        fields(value["recovery"], "m keys")
        check_keys(value["recovery"]["m"], value["recovery"]["keys"], none=value["kind"] == "personal")
        return
    need(not {"recovery", "device", "box"} & set(value) and not {"continues", "recovers"} <= set(value))
    if "continues" in value:
        log, signature = row(value["continues"], 2)
        wide(log, 32)
        wide(signature, 64)
    if "recovers" in value:
        check_recovers(value)


def check_recovers(value: dict[str, Any]) -> None:
    fields(value["recovers"], "statement signatures")
    for signature in array(value["recovers"]["signatures"], 1, 15):
        wide(row(signature, 2)[0], 32)
        wide(signature[1], 64)
    statement = value["recovers"]["statement"]
    fields(statement, "space n on key device box keeps m keys")
    need(statement["space"] == value["space"] and statement["key"] == value["key"])
    number(statement["n"], 1)
    for name in ("device", "box"):
        wide(statement[name], 32)
    for built_on in array(statement["on"], 0, 64):
        wide(built_on, 32)
    for kept in array(statement["keeps"], 0, 384):
        check_dep(kept)
    check_keys(statement["m"], statement["keys"], none=False)


def check_keys(m: Any, keys: Any, *, none: bool) -> None:
    """2m > n distinct keys; none at all only where it may be."""
    array(keys, 0, 15)
    for key in keys:
        wide(key, 32)
    number(m)
    need((none and m == 0 and not keys) or (1 <= m <= len(keys) < 2 * m and len(set(keys)) == len(keys)))


# Tree and note


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def check_note(note: bytes, space: bytes, log: bytes, public: bytes, entries: list[bytes]) -> None:
    """The log's own note, alone under its text: C2SP signed-note and tlog-checkpoint."""
    origin = f"scm.log/1/{space.hex()}/{log.hex()}"
    text = f"{origin}\n{len(entries)}\n{b64encode(root(entries)).decode()}\n".encode()
    key_id = sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    start = text + f"\n— {origin} ".encode()
    if not note.startswith(start) or not note.endswith(b"\n"):
        raise Bad("note")
    try:
        line = b64(note[len(start) : -1].decode("ascii"))
    except (Bad, ValueError):
        raise Bad("note") from None
    if len(line) != 68 or line[:4] != key_id:
        raise Bad("note")
    try:
        crypto_sign_open(line[4:] + text, public)
    except CryptoError:
        raise Bad("note") from None


# Parts


def open_parts(one: Header, held: Mapping[int, bytes], public: bytes, keys: Mapping[bytes, bytes]) -> list[str]:
    return [
        open_part(one.seq, position, b64(key), held.get(position), public, keys)
        for position, (key, _, _) in enumerate(one.json["parts"])
    ]


def open_part(
    seq: int, position: int, key_id: bytes, stored: bytes | None, public: bytes, keys: Mapping[bytes, bytes]
) -> str:
    if stored is None:
        return "absent"
    plain = stored
    if key_id:
        key = keys.get(key_id)
        if key is None or h("scm/key/1", key) != key_id:
            return "locked"
        salt = stored[:32]
        derived = h("scm/seal/1", key, public, seq.to_bytes(8, "big"), bytes([position]), salt)
        try:
            plain = AESGCM(derived).decrypt(bytes(12), stored[32:], None)
        except (InvalidTag, ValueError):
            return "unsealable"
    return "read" if position or content(plain) else "malformed"


def content(plain: bytes) -> bool:
    """Whether part 0 is well formed: one spelling, no U+0000, no floats, integers below 2^53, depth 16."""
    try:
        need(len(plain) <= SHARED_MOST)
        value = exact(plain)
        walk(value)
        fields(value, "type by command cause entity saw payload")
        need(isinstance(value["type"], str) and 0 < len(value["type"].encode()) <= 64)
        wide(value["by"], 32)
        wide(value["command"], 16)
        wide(value["cause"], 0, 32)
        wide(value["entity"], 16)
        for seen in array(value["saw"], 0, 64):
            wide(seen, 32)
        need(isinstance(value["payload"], dict))
    except Bad:
        return False
    return True


def walk(value: Any) -> None:
    if isinstance(value, str):
        need("\0" not in value)
    elif isinstance(value, int) and not isinstance(value, bool):
        need(-TOO_BIG < value < TOO_BIG)
    elif isinstance(value, list):
        for item in value:
            walk(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            walk(name)
            walk(item)
