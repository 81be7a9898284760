"""Checks evidence bundles and proofs of logging offline. One file: it needs Python 3.11 and PyNaCl, nothing of ours.

Written from docs/evidence-bundle.md and the C2SP pages (signed-note, tlog-checkpoint, tlog-proof, tlog-cosignature).

    python verify_bundle.py FILE.scm-evidence ... [--space ID] [--ledger ID] [--witness VKEY]
    python verify_bundle.py FILE.tlog-proof --log VKEY [--manifests FILE [--ledger ID] [--artefact FILE]] ...
    python verify_bundle.py FILE.tlog-proof --log VKEY --leaf FILE [--origin TEXT]

Whether the author published a file takes his key manifests (`--manifests`): the key of a log signs for what stands in
it, and his release keys for what he publishes. With `--leaf`, the entry as it was hashed, a proof may be of any log.

Exit code 0: everything holds. 1: something does not; each such thing is a line that begins with `WRONG`. 2: usage.
"""

import argparse
import io
import json
import re
import sys
import time
from base64 import b32decode, b32encode, b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import file_digest, sha3_256, sha3_512, sha256
from pathlib import Path
from typing import Any

try:
    from nacl.bindings import crypto_aead_aes256gcm_decrypt, crypto_sign_open
    from nacl.exceptions import CryptoError
except ImportError:
    print("PyNaCl is needed to check signatures, and is not installed here: pip install pynacl", file=sys.stderr)
    raise SystemExit(2) from None

FILE_MOST = 64 << 20
NOTE_MOST = 128 << 10
MANIFESTS_MOST = 4 << 20
SHARED_MOST = 64 << 10
PART_MOST = 1 << 20
KEYS_MOST, SIGNATURES_MOST, DEPS_MOST, KEPT_MOST = 15, 64, 64, 384
TOO_BIG = 2**53
LINE = re.compile(r"(entry|part|key) (0|[1-9][0-9]{0,15}) (\S+)|(hash|note|manifest) (\S+)", re.ASCII)
ENTRY = {"entry", "part", "key"}
FOLLOWS = {
    "entry": ENTRY | {"", "note"}, "part": ENTRY, "key": {"part"},
    "hash": ENTRY | {"hash"}, "note": ENTRY | {"hash"}, "manifest": {"note", "manifest"},
}  # fmt: skip
"""What each line may stand after."""
FIRST = ["deps", "parts", "space", "kind", "alg", "key", "salt"]
FIRST_MORE = ["continues", "recovery", "recovers", "device", "box"]
RECOVERY = ["space", "n", "on", "key", "device", "box", "keeps", "m", "keys"]
PURPOSES = {"update.signed/1": b"scm/update/1\n", "plugin.signed/1": b"scm/plugin/1\n"}
"""What release keys sign before such a statement."""
SAID = ["type", "by", "command", "cause", "entity", "saw", "payload"]
KINDS = ("ledger", "intake")
MANIFEST = ["n", "prev", "root", "release", "logs", "retired", "signed_at"]
UPDATE = ["ledger", "content_hash", "version", "channel", "min_supported_version", "signed_at", "changelog_url",
          "size_bytes", "update_type"]  # fmt: skip
PLUGIN = ["ledger", "id", "version", "name", "author", "description", "content_hash", "permissions",
          "required_core_version", "tos_compliance_hash", "audit_status", "category", "registered_at",
          "updated_at"]  # fmt: skip
ROWS_MOST, DEPTH_MOST, TITLE_MOST = 64, 16, 120
AHEAD_S = 26 * 3600
"""A cosignature from further in the future than this is none."""
CHANNELS = ("alpha", "beta", "release-candidate", "stable")
TYPES = ("major", "minor", "patch", "hotfix")
STATUSES = ("pending", "pass", "blocked", "deprecated")
CATEGORIES = ("gameplay", "ui", "social", "integration", "hardware", "utility", "development")
VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})"
                     r"(?:-([0-9A-Za-z-]{1,32}(?:\.[0-9A-Za-z-]{1,32}){0,15}))?", re.ASCII)  # fmt: skip
URL = re.compile(r"https://[!-~]{1,490}", re.ASCII)
PLUGIN_KEY = re.compile(r"[a-z][a-z0-9]{0,31}([.-][a-z0-9]{1,32}){0,7}", re.ASCII)
PERMISSION = re.compile(r"[a-z][a-z0-9.-]{0,47}(:[A-Za-z0-9.*_-]{1,71})?", re.ASCII)
BLANKS = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
JOINED = (
    "\u0600-\u109f\u1700-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff"
    "\ufe0f\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff"
)
UNSEEN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\uffff"
    "\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    f"|(?<![{JOINED}])\u200d|\u200d(?=[!-\u024f])"
    "|(?<![\ufe0f\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff])\u200d"
    "|\u200d(?![\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff])"
    "|(?<![#*0-9\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u27ff\u2900-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff])[\ufe0e\ufe0f]|(?<=[#*0-9])[\ufe0e\ufe0f](?!\u20e3)"
)
"""What a title may not hold: what is drawn as nothing, but for emoji."""
FAULTS = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError)
NOT_SHOWN = """\
Not shown: that nothing else stands in the log, such as what was said of the same thing later; that nobody was shown
another history, when it happened, and whether the author of an entry had the right."""


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

    @cached_property
    def id(self) -> bytes:
        return h("scm/log/1", self.entries[0].raw)

    @cached_property
    def public(self) -> bytes:
        return b64(self.first["key"])

    @cached_property
    def space(self) -> bytes:
        return b64(self.first["space"]) or self.id

    @property
    def origin(self) -> str:
        return f"scm.log/1/{self.space.hex()}/{self.id.hex()}"


def main(arguments: list[str]) -> int:
    asked = argparse.ArgumentParser(description="Check an evidence bundle or a proof of logging, offline.")
    asked.add_argument("file", type=Path, nargs="+", help="several are judged one after the other, all alike")
    asked.add_argument("--space", help="the space that the bundle has to be of: its id, or the first 16 digits")
    asked.add_argument("--ledger", help="the author's ledger that it has to be of: its id, or the first 16 digits")
    asked.add_argument("--log", help="for a proof of logging: the log's public key, NAME+ID+KEY")
    asked.add_argument("--manifests", type=Path, help="for a proof of logging: the author's key manifests")
    asked.add_argument(
        "--artefact", type=Path, help="for a proof of logging: the file that the author has to have published by it"
    )
    asked.add_argument(
        "--leaf", type=Path, help="for a proof of logging of any other log: its entry, as it was hashed"
    )
    asked.add_argument(
        "--origin", help="for such a proof: what the log's heads begin with, if not with its key's name"
    )
    asked.add_argument(
        "--witness", action="append", default=[], help="a witness that must have cosigned: NAME+ID+KEY"
    )
    given = asked.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # A console may lack letters that a name has.
    try:
        manifests, digest, leaf = read(given.manifests), digest_of(given.artefact), read(given.leaf)
        files = [(path, read(path)) for path in given.file]
    except OSError as error:
        print(shown(f"{error.filename} cannot be read: {error.strerror}"))
        return 2
    given.leaf = given.leaf and leaf
    given.manifests, given.artefact, given.now_s = given.manifests and manifests, digest, int(time.time())
    codes = []
    for path, data in files:
        if len(files) > 1:
            print(shown(f"{path}:"))
        codes.append(judge(data, given))
    return max(codes)


def judge(data: bytes, given: argparse.Namespace) -> int:
    """Say what one file proves; the exit code for it."""
    if flaw := usage(data, given):
        print(shown(flaw))
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


def read(path: Path | None) -> bytes:
    if path is None:
        return b""
    with path.open("rb") as file:
        return file.read(FILE_MOST + 1)


def digest_of(path: Path | None) -> bytes | None:
    """SHA-256 of a file of any size."""
    if path is None:
        return None
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


def usage(data: bytes, given: argparse.Namespace) -> str:
    """What is wrong with what was asked, apart from any file; empty if nothing is. Nothing asked goes unanswered."""
    for option, kind, keys in (("--log", 1, [given.log] if given.log else []), ("--witness", 4, given.witness)):
        for key in keys:
            try:
                vkey(key, kind)
            except (Wrong, *FAULTS):
                return f"{option} {key}: this is no public key of that kind, as NAME+ID+KEY"
    if not is_proof(data):
        named = [
            name for name in ("log", "manifests", "artefact", "leaf", "origin") if getattr(given, name) is not None
        ]
        return f"--{named[0]} is for proofs of logging, and the file is none" if named else ""
    if given.space is not None:
        return "--space is for evidence bundles, and the file is a proof of logging"
    if given.log is None:
        return "whose log it is has to be said: --log NAME+ID+KEY, which its owner publishes"
    if given.leaf is not None and (given.manifests, given.artefact, given.ledger) != (None, None, None):
        return "--leaf is for logs of others, and what is asked for beside it is of an author's ledger"
    if given.leaf is not None and len(given.leaf) > FILE_MOST:
        return "the entry is larger than 64 MiB: no more of it is read, so nothing can be said of it"
    if given.leaf is None and given.origin is not None:
        return "--origin is for logs of others: with --leaf FILE"
    if given.manifests is None and (given.artefact is not None or given.ledger is not None):
        return "whether the author published it takes his key manifests: --manifests FILE, which he publishes"
    return ""


def is_proof(data: bytes) -> bool:
    return data.startswith(b"c2sp.org/tlog-proof@v1\n")


def check(data: bytes, given: argparse.Namespace) -> tuple[list[str], list[str]]:
    """What holds and what does not, in sentences. Raises nothing."""
    holds: list[str] = []
    wrong: list[str] = []
    try:
        if len(data) > FILE_MOST:
            raise Wrong("the file is larger than 64 MiB")
        if is_proof(data):
            proof(data, given, holds, wrong)
        else:
            bundle(data, given, holds, wrong)
    except Wrong as error:
        wrong.append(str(error))
    except FAULTS as error:
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
    need(sum(len(line) + 1 for line in manifests) <= MANIFESTS_MOST, "it holds more manifests than a bundle may")
    holds.append(f"Space {space.hex()}.")
    for log in logs:
        check_log(log, space, given, holds, wrong)
    if len({(log.id, log.size) for log in logs}) < len(logs):
        wrong.append("one head stands there twice")
    counted = belonging(space, logs)
    strangers = [log for log in logs if log.id not in counted]
    wrong += [f"log {log.id.hex()}: nothing here shows that the space took it in" for log in strangers]
    if len(logs) > 1 and not wrong:
        holds.append("The log that founded the space leads to every other log here.")
    ledger = of_author(logs, manifests, holds, wrong) if manifests else b""
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
    try:
        if one.seq == 0:
            need(not any(raw[4:36]) and not any(raw[52:116]), "a first entry names a log or an entry before it")
            need(founds(one.json), "a first entry has not the form that it must have")
        else:
            need(any(raw[4:36]) and any(raw[52:116]), f"entry {one.seq} names no log or no entry before it")
            need(follows(one.json, raw[4:36]), f"entry {one.seq} has not the form that it must have")
    except FAULTS:
        raise Wrong(f"entry {one.seq} has not the form that it must have") from None


# What JSON an entry has. Whatever is read there is base64 of fixed width, a whole number or one of a few words.


def follows(read: dict[str, Any], log: bytes) -> bool:
    deps, parts = read["deps"], read["parts"]
    most = [SHARED_MOST] + [PART_MOST] * 15
    return (
        list(read) == ["deps", "parts"]
        and array(deps, 0, DEPS_MOST) and array(parts, 1, 16)
        and all(is_dep(dep) and b64(dep[0]) != log for dep in deps)
        and all(array(part, 3, 3) and is_part(*part, each) for part, each in zip(parts, most, strict=False))
    )  # fmt: skip


def is_dep(dep: Any) -> bool:
    return array(dep, 3, 3) and wide(32, dep[0], dep[2]) and whole(dep[1], 0, TOO_BIG - 1)


def is_part(key: Any, length: Any, digest: Any, most: int) -> bool:
    sealed = 48 if key != "" else 0  # A salt and a tag.
    return (key == "" or wide(32, key)) and whole(length, sealed or 1, most + sealed) and wide(32, digest)


def founds(read: dict[str, Any]) -> bool:
    names = list(read)
    more = names[len(FIRST) :]
    founding = read["space"] == ""
    return (
        names == FIRST + [each for each in FIRST_MORE if each in more]
        and read["deps"] == [] and read["parts"] == []
        and (founding or wide(32, read["space"]))
        and read["kind"] in ("org", "personal", "author") and read["alg"] == "ed25519"
        and wide(32, read["key"], read["salt"])
        and (more == ["recovery", "device", "box"] if founding else more in ([], ["continues"], ["recovers"]))
        and all(wide(32, read[each]) for each in ("device", "box") if each in more)
        and ("continues" not in more or continues(read["continues"]))
        and ("recovery" not in more or keyed(read["recovery"], read["kind"] == "personal"))
        and ("recovers" not in more or recovers(read["recovers"], read))
    )  # fmt: skip


def continues(said: Any) -> bool:
    return array(said, 2, 2) and wide(32, said[0]) and wide(64, said[1])


def keyed(said: dict[str, Any], may_be_none: bool) -> bool:
    return list(said) == ["m", "keys"] and quorum(said["m"], said["keys"], may_be_none)


def quorum(m: Any, keys: Any, may_be_none: bool) -> bool:
    """So many that two halves cannot each be enough."""
    if may_be_none and type(m) is int and (m, keys) == (0, []):
        return True
    distinct = array(keys, 1, KEYS_MOST) and wide(32, *keys) and len(set(keys)) == len(keys)
    return distinct and whole(m, 1, len(keys)) and 2 * m > len(keys)


def recovers(said: dict[str, Any], first: dict[str, Any]) -> bool:
    of, signatures = said["statement"], said["signatures"]
    return (
        list(said) == ["statement", "signatures"] and list(of) == RECOVERY
        and array(signatures, 1, KEYS_MOST) and all(continues(each) for each in signatures)
        and (of["space"], of["key"]) == (first["space"], first["key"]) and whole(of["n"], 1, TOO_BIG - 1)
        and array(of["on"], 0, DEPS_MOST) and wide(32, *of["on"], of["device"], of["box"])
        and array(of["keeps"], 0, KEPT_MOST) and all(is_dep(each) for each in of["keeps"])
        and quorum(of["m"], of["keys"], may_be_none=False)
    )  # fmt: skip


def array(value: Any, least: int, most: int) -> bool:
    return type(value) is list and least <= len(value) <= most


def whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def wide(width: int, *values: Any) -> bool:
    return all(type(each) is str and len(b64(each)) == width for each in values)


def check_log(log: Log, space: bytes, given: argparse.Namespace, holds: list[str], wrong: list[str]) -> None:
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
        for witness in given.witness:
            at = cosigned(text, signatures, witness, given.now_s)
            holds.append(
                f"{name}: {witness.partition('+')[0]} cosigned its head, as it says at {moment(at * 10**6)}."
            )
    except Wrong as error:
        wrong.append(str(error))
        return
    others = len(signatures) - 1 - len(given.witness)
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
    claims = []
    for log in logs:
        if said := log.first.get("recovers"):
            of = said["statement"]
            claims.append((log, of, {b64(each) for each in of["on"]}, b"scm/recovery/1\n" + spelled(of)))
    verified: dict[bytes, set[bytes]] = {}
    while waiting:
        base, number, m, keys = waiting.pop()
        if base in seen or not (1 <= m <= len(keys) < 2 * m and len(set(keys)) == len(keys)):
            continue
        seen.add(base)
        for log, of, on, message in claims:
            if base not in on or of["n"] != number + 1 or b64(of["space"]) != space:
                continue
            if message + log.id not in verified:  # Once, however many it could build on.
                verified[message + log.id] = {b64(key) for key, value in log.first["recovers"]["signatures"]
                                              if holds_for(b64(key), message, b64(value))}  # fmt: skip
            if len(verified[message + log.id] & set(keys)) >= m:
                found.add(log.id)
                waiting.append((sha3_256(message).digest(), of["n"], of["m"], [b64(key) for key in of["keys"]]))
    return found


# The author's ledger


def of_author(logs: list[Log], manifests: list[bytes], holds: list[str], wrong: list[str]) -> bytes:
    """The id of the ledger."""
    ledger, last = walk(manifests)
    holds.append(f"Ledger {ledger.hex()}: {last['n']} key manifests follow each other, signed by their root keys.")
    for log in logs:
        try:
            final = listed(log.id, log.space, log.public, last)["final"]
            need(final is None or (final["size"], b64(final["root"])) == (log.size, log.root),
                 f"log {log.id.hex()}: the author closed it at another head")  # fmt: skip
        except Wrong as error:
            wrong.append(str(error))
        for one in log.entries:
            released(one, log.id, ledger, last, holds, wrong)
    return ledger


def walk(lines: list[bytes]) -> tuple[bytes, dict[str, Any]]:
    """The ledger's id and its newest manifest."""
    ledger, before = b"", b""
    last: dict[str, Any] = {}
    ever: dict[str, str] = {}
    for n, line in enumerate(lines, 1):
        need(len(line) <= SHARED_MOST, f"manifest {n} is longer than any entry")
        read = exact(line)
        need(
            list(read) == ["type", "payload"] and read["type"] == "keys.published/1",
            f"manifest {n} is no key manifest",
        )
        need(holds_form(is_manifest, read["payload"]), f"manifest {n} has not the form that it must have")
        said, signatures = read["payload"]["statement"], read["payload"]["signatures"]
        need(said["n"] == n and b64(said["prev"]) == before, f"manifest {n} does not follow the one before it")
        roles(said, n)
        if last:
            follows_in_logs(last["logs"], said["logs"], n)
            follows_in_keys(last, said, n)
            follows_in_roles(ever, last, said, n)
        ever |= roles_of(said)
        message = b"scm/key-manifest/1\n" + (before or bytes(32)) + spelled(said)
        for whose in (last.get("root"), said["root"]):
            if whose is not None:
                need(signers(whose["keys"], message, signatures, f"manifest {n}") >= whose["m"],
                     f"manifest {n} is not signed by enough root keys")  # fmt: skip
        before, last = h("scm/key-manifest-hash/1", spelled(said)), said
        ledger = ledger or before
    return ledger, last


def roles(said: dict[str, Any], n: int) -> None:
    """Each key has one role, and a retired one none."""
    need(quorum(said["root"]["m"], said["root"]["keys"], may_be_none=False),
         f"manifest {n}: two halves of its root keys could each sign")  # fmt: skip
    active = [*said["root"]["keys"], *said["release"]["keys"], *(row["key"] for row in said["logs"])]
    retired = [row["key"] for row in said["retired"]]
    need(distinct(active + retired), f"manifest {n}: one key has two roles, or is retired and has one")
    logs = [row["log"] for row in said["logs"]]
    need(distinct(logs), f"manifest {n}: one log stands there twice")
    ledgers = {row["log"] for row in said["logs"] if row["kind"] == "ledger"}
    for row in said["retired"]:
        named = [each["log"] for each in row["upto"]]
        need(distinct(named) and set(named) <= ledgers,
             f"manifest {n}: a retired key counts in a log that holds no statements, or twice in one")  # fmt: skip


def follows_in_logs(old: list[dict[str, Any]], new: list[dict[str, Any]], n: int) -> None:
    """A log stays, with its space and key; a closed one stays closed, there or earlier."""
    now = {row["log"]: row for row in new}
    for was in old:
        row = now.get(was["log"])
        if row is None or any(row[name] != was[name] for name in ("space", "key", "kind")):
            raise Wrong(f"manifest {n}: a log is dropped, or has another space, key or kind")
        before, after = was["final"], row["final"]
        need(before is None or (after is not None and after["size"] <= before["size"]),
             f"manifest {n}: a closed log is opened again")  # fmt: skip
        need(before is None or after["size"] < before["size"] or after["root"] == before["root"],
             f"manifest {n}: a closed log ends in another head")  # fmt: skip


def follows_in_keys(old: dict[str, Any], new: dict[str, Any], n: int) -> None:
    """A release key that leaves is retired, stays so, and never counts further than it did."""
    now = {row["key"]: upto(row) for row in new["retired"]}
    need(set(old["release"]["keys"]) - set(new["release"]["keys"]) <= set(now),
         f"manifest {n}: a release key leaves without a word on what it signed")  # fmt: skip
    for was in old["retired"]:
        need(was["key"] in now, f"manifest {n}: a retired key is forgotten")
        before = upto(was)
        need(all(size <= before.get(log, 0) for log, size in now[was["key"]].items()),
             f"manifest {n}: a retired key counts further than it did")  # fmt: skip


def roles_of(said: dict[str, Any]) -> dict[str, str]:
    """What each key is for; a retired one was a release key."""
    release = [*said["release"]["keys"], *(row["key"] for row in said["retired"])]
    return {
        **dict.fromkeys(said["root"]["keys"], "root"), **dict.fromkeys(release, "release"),
        **dict.fromkeys((row["key"] for row in said["logs"]), "log"),
    }  # fmt: skip


def follows_in_roles(ever: dict[str, str], old: dict[str, Any], new: dict[str, Any], n: int) -> None:
    """A key has one role for ever, and one that was taken out stays out."""
    before = roles_of(old)
    for key, role in roles_of(new).items():
        need(ever.get(key, role) == role, f"manifest {n}: a key has another role than it had")
        need(key not in ever or key in before, f"manifest {n}: a key that was taken out comes back")


def upto(row: dict[str, Any]) -> dict[str, int]:
    return {each["log"]: each["size"] for each in row["upto"]}


def listed(log: bytes, space: bytes, public: bytes, last: dict[str, Any]) -> dict[str, Any]:
    """The log's row in the newest manifest."""
    row = next((each for each in last["logs"] if b64(each["log"]) == log), None)
    if row is None or (b64(row["space"]), b64(row["key"])) != (space, public):
        raise Wrong(f"log {log.hex()}: the newest manifest does not list it")
    return dict(row)


def published(one: Entry) -> dict[str, Any] | None:
    """What an entry says, where it is one of the statements that release keys sign."""
    if 0 not in one.parts or one.json["parts"][0][0]:
        return None
    plain = one.parts[0]
    try:
        said = exact(plain) if len(plain) <= SHARED_MOST else {}
    except (Wrong, *FAULTS):
        return None  # Not a statement: other entries stand in his log as well.
    return said if holds_form(is_said, said) and said["type"] in PURPOSES else None


def released(one: Entry, log: bytes, ledger: bytes, last: dict[str, Any], holds: list[str], wrong: list[str]) -> None:
    """Whether release keys signed what an entry publishes; other entries of the author say nothing that they sign."""
    said = published(one)
    if said is None:
        return
    if not holds_form(is_update if said["type"] == "update.signed/1" else is_plugin, said["payload"]):
        wrong.append(f"entry {one.seq}: what it publishes has not the form that it must have")
        return
    if any(b64(row["log"]) == log and row["kind"] != "ledger" for row in last["logs"]):
        wrong.append(f"entry {one.seq}: nothing is published in a log of reports")
        return
    purpose = PURPOSES[said["type"]]
    statement, signatures = said["payload"]["statement"], said["payload"]["signatures"]
    keys = [*last["release"]["keys"]]
    keys += [each["key"] for each in last["retired"]
             if any(b64(row["log"]) == log and row["size"] > one.seq for row in each["upto"])]  # fmt: skip
    try:
        have = signers(keys, purpose + b64(statement["ledger"]) + spelled(statement), signatures, f"entry {one.seq}")
        need(have >= last["release"]["m"], f"entry {one.seq} is not signed by enough release keys")
        need(b64(statement["ledger"]) == ledger, f"entry {one.seq} was signed for another ledger")
        holds.append(f"  entry {one.seq} is signed by {have} of the author's release keys.")
    except Wrong as error:
        wrong.append(str(error))


def signers(keys: list[str], message: bytes, signatures: list[list[str]], what: str) -> int:
    mine = {key: value for key, value in signatures if key in keys}
    for key, value in mine.items():
        need(holds_for(b64(key), message, b64(value)), f"{what}: a signature claims to be of {key} and is not")
    return len(mine)


# What statements look like. Whoever signed one in another form signed nothing.


def holds_form(is_one: Callable[[Any], bool], value: Any) -> bool:
    try:
        return is_one(value)
    except FAULTS:
        return False


def is_said(said: Any) -> bool:
    """Part 0 of an entry."""
    return (
        list(said) == SAID and type(said["type"]) is str and 0 < len(said["type"].encode()) <= 64
        and wide(32, said["by"]) and wide(16, said["command"], said["entity"])
        and (said["cause"] == "" or wide(32, said["cause"]))
        and array(said["saw"], 0, ROWS_MOST) and wide(32, *said["saw"])
        and type(said["payload"]) is dict and plain_json(said, DEPTH_MOST)
    )  # fmt: skip


def plain_json(value: Any, depth: int) -> bool:
    """No fractions, no number of 2^53 or more, no U+0000, and nothing nested deeper."""
    if isinstance(value, dict | list):
        inner = [*value, *value.values()] if isinstance(value, dict) else value
        return depth > 0 and all(plain_json(each, depth - 1) for each in inner)
    if isinstance(value, str):
        return "\0" not in value
    return value is None or type(value) is bool or whole(value, 1 - TOO_BIG, TOO_BIG - 1)


def is_signed(payload: Any) -> bool:
    """Signatures stand one a key, by ascending key."""
    signatures = payload["signatures"]
    return (
        list(payload) == ["statement", "signatures"] and array(signatures, 0, SIGNATURES_MOST)
        and all(continues(each) for each in signatures) and ascending([b64(key) for key, _ in signatures])
    )  # fmt: skip


def is_manifest(payload: Any) -> bool:
    said = payload["statement"]
    return (
        is_signed(payload) and list(said) == MANIFEST
        and whole(said["n"], 1, TOO_BIG - 1) and (said["prev"] == "" or wide(32, said["prev"]))
        and is_quorum(said["root"]) and is_quorum(said["release"])
        and array(said["logs"], 0, ROWS_MOST) and all(is_row(each) for each in said["logs"])
        and array(said["retired"], 0, ROWS_MOST) and all(is_retired(each) for each in said["retired"])
        and whole(said["signed_at"], 0, TOO_BIG - 1)
    )  # fmt: skip


def is_quorum(said: Any) -> bool:
    keys = said["keys"]
    return (
        list(said) == ["m", "keys"] and array(keys, 1, KEYS_MOST) and wide(32, *keys)
        and ascending([b64(each) for each in keys]) and whole(said["m"], 1, len(keys))
    )  # fmt: skip


def is_row(said: Any) -> bool:
    return (
        list(said) == ["space", "log", "key", "kind", "final"] and said["kind"] in KINDS
        and wide(32, said["space"], said["log"], said["key"])
        and (said["final"] is None or is_final(said["final"]))
    )  # fmt: skip


def is_final(said: Any) -> bool:
    return list(said) == ["size", "root"] and whole(said["size"], 0, TOO_BIG - 1) and wide(32, said["root"])


def is_retired(said: Any) -> bool:
    return (
        list(said) == ["key", "upto"] and wide(32, said["key"]) and array(said["upto"], 0, ROWS_MOST)
        and all(list(row) == ["log", "size"] and wide(32, row["log"]) and whole(row["size"], 0, TOO_BIG - 1)
                for row in said["upto"])
    )  # fmt: skip


def is_update(payload: Any) -> bool:
    said = payload["statement"]
    return (
        is_signed(payload) and list(said) == UPDATE
        and wide(32, said["ledger"]) and is_cid(said["content_hash"])
        and said["channel"] in CHANNELS and said["update_type"] in TYPES
        and precedence(said["min_supported_version"]) <= precedence(said["version"])
        and (said["channel"] != "stable" or precedence(said["version"])[1])
        and whole(said["signed_at"], 0, TOO_BIG - 1) and whole(said["size_bytes"], 0, TOO_BIG - 1)
        and URL.fullmatch(said["changelog_url"]) is not None
    )  # fmt: skip


def is_plugin(payload: Any) -> bool:
    said = payload["statement"]
    permissions = said["permissions"]
    precedence(said["version"])
    precedence(said["required_core_version"])
    return (
        is_signed(payload) and list(said) == PLUGIN
        and wide(32, said["ledger"], said["tos_compliance_hash"]) and is_cid(said["content_hash"])
        and len(said["id"]) <= 80 and PLUGIN_KEY.fullmatch(said["id"]) is not None
        and all(is_title(said[name]) for name in ("name", "author", "description"))
        and array(permissions, 0, ROWS_MOST) and ascending(permissions)
        and all(len(each) <= 120 and PERMISSION.fullmatch(each) for each in permissions)
        and said["audit_status"] in STATUSES and said["category"] in CATEGORIES
        and whole(said["registered_at"], 0, TOO_BIG - 1)
        and whole(said["updated_at"], said["registered_at"], TOO_BIG - 1)
    )  # fmt: skip


def is_title(text: Any) -> bool:
    return (
        type(text) is str and 0 < len(text) <= TITLE_MOST and not UNSEEN.search(text) and text.strip(BLANKS) == text
    )


def is_cid(text: str) -> bool:
    """A CID (version 1, raw, SHA-256) in its one spelling in base32."""
    return len(text) == 59 and cid_of(b32decode(text[1:].upper() + "======")[4:]) == text


def cid_of(digest: bytes) -> str:
    return "b" + b32encode(b"\x01\x55\x12\x20" + digest).decode().lower().rstrip("=")


def precedence(version: str) -> tuple[Any, ...]:
    """What versions are sorted by (semver.org, 11). Raises ValueError for what is none."""
    found = VERSION.fullmatch(version) if len(version) <= 64 else None
    if found is None:
        raise ValueError(version)
    words = found[4].split(".") if found[4] else []
    if any(re.fullmatch("0[0-9]+|[0-9]{10,}", word) for word in words):
        raise ValueError(version)
    sorted_by = [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in words]
    return tuple(int(found[n]) for n in (1, 2, 3)), found[4] is None, tuple(sorted_by)


def ascending(values: list[Any]) -> bool:
    return sorted(set(values)) == values


def distinct(values: list[str]) -> bool:
    return len(set(values)) == len(values)


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
    origin, size, root = checkpoint(text, more=given.leaf is not None)
    need(origin == (given.origin or name), "the signed head is of another log")
    need(index < size, "its entry stands beyond the signed head")
    if given.leaf is not None:
        stands(index, size, given.leaf, hashes, root)
        holds.append(f"The file of {len(given.leaf)} bytes is entry {index} of the log {origin}, of {size} entries,")
        holds.append("  whose key signed the head.")
        witnessed(text, signatures, given, holds)
        return
    width = int.from_bytes(extra[:2], "big")
    one = Entry(index, extra[2 : 2 + width], {0: extra[2 + width :]})
    read_entry(one)
    need(one.seq > 0 and one.raw[4:36].hex() == name.rpartition("/")[2], "the entry is of another log")
    stands(index, size, one.raw, hashes, root)
    holds.append(f"Entry {index} stands in the log {name}, of {size} entries, whose key signed the head.")
    holds.append(f"  entry {one.seq}, id {one.id.hex()[:16]}, dated {moment(hlc(one.raw))}: {what_it_says(one)}")
    witnessed(text, signatures, given, holds)
    said = published(one)
    if given.manifests is not None:
        ledger, last = walk(lines_of(given.manifests))
        holds.append(
            f"Ledger {ledger.hex()}: {last['n']} key manifests follow each other, signed by their root keys."
        )
        if given.ledger is not None and not ledger.hex().startswith(given.ledger.lower()):
            raise Wrong(f"the manifests are of the ledger {ledger.hex()}, not of {given.ledger}")
        space = bytes.fromhex(name.removeprefix("scm.log/1/").partition("/")[0])
        within_final(listed(one.raw[4:36], space, public, last)["final"], size, root, bool(given.witness))
        released(one, one.raw[4:36], ledger, last, holds, wrong)
    elif said is not None:
        holds.append("  NOT CHECKED: whether a release key of the author signed it; --manifests FILE checks that.")
    if given.artefact is not None:
        need(given.manifests is not None, "whether the author published the file takes his key manifests")
        if said is None:
            raise Wrong("the entry publishes no file")
        about(said, given.artefact, holds, wrong)


def stands(index: int, size: int, data: bytes, hashes: list[bytes], root: bytes) -> None:
    leaf = sha256(b"\0" + data).digest()
    need(tree(0, size, [index], {index: leaf}, iter(left_to_right(index, size, hashes))) == root,
         "the entry is not in the tree that the log signed")  # fmt: skip


def witnessed(text: str, signatures: list[tuple[str, bytes]], given: argparse.Namespace, holds: list[str]) -> None:
    for witness in given.witness:
        at = cosigned(text, signatures, witness, given.now_s)
        holds.append(f"{witness.partition('+')[0]} cosigned the head, as it says at {moment(at * 10**6)}.")


def within_final(final: dict[str, Any] | None, size: int, root: bytes, witnessed: bool) -> None:
    """Whoever stole the key of a closed log signs other heads, and earlier ones too: for those witnesses vouch."""
    if final is None or (size, root) == (final["size"], b64(final["root"])):
        return
    need(size < final["size"], "the author closed the log at another head")
    need(witnessed, "the author closed the log at a later head, and no witness is asked to vouch for this one")


def lines_of(manifests: bytes) -> list[bytes]:
    *lines, end = manifests.split(b"\n")
    need(bool(lines) and end == b"" and len(manifests) <= MANIFESTS_MOST, "these are no key manifests")
    return lines


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


def about(said: dict[str, Any], digest: bytes, holds: list[str], wrong: list[str]) -> None:
    cid, statement = cid_of(digest), said["payload"]["statement"]
    if said["type"] == "plugin.signed/1" and statement["audit_status"] != "pass":
        wrong.append(f"the author says of it: {statement['audit_status']}; only a plugin that he passed is to be run")
    if statement["content_hash"] == cid:
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
    need(len(found) <= 100 and all(len(value) > 4 for _, value in found), "a line under the head is no signature")
    return text + "\n", found


def checkpoint(text: str, *, more: bool = False) -> tuple[str, int, bytes]:
    """`more`: lines may follow, as they do in some logs of others."""
    origin, size, root, *end = text.split("\n")
    if more and end[-1:] == [""] and all(end[:-1]):
        end = [""]
    need(end == [""] and re.fullmatch(r"0|[1-9][0-9]{0,15}", size, re.ASCII) is not None and int(size) <= TOO_BIG
         and len(b64(root)) == 32, "the signed head is no checkpoint")  # fmt: skip
    return origin, int(size), b64(root)


def signed(text: str, signatures: list[tuple[str, bytes]], name: str, public: bytes) -> None:
    mine = [value[4:] for other, value in signatures if (other, value[:4]) == (name, key_id(name, 1, public))]
    need(bool(mine), f"the key of {name} has not signed its head")
    need(
        all(holds_for(public, text.encode(), value) for value in mine),
        f"a signature claims to be of {name} and is not",
    )


def cosigned(text: str, signatures: list[tuple[str, bytes]], witness: str, now_s: int) -> int:
    """When this witness cosigned, as it says: UTC seconds, the newest if several times. `now_s`: by our clock."""
    name, public = vkey(witness, 4)
    mine = [value[4:] for other, value in signatures if (other, value[:4]) == (name, key_id(name, 4, public))]
    need(bool(mine), f"{name} has not cosigned the head")
    times = []
    for value in mine:
        at = int.from_bytes(value[:8], "big")
        need(at < 2**63 and holds_for(public, f"cosignature/v1\ntime {at}\n{text}".encode(), value[8:]),
             f"a cosignature claims to be of {name} and is not")  # fmt: skip
        times.append(at)
    due = [at for at in times if at <= now_s + AHEAD_S]
    need(bool(due), f"what {name} says of the head is dated more than a day ahead of this machine's clock")
    return max(due)


def vkey(text: str, kind: int) -> tuple[str, bytes]:
    name, digits, encoded = text.split("+", 2)
    key = b64(encoded)
    need(len(key) == 33 and key[0] == kind and key_id(name, kind, key[1:]).hex() == digits and name.split() == [name],
         f"{text} is no public key")  # fmt: skip
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
    value = json.loads(raw.decode("utf-8"), parse_constant=no_json)
    need(isinstance(value, dict) and spelled(value) == raw, "JSON is spelled in another way than it must be")
    return dict(value)


def no_json(word: str) -> None:
    """Python reads NaN and Infinity, which JSON has not."""
    raise ValueError(word)


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
