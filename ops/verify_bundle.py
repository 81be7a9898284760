"""Checks evidence bundles and proofs of logging offline. One file: it needs Python 3.11 and PyNaCl, nothing of ours.

Written from docs/evidence-bundle.md and the C2SP pages (signed-note, tlog-checkpoint, tlog-proof, tlog-cosignature).

    python verify_bundle.py FILE.scm-evidence [--space ID] [--ledger ID] [--witness VKEY]
    python verify_bundle.py FILE.tlog-proof --log VKEY [--artefact FILE] [--witness VKEY]

Exit code 0: everything holds. 1: something does not; each such thing is a line that begins with `WRONG`. 2: usage.
"""

import argparse
import json
import re
import sys
from base64 import b32encode, b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha3_256, sha3_512, sha256
from pathlib import Path
from typing import Any

from nacl.bindings import crypto_aead_aes256gcm_decrypt, crypto_sign_open
from nacl.exceptions import CryptoError

FILE_MOST = 64 << 20
NOTE_MOST = 128 << 10
TOO_BIG = 2**53
LINE = re.compile(r"(entry|part|key) (0|[1-9][0-9]{0,15}) (\S+)|(hash|note|manifest) (\S+)", re.ASCII)
ENTRY = {"entry", "part", "key"}
FOLLOWS = {
    "entry": ENTRY | {"", "note"}, "part": ENTRY, "key": {"part"},
    "hash": ENTRY | {"hash"}, "note": ENTRY | {"hash"}, "manifest": {"note", "manifest"},
}  # fmt: skip
"""What each line may stand after."""
NOT_SHOWN = """\
Not shown: that nothing else stands in the log, that nobody was shown another history, when it happened, and whether
the author of an entry had the right."""


class Wrong(Exception):
    """Something does not hold; the argument says what."""


@dataclass
class Entry:
    seq: int
    raw: bytes
    parts: dict[int, bytes] = field(default_factory=dict)
    keys: dict[int, bytes] = field(default_factory=dict)
    json: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> bytes:
        return sha3_512(self.raw).digest()


@dataclass
class Log:
    entries: list[Entry] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    note: bytes = b""
    size: int = 0
    root: bytes = b""

    @property
    def first(self) -> dict[str, Any]:
        return self.entries[0].json

    @property
    def id(self) -> bytes:
        return h("scm/log/1", self.entries[0].raw)

    @property
    def public(self) -> bytes:
        return b64(self.first["key"])

    @property
    def space(self) -> bytes:
        return b64(self.first["space"]) or self.id

    @property
    def origin(self) -> str:
        return f"scm.log/1/{self.space.hex()}/{self.id.hex()}"


def main(arguments: list[str]) -> int:
    asked = argparse.ArgumentParser(description="Check an evidence bundle or a proof of logging, offline.")
    asked.add_argument("file", type=Path)
    asked.add_argument("--space", help="the space that the bundle has to be of: its id, or the first 16 digits")
    asked.add_argument("--ledger", help="the author's ledger that it has to be of: its id, or the first 16 digits")
    asked.add_argument("--log", help="for a proof of logging: the log's public key, NAME+ID+KEY")
    asked.add_argument("--artefact", type=Path, help="for a proof of logging: the file that it has to be about")
    asked.add_argument(
        "--witness", action="append", default=[], help="a witness that must have cosigned: NAME+ID+KEY"
    )
    given = asked.parse_args(arguments)
    try:
        with given.file.open("rb") as file:
            data = file.read(FILE_MOST + 1)
    except OSError as error:
        print(f"{given.file} cannot be read: {error.strerror}")
        return 2
    holds, wrong = check(data, given)
    for each in holds:
        print(shown(each))
    for each in wrong:
        print(shown(f"WRONG: {each}"))
    if wrong:
        print("This proves nothing. Keep the file, and ask whoever made it for another.")
    else:
        print("All of it holds.")
        print(NOT_SHOWN)
    return 1 if wrong else 0


def check(data: bytes, given: argparse.Namespace) -> tuple[list[str], list[str]]:
    """What holds and what does not, in sentences. Raises nothing."""
    holds: list[str] = []
    wrong: list[str] = []
    try:
        if len(data) > FILE_MOST:
            raise Wrong("the file is larger than 64 MiB")
        if data.startswith(b"c2sp.org/tlog-proof@v1\n"):
            proof(data, given, holds, wrong)
        else:
            bundle(data, given, holds, wrong)
    except Wrong as error:
        wrong.append(str(error))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        wrong.append(f"something in it has not the form that it must have ({type(error).__name__})")
    return holds, wrong


# Bundles


def bundle(data: bytes, given: argparse.Namespace, holds: list[str], wrong: list[str]) -> None:
    logs, manifests = parse(data)
    for log in logs:
        for one in log.entries:
            read_entry(one)
        need(log.first.get("alg") == "ed25519" and len(log.public) == 32, "a log's first entry founds no log")
    space = logs[0].id
    need(logs[0].first["space"] == "", "it does not begin with the log that founded the space")
    need(len({(log.id, log.note) for log in logs}) == len(logs), "one log stands there twice")
    holds.append(f"Space {space.hex()}.")
    for log in logs:
        check_log(log, space, given.witness, holds, wrong)
    if len({(log.id, log.size) for log in logs}) < len(logs):
        wrong.append("one head stands there twice")
    counted = belonging(space, logs)
    strangers = [log for log in logs if log.id not in counted]
    wrong += [f"log {log.id.hex()}: nothing here shows that the space took it in" for log in strangers]
    if len(logs) > 1 and not wrong:
        holds.append("The log that founded the space leads to every other log here.")
    ledger = b""
    if manifests:
        ledger, last = walk(manifests)
        holds.append(
            f"Ledger {ledger.hex()}: {last['n']} key manifests follow each other, signed by their root keys."
        )
        for log in logs:
            listed(log, ledger, last, holds, wrong)
    for what, wanted, found in (("space", given.space, space), ("ledger", given.ledger, ledger)):
        if wanted is not None and not (len(wanted) >= 16 and found.hex().startswith(wanted.lower())):
            wrong.append(f"it is of the {what} {found.hex() or '(none)'}, not of {wanted}; 16 digits are needed")


def parse(data: bytes) -> tuple[list[Log], list[bytes]]:
    """Logs and manifest lines, in the one spelling that a bundle has."""
    text, _, last = data[:-1].rpartition(b"\n")
    need(data.endswith(b"\n") and last == b"end " + sha3_256(text + b"\n").hexdigest().encode(),
         "it was cut off or changed: its last line is not that of the lines before it")  # fmt: skip
    lines = text.decode("ascii").split("\n")
    need(lines.pop(0) == "scm-evidence/1", "it is no evidence bundle: its first line is another")
    logs: list[Log] = []
    manifests: list[bytes] = []
    before, entries = "", 0
    for number, line in enumerate(lines, 2):
        found = LINE.fullmatch(line)
        need(found is not None, f"line {number} is none that may stand there")
        assert found is not None
        word, value = found[1] or found[4], b64(found[3] or found[5])
        at = int(found[2] or 0)
        need(before in FOLLOWS[word] and value != b"", f"line {number} is none that may stand there")
        if word == "manifest":
            manifests.append(value)
        elif word == "entry":
            if before in ("", "note"):
                logs.append(Log())
            mine = logs[-1].entries
            need(
                at == 0 if not mine else mine[-1].seq < at < TOO_BIG,
                f"line {number}: entries stand in order, from 0 on",
            )
            mine.append(Entry(at, value))
            entries += 1
        else:
            take(logs[-1], word, at, value, number)
        before = word
    need(before in ("note", "manifest") and bool(logs), "its end is missing")
    need(entries <= 10_000 and len(logs) <= 256 and len(manifests) <= 4096, "it holds more than a bundle may")
    return logs, manifests


def take(log: Log, word: str, at: int, value: bytes, number: int) -> None:
    one = log.entries[-1]
    if word == "part":
        need(max(one.parts, default=-1) < at <= 15, f"line {number}: parts stand in order, from 0 to 15")
        one.parts[at] = value
    elif word == "key":
        need(at == max(one.parts) and len(value) == 32, f"line {number}: a key has 32 bytes and follows its part")
        one.keys[at] = value
    elif word == "hash":
        need(len(value) == 32, f"line {number}: a hash has 32 bytes")
        log.hashes.append(value)
    else:
        need(len(value) <= NOTE_MOST, f"line {number}: the note is too long")
        log.note = value


def read_entry(one: Entry) -> None:
    """Its JSON, checked as far as what is said about it needs."""
    raw = one.raw
    need(116 < len(raw) <= 65_535 and raw[:4] == b"SCE1", f"entry {one.seq} is no entry")
    need(int.from_bytes(raw[36:44], "big") == one.seq, f"entry {one.seq} is from another place in its log")
    need(hlc(raw) < TOO_BIG, f"entry {one.seq} has no time that an entry can have")
    one.json = exact(raw[116:])
    if one.seq == 0:
        need(not any(raw[4:36]) and not any(raw[52:116]), "a first entry names a log or an entry before it")
    else:
        need(any(raw[4:36]) and any(raw[52:116]), f"entry {one.seq} names no log or no entry before it")
        need(
            list(one.json) == ["deps", "parts"] and 1 <= len(one.json["parts"]) <= 16, f"entry {one.seq} is no entry"
        )


def check_log(log: Log, space: bytes, witnesses: list[str], holds: list[str], wrong: list[str]) -> None:
    name = f"log {log.id.hex()}"
    text, signatures = note(log.note)
    try:
        need(log.space == space, f"{name} is of another space")
        signed(text, signatures, log.origin, log.public)
        origin, log.size, log.root = checkpoint(text)
        need(origin == log.origin, f"{name}: the signed head is of another log")
        leaves = {one.seq: sha256(b"\0" + one.raw).digest() for one in log.entries}
        need(max(leaves) < log.size, f"{name}: an entry stands beyond the signed head")
        rest = iter(log.hashes)
        need(tree(0, log.size, sorted(leaves), leaves, rest) == log.root and next(rest, None) is None,
             f"{name}: its entries are not those under the signed head")  # fmt: skip
        for witness in witnesses:
            at = cosigned(text, signatures, witness)
            holds.append(
                f"{name}: {witness.partition('+')[0]} cosigned its head, as it says at {moment(at * 10**6)}."
            )
    except Wrong as error:
        wrong.append(str(error))
        return
    others = len(signatures) - 1 - len(witnesses)
    more = f" {others} further signatures were not checked." if others > 0 else ""
    holds.append(
        f"{name}: {len(log.entries)} of its {log.size} entries are here, and its own key signed the head.{more}"
    )
    before: Entry | None = None
    for one in log.entries:
        try:
            need(one.seq == 0 or one.raw[4:36] == log.id, f"{name}: entry {one.seq} is of another log")
            if before is not None and before.seq + 1 == one.seq:
                need(one.raw[52:116] == before.id and hlc(one.raw) > hlc(before.raw),
                     f"{name}: entry {one.seq} does not continue the one before it")  # fmt: skip
            said = what_it_says(one)
            holds.append(f"  entry {one.seq}, id {one.id.hex()[:16]}, dated {moment(hlc(one.raw))}: {said}")
        except Wrong as error:
            wrong.append(str(error))
        before = one


def what_it_says(one: Entry) -> str:
    said = "founds the log" if one.seq == 0 else "sealed, and its shared part is not here"
    for number, stored in one.parts.items():
        need(number < len(one.json["parts"]), f"entry {one.seq}: it names no part {number}")
        key_id, length, digest = one.json["parts"][number]
        need(length == len(stored) and b64(digest) == h("scm/part/1", stored),
             f"entry {one.seq}: part {number} is not the one that it names")  # fmt: skip
        key = one.keys.get(number)
        if not key_id:
            need(key is None, f"entry {one.seq}: part {number} is in clear and has a key")
            plain: bytes | None = stored
        else:
            plain = None if key is None else opened(key, stored, f"entry {one.seq}: part {number}")
        if number == 0:
            said = "sealed" if plain is None else "says " + plain.decode("utf-8", "replace")
    return said


def opened(key: bytes, stored: bytes, name: str) -> bytes:
    try:
        return bytes(crypto_aead_aes256gcm_decrypt(stored[32:], None, bytes(12), key))
    except (CryptoError, ValueError, TypeError):
        raise Wrong(f"{name} is not opened by its key (or this processor has no AES, which PyNaCl needs)") from None


def tree(low: int, high: int, mine: list[int], leaves: dict[int, bytes], rest: Iterator[bytes]) -> bytes:
    """The root over these leaves: given ones from `leaves`, all others as hashes of whole subtrees from `rest`."""
    if not mine:
        found = next(rest, None)
        if found is None:
            raise Wrong("hashes of the proof are missing")
        return found
    if high - low == 1:
        return leaves[low]
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    left = tree(low, middle, [each for each in mine if each < middle], leaves, rest)
    right = tree(middle, high, [each for each in mine if each >= middle], leaves, rest)
    return sha256(b"\1" + left + right).digest()


# Which logs are the space's


def belonging(space: bytes, logs: list[Log]) -> set[bytes]:
    by_id = {log.id: log for log in logs}
    recovered = recoveries(space, logs)
    found: set[bytes] = set()
    waiting = [space, *recovered]
    while waiting:
        log = waiting.pop()
        if log in found or log not in by_id:
            continue
        found.add(log)
        for each in logs:
            if each.id == log:
                waiting += [b64(firsts[0]) for one in each.entries[1:]
                            if len(firsts := [dep[0] for dep in one.json["deps"] if dep[1] == 0]) == 1]  # fmt: skip
            continues = each.first.get("continues")
            message = b"scm/continues/1\n" + space + log + each.public
            if continues and b64(continues[0]) == log and holds_for(by_id[log].public, message, b64(continues[1])):
                waiting.append(each.id)
    return found


def recoveries(space: bytes, logs: list[Log]) -> set[bytes]:
    """The logs whose entry 0 carries a recovery that verifies, from the founding keys on."""
    founding = logs[0].first.get("recovery") or {"m": 0, "keys": []}
    waiting = [(space, 0, founding["m"], [b64(key) for key in founding["keys"]])]
    seen: set[bytes] = set()
    found: set[bytes] = set()
    while waiting:
        base, number, m, keys = waiting.pop()
        if base in seen or not (1 <= m <= len(keys) < 2 * m and len(set(keys)) == len(keys)):
            continue
        seen.add(base)
        for log in logs:
            recovers = log.first.get("recovers")
            if not recovers:
                continue
            said = recovers["statement"]
            message = b"scm/recovery/1\n" + spelled(said)
            signers = {b64(key) for key, value in recovers["signatures"]
                       if b64(key) in keys and holds_for(b64(key), message, b64(value))}  # fmt: skip
            if (
                (b64(said["space"]), b64(said["key"]), said["n"]) == (space, log.public, number + 1)
                and base in [b64(each) for each in said["on"]]
                and len(signers) >= m
            ):
                found.add(log.id)
                waiting.append((sha3_256(message).digest(), said["n"], said["m"], [b64(key) for key in said["keys"]]))
    return found


# The author's ledger


def walk(lines: list[bytes]) -> tuple[bytes, dict[str, Any]]:
    """The ledger's id and its newest manifest."""
    ledger, before = b"", b""
    last: dict[str, Any] = {}
    for n, line in enumerate(lines, 1):
        read = exact(line)
        need(read["type"] == "keys.published/1", f"manifest {n} is no key manifest")
        said, signatures = read["payload"]["statement"], read["payload"]["signatures"]
        need(said["n"] == n and b64(said["prev"]) == before, f"manifest {n} does not follow the one before it")
        message = b"scm/key-manifest/1\n" + (before or bytes(32)) + spelled(said)
        for whose in (last.get("root"), said["root"]):
            if whose is not None:
                need(
                    2 * whose["m"] > len(whose["keys"]), f"manifest {n}: two halves of its root keys could each sign"
                )
                need(signers(whose["keys"], message, signatures, n) >= max(whose["m"], 1),
                     f"manifest {n} is not signed by enough root keys")  # fmt: skip
        before, last = h("scm/key-manifest-hash/1", spelled(said)), said
        ledger = ledger or before
    return ledger, last


def listed(log: Log, ledger: bytes, last: dict[str, Any], holds: list[str], wrong: list[str]) -> None:
    row = next((each for each in last["logs"] if b64(each["log"]) == log.id), None)
    if row is None or (b64(row["space"]), b64(row["key"])) != (log.space, log.public):
        wrong.append(f"log {log.id.hex()}: the newest manifest does not list it")
        return
    if row["final"] is not None and (row["final"]["size"], b64(row["final"]["root"])) != (log.size, log.root):
        wrong.append(f"log {log.id.hex()}: the author closed it at another head")
    for one in log.entries:
        if 0 not in one.parts or one.json["parts"][0][0]:
            continue
        said = exact(one.parts[0])
        purpose = {"update.signed/1": b"scm/update/1\n", "plugin.signed/1": b"scm/plugin/1\n"}.get(said["type"])
        if purpose is None:
            continue
        statement, signatures = said["payload"]["statement"], said["payload"]["signatures"]
        keys = [*last["release"]["keys"]]
        keys += [each["key"] for each in last["retired"]
                 if any(b64(row["log"]) == log.id and row["size"] > one.seq for row in each["upto"])]  # fmt: skip
        try:
            have = signers(keys, purpose + ledger + spelled(statement), signatures, one.seq)
            need(have >= max(last["release"]["m"], 1), f"entry {one.seq} is not signed by enough release keys")
            need(b64(statement["ledger"]) == ledger, f"entry {one.seq} was signed for another ledger")
            holds.append(f"  entry {one.seq} is signed by {have} of the author's release keys.")
        except Wrong as error:
            wrong.append(str(error))


def signers(keys: list[str], message: bytes, signatures: list[list[str]], number: int) -> int:
    mine = {key: value for key, value in signatures if key in keys}
    for key, value in mine.items():
        need(holds_for(b64(key), message, b64(value)), f"{number}: a signature claims to be of {key} and is not")
    return len(mine)


# Proofs of logging


def proof(data: bytes, given: argparse.Namespace, holds: list[str], wrong: list[str]) -> None:
    need(given.log is not None, "whose log it is has to be said: --log NAME+ID+KEY, which its owner publishes")
    head, _, rest = data.partition(b"\n\n")
    lines = head.decode("ascii").split("\n")[1:]
    extra = b64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
    found = re.fullmatch(r"index (0|[1-9][0-9]{0,15})", lines.pop(0) if lines else "", re.ASCII)
    need(found is not None and len(lines) <= 63, "it names no index, or has more hashes than a tree is high")
    assert found is not None
    index, hashes = int(found[1]), [b64(line) for line in lines]
    need(all(len(each) == 32 for each in hashes), "a line is no hash")
    name, public = vkey(given.log, 1)
    text, signatures = note(rest)
    signed(text, signatures, name, public)
    origin, size, root = checkpoint(text)
    need(origin == name, "the signed head is of another log")
    need(index < size, "its entry stands beyond the signed head")
    width = int.from_bytes(extra[:2], "big")
    one = Entry(index, extra[2 : 2 + width], {0: extra[2 + width :]})
    read_entry(one)
    need(one.seq > 0 and one.raw[4:36].hex() == name.rpartition("/")[2], "the entry is of another log")
    leaf = sha256(b"\0" + one.raw).digest()
    need(tree(0, size, [index], {index: leaf}, iter(left_to_right(index, size, hashes))) == root,
         "the entry is not in the tree that the log signed")  # fmt: skip
    holds.append(f"Entry {index} stands in the log {name}, of {size} entries, whose key signed the head.")
    holds.append(f"  It {what_it_says(one)}")
    for witness in given.witness:
        at = cosigned(text, signatures, witness)
        holds.append(f"{witness.partition('+')[0]} cosigned the head, as it says at {moment(at * 10**6)}.")
    if given.artefact is not None:
        about(exact(one.parts[0]), given.artefact.read_bytes(), holds, wrong)


def left_to_right(index: int, size: int, hashes: list[bytes]) -> list[bytes]:
    """The hashes of an inclusion proof, which go from the leaf up, as `tree` takes them: from left to right."""
    sides, low, high = [], 0, size
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        sides.append(index >= middle)
        low, high = (middle, high) if index >= middle else (low, middle)
    need(len(sides) == len(hashes), "the proof has not as many hashes as the tree is high there")
    down = list(zip(sides, reversed(hashes), strict=True))
    return [each for left, each in down if left] + [each for left, each in reversed(down) if not left]


def about(said: dict[str, Any], artefact: bytes, holds: list[str], wrong: list[str]) -> None:
    digest = sha256(artefact).digest()
    cid = "b" + b32encode(b"\x01\x55\x12\x20" + digest).decode().lower().rstrip("=")
    if said["payload"]["statement"].get("content_hash") == cid:
        holds.append(f"The file is what the entry names: {cid}.")
    else:
        wrong.append(f"the file is not what the entry names: it is {cid}")


# Notes


def note(data: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and (name, key id and signature) of each line under it."""
    need(len(data) <= NOTE_MOST, "the note is too long")
    whole = data.decode("utf-8")
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", whole), "the note has control characters")
    text, gap, lines = whole.rpartition("\n\n")
    need(gap != "" and lines.endswith("\n"), "the head is no signed note")
    found = []
    for line in lines[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")
        need(dash == "—" and name.split() == [name] and "+" not in name, "a line under the head is no signature")
        found.append((name, b64(value)))
    need(len(found) <= 64 and all(len(value) > 4 for _, value in found), "a line under the head is no signature")
    return text + "\n", found


def checkpoint(text: str) -> tuple[str, int, bytes]:
    origin, size, root, *end = text.split("\n")
    need(end == [""] and re.fullmatch(r"0|[1-9][0-9]{0,15}", size, re.ASCII) is not None and len(b64(root)) == 32,
         "the signed head is no checkpoint")  # fmt: skip
    return origin, int(size), b64(root)


def signed(text: str, signatures: list[tuple[str, bytes]], name: str, public: bytes) -> None:
    mine = [value[4:] for other, value in signatures if (other, value[:4]) == (name, key_id(name, 1, public))]
    need(bool(mine), f"the key of {name} has not signed its head")
    need(
        all(holds_for(public, text.encode(), value) for value in mine),
        f"a signature claims to be of {name} and is not",
    )


def cosigned(text: str, signatures: list[tuple[str, bytes]], witness: str) -> int:
    """When this witness cosigned, as it says: UTC seconds."""
    name, public = vkey(witness, 4)
    mine = [value[4:] for other, value in signatures if (other, value[:4]) == (name, key_id(name, 4, public))]
    need(bool(mine), f"{name} has not cosigned the head")
    for value in mine:
        at = int.from_bytes(value[:8], "big")
        need(at < 2**63 and holds_for(public, f"cosignature/v1\ntime {at}\n{text}".encode(), value[8:]),
             f"a cosignature claims to be of {name} and is not")  # fmt: skip
    return max(int.from_bytes(value[:8], "big") for value in mine)


def vkey(text: str, kind: int) -> tuple[str, bytes]:
    name, digits, encoded = text.split("+", 2)
    key = b64(encoded)
    need(
        len(key) == 33 and key[0] == kind and key_id(name, kind, key[1:]).hex() == digits, f"{text} is no public key"
    )
    return name, key[1:]


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes((kind,)) + public).digest()[:4]


# Bytes


def need(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Wrong(otherwise)


def h(tag: str, *fields: bytes) -> bytes:
    return sha3_256(tag.encode("ascii") + b"\n" + b"".join(fields)).digest()


def holds_for(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except CryptoError:
        return False
    return True


def b64(text: str) -> bytes:
    """Bytes by their one spelling."""
    data = b64decode(text, validate=True)
    if b64encode(data).decode() != text:
        raise ValueError(text)
    return data


def exact(raw: bytes) -> dict[str, Any]:
    """A JSON object that written again gives the same bytes."""
    value = json.loads(raw.decode("utf-8"))
    need(isinstance(value, dict) and spelled(value) == raw, "JSON is spelled in another way than it must be")
    return dict(value)


def spelled(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def hlc(raw: bytes) -> int:
    return int.from_bytes(raw[44:52], "big")


def moment(at_us: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at_us / 10**6, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{at_us} microseconds"


def shown(text: str) -> str:
    """Without what would steer a terminal."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
