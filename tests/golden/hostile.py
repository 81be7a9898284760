"""Bytes that somebody might send: broken, ambiguous, too large, or just at the edge of what is lawful.

Each case is written down with the verdict that every release gives. A case in `entries()` is one entry, in
`contents()` one opened part 0, in `whole_logs()` a log with its note.
"""

import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy

import msgspec

from scmanager.eventstore import checkpoint, merkle
from scmanager.eventstore.entry import Dep, Genesis, Links, PartRef, RecoveryKeys, encode_json
from tests.golden.logs import LOGS, WholeLog, key_of, shared, small, some

Case = tuple[str, bytes]

_HEADER = struct.Struct(">4s32sQQ64s")
EDGE = 2**53
PART = PartRef(b"", 5, some("part"))
SEALED = PartRef(some("key id"), 53, some("part"))


def raw(
    body: bytes,
    seq: int = 1,
    hlc: int = 5,
    log: bytes | None = None,
    prev: bytes | None = None,
    magic: bytes = b"SCE1",
) -> bytes:
    """An entry with any header around any JSON."""
    first = seq == 0
    log = (bytes(32) if first else some("log")) if log is None else log
    prev = (bytes(64) if first else some("prev", 64)) if prev is None else prev
    return _HEADER.pack(magic, log, seq, hlc, prev) + body


def links(deps: int = 0, parts: int = 1) -> bytes:
    every = tuple(Dep(some(f"log {n}"), n, some(f"head {n}")) for n in range(deps))
    return encode_json(Links(every, (PART,) * parts))


def entries() -> Iterator[Case]:
    """Entries by themselves."""
    good = links()
    yield "as it should be", raw(good)
    yield from _headers(good)
    yield from _spellings(good)
    yield from _numbers()
    yield from _counts()
    yield from _widths()
    yield from _firsts()


def _headers(good: bytes) -> Iterator[Case]:
    yield "nothing", b""
    yield "a header alone", raw(b"")
    yield "half a header", raw(good)[:60]
    yield "another magic", raw(good, magic=b"SCE2")
    yield "seq just below 2^53", raw(good, seq=EDGE - 1)
    yield "seq 2^53", raw(good, seq=EDGE)
    yield "seq 2^64 - 1", raw(good, seq=2**64 - 1)
    yield "hlc just below 2^53", raw(good, hlc=EDGE - 1)
    yield "hlc 2^53", raw(good, hlc=EDGE)
    yield "zero log", raw(good, log=bytes(32))
    yield "zero prev", raw(good, prev=bytes(64))
    yield "seq 0 with links", raw(good, seq=0)
    yield "seq 0 with a log", raw(genesis(), seq=0, log=some("log"))
    yield "seq 0 with a prev", raw(genesis(), seq=0, prev=some("prev", 64))
    yield "seq 1 with a genesis", raw(genesis(), seq=1)


def _spellings(good: bytes) -> Iterator[Case]:
    yield "a space after a colon", raw(good.replace(b'"deps":', b'"deps": '))
    yield "a space before", raw(b" " + good)
    yield "a line feed after", raw(good + b"\n")
    yield "a NUL after", raw(good + b"\0")
    yield "a byte order mark", raw(b"\xef\xbb\xbf" + good)
    yield "an escaped letter", raw(good.replace(b"deps", b"d\\u0065ps"))
    yield "an escaped slash or equals sign", raw(good.replace(b"=", b"\\u003d", 1))
    yield "another order of fields", raw(b'{"parts":[' + encode_json(PART) + b'],"deps":[]}')
    yield "a field twice", raw(good[:-1] + b',"deps":[]}')
    yield "an unknown field", raw(good[:-1] + b',"more":1}')
    yield "an unknown field first", raw(b'{"more":1,' + good[1:])
    yield "no deps", raw(b'{"parts":[' + encode_json(PART) + b"]}")
    yield "no parts", raw(b'{"deps":[]}')
    yield "deps null", raw(good.replace(b"[]", b"null", 1))
    yield "deps an object", raw(good.replace(b"[]", b"{}", 1))
    yield "an array", raw(b"[[],[" + encode_json(PART) + b"]]")
    yield "JSON cut off", raw(good[:-1])
    yield "JSON twice", raw(good + good)
    yield "not JSON", raw(b"deps")
    yield "bytes that are no UTF-8 as a field", raw(b'{"\xff\xfe":1,' + good[1:])
    yield "bytes that are no UTF-8 as a key", raw(good.replace(b'""', b'"\xff"'))
    yield "a lone surrogate in bytes", raw(good.replace(b'""', b'"\xed\xa0\x80"'))
    yield "a lone surrogate escaped", raw(good.replace(b'""', b'"\\ud800"'))
    yield "an escaped NUL", raw(good.replace(b'""', b'"\\u0000"'))
    yield "60,000 brackets", raw(b"[" * 60_000)
    yield "60,000 brackets in deps", raw(b'{"deps":' + b"[" * 60_000)
    yield "60,000 brackets in an unknown field", raw(b'{"x":' + b"[" * 60_000)
    yield "60,000 brackets in a string", raw(b'{"deps":"' + b"[" * 60_000 + b'"}')
    yield "7,000 objects in deps", raw(b'{"deps":' * 7_000)
    yield "as large as an entry may be", raw(b" " * (65_535 - 116))
    yield "larger than an entry may be", raw(b" " * (65_536 - 116))
    yield "base64 with stray bits", raw(good.replace(b64encode(PART.hash), b64encode(PART.hash)[:-2] + b"B=", 1))
    yield "base64 without padding", raw(good.replace(b'="', b'"', 1))
    yield "base64 for the web", raw(encode_json(Links((), (PartRef(b"", 5, b"\xfb" * 32),))).replace(b"+", b"-"))
    yield "base64 with a space", raw(good.replace(b"=", b" =", 1))


def _numbers() -> Iterator[Case]:
    for name, written in NUMBERS.items():
        dep = b'["' + b64encode(some("log 1")) + b'",' + written + b',"' + b64encode(some("head")) + b'"]'
        yield f"a dep at {name}", raw(b'{"deps":[' + dep + b'],"parts":[' + encode_json(PART) + b"]}")
        part = b'["",' + written + b',"' + b64encode(some("part")) + b'"]'
        yield f"a part of length {name}", raw(b'{"deps":[],"parts":[' + part + b"]}")


NUMBERS = {
    "0": b"0",
    "1": b"1",
    "-1": b"-1",
    "-0": b"-0",
    "01": b"01",
    "+1": b"+1",
    "1.0": b"1.0",
    "1.5": b"1.5",
    "1e2": b"1e2",
    "1E5": b"1E5",
    "1e400": b"1e400",
    "0e99999999999999999999": b"0e99999999999999999999",
    "2^53 - 1": b"9007199254740991",
    "2^53": b"9007199254740992",
    "-2^53": b"-9007199254740992",
    "2^63": b"9223372036854775808",
    "2^64": b"18446744073709551616",
    "2^70": b"1180591620717411303424",
    "-2^70": b"-1180591620717411303424",
    "400 digits": b"9" * 400,
    "5,000 digits": b"9" * 5000,
    "true": b"true",
    "null": b"null",
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "text": b'"1"',
}


def _counts() -> Iterator[Case]:
    yield "64 deps", raw(links(deps=64))
    yield "65 deps", raw(links(deps=65))
    yield "16 parts", raw(links(parts=16))
    yield "17 parts", raw(links(parts=17))
    yield "0 parts", raw(links(parts=0))
    own = Links((Dep(some("log"), 0, some("head")),), (PART,))
    yield "a dep on its own log", raw(encode_json(own))
    for clear, most in ((True, 65_536), (False, 65_584)):
        key = b"" if clear else SEALED.key
        where = "in clear" if clear else "sealed"
        yield f"part 0 {where} as long as it may be", raw(_parts(PartRef(key, most, PART.hash)))
        yield f"part 0 {where} longer", raw(_parts(PartRef(key, most + 1, PART.hash)))
    for length in (1_048_576 + 48, 1_048_576 + 49):
        yield f"part 1 sealed of {length} bytes", raw(_parts(SEALED, PartRef(SEALED.key, length, PART.hash)))
    yield "a sealed part without room for salt and tag", raw(_parts(PartRef(SEALED.key, 47, PART.hash)))
    yield "a sealed part of nothing", raw(_parts(PartRef(SEALED.key, 48, PART.hash)))
    yield "an empty part", raw(_parts(SEALED, PartRef(b"", 0, PART.hash)))


def _parts(*refs: PartRef) -> bytes:
    return encode_json(Links((), refs))


def _widths() -> Iterator[Case]:
    for width in (0, 1, 31, 33, 64):
        bad = some("bad", width)
        yield f"a dep's log of {width} bytes", raw(encode_json(Links((Dep(bad, 0, some("head")),), (PART,))))
        yield f"a dep's id of {width} bytes", raw(encode_json(Links((Dep(some("log 1"), 0, bad),), (PART,))))
        yield f"a part's hash of {width} bytes", raw(_parts(PartRef(b"", 5, bad)))
        yield f"a key id of {width} bytes", raw(_parts(PartRef(bad, 53, PART.hash)))
    dep = encode_json([some("log 1"), 0])
    yield "a dep of two columns", raw(b'{"deps":[' + dep + b'],"parts":[' + encode_json(PART) + b"]}")
    part = encode_json(["", 5, some("part"), 1])
    yield "a part of four columns", raw(b'{"deps":[],"parts":[' + part + b"]}")


def genesis(**changed: object) -> bytes:
    """The JSON of a founding entry 0, with some fields changed."""
    keys = tuple(some(f"r{n}") for n in range(3))
    fields = {
        "deps": (), "parts": (), "space": b"", "kind": "org", "alg": "ed25519", "key": some("k"), "salt": some("s"),
        "recovery": RecoveryKeys(2, keys), "device": some("device"), "box": some("box"),
    }  # fmt: skip
    return encode_json(Genesis(**(fields | changed)))  # type: ignore[arg-type]  # wrong on purpose


def _firsts() -> Iterator[Case]:
    yield "a founding entry", raw(genesis(), seq=0)
    for kind in ("personal", "author", "joint", "Org", ""):
        yield f"a founding entry of kind {kind!r}", raw(genesis(kind=kind), seq=0)
    yield "a founding entry with another algorithm", raw(genesis(alg="ed448"), seq=0)
    for field in ("key", "salt", "device", "box"):
        yield f"a founding entry without {field}", raw(genesis(**{field: b""}), seq=0)
        yield f"a founding entry with a {field} of 31 bytes", raw(genesis(**{field: some("x", 31)}), seq=0)
    yield "a founding entry without recovery keys", raw(genesis(recovery=None), seq=0)
    yield "a space of 31 bytes", raw(genesis(space=some("x", 31), recovery=None, device=b"", box=b""), seq=0)
    yield "a log that joins", raw(genesis(space=some("space"), recovery=None, device=b"", box=b""), seq=0)
    yield "a log that joins with recovery keys", raw(genesis(space=some("space"), device=b"", box=b""), seq=0)
    yield "a log that joins with a device", raw(genesis(space=some("space"), recovery=None, box=b""), seq=0)
    yield "a founding entry with deps", raw(genesis(deps=(Dep(some("l"), 0, some("h")),)), seq=0)
    yield "a founding entry with parts", raw(genesis(parts=(PART,)), seq=0)
    yield "a founding entry that spells out a default", raw(genesis()[:-1] + b',"continues":null}', seq=0)
    yield "a founding entry with an unknown field", raw(genesis()[:-1] + b',"more":1}', seq=0)
    for m, count in ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2), (2, 3), (3, 2), (8, 15), (9, 16), (-1, 0)):
        keys = RecoveryKeys(m, tuple(some(f"r{n}") for n in range(count)))
        for kind in ("org", "personal"):
            yield f"{m} of {count} recovery keys for {kind}", raw(genesis(kind=kind, recovery=keys), seq=0)
    yield "the same recovery key twice", raw(genesis(recovery=RecoveryKeys(2, (some("r"),) * 2)), seq=0)
    yield "a recovery with 2^70 keys needed", raw(genesis().replace(b'"m":2', b'"m":1180591620717411303424'), seq=0)
    yield from _joined()


def _joined() -> Iterator[Case]:
    for name in ("continuation", "recovery"):
        yield f"a {name}", LOGS[name]().entries[0]
    first = LOGS["recovery"]().entries[0]
    for old, new in ((b'"n":1', b'"n":0'), (b'"n":1', b'"n":9007199254740992'), (b'"m":2', b'"m":1')):
        yield f"a recovery with {new.decode()}", first.replace(old, new)
    swapped = first.replace(b64encode(key_of("recovery").public), b64encode(some("another")), 1)
    yield "a recovery whose statement names another key", swapped
    yield "a recovery without signatures", first[: first.index(b'"signatures":') + 13] + b"[]}}"
    second = LOGS["continuation"]().entries[0]
    cut = second.index(b'"continues":')
    yield "a log that continues and recovers", second[:-1] + b"," + first[first.index(b'"recovers":') :]
    yield (
        "a continuation with a short signature",
        second[:cut] + b'"continues":["' + b64encode(some("l")) + b'","AA=="]}',
    )


# Part 0


def payload(written: bytes) -> bytes:
    """Part 0 with exactly these bytes as its payload."""
    return shared("case").replace(b'"payload":{}', b'"payload":' + written)


def nested(depth: int) -> bytes:
    """A payload so deep that part 0 as a whole has this depth."""
    arrays = depth - 2
    return payload(b'{"x":' + b"[" * arrays + b"]" * arrays + b"}")


def contents() -> Iterator[Case]:
    """Opened part 0, with the event it says or none."""
    good = shared("case")
    yield "as it should be", good
    yield "nothing", b""
    yield "null", b"null"
    for name, written in NUMBERS.items():
        yield f"the number {name}", payload(b'{"n":' + written + b"}")
    for depth in (16, 17):
        yield f"depth {depth}", nested(depth)
        yield f"depth {depth} of objects", payload(b'{"x":' * (depth - 1) + b"0" + b"}" * (depth - 1))
    yield "a thousand arrays side by side", payload(b'{"x":[' + b",".join([b"[]"] * 1000) + b"]}")
    yield "brackets in a string", payload(b'{"x":"' + b"[{" * 40 + b'"}')
    yield "brackets after an escaped quote", payload(b'{"x":"\\"' + b"[" * 40 + b'"}')
    yield "brackets after an escaped backslash", payload(b'{"x":"\\\\","y":' + b"[" * 40 + b"]" * 40 + b"}")
    yield "60,000 brackets", b"[" * 60_000
    yield "60,000 brackets in the payload", payload(b'{"x":' + b"[" * 60_000)
    yield "60,000 closing brackets", b"]" * 60_000
    for name, written in STRINGS.items():
        yield f"a string with {name}", payload(b'{"s":"' + written + b'"}')
        yield f"a name with {name}", payload(b'{"' + written + b'":0}')
    yield "an empty name", payload(b'{"":{"":0}}')
    yield "a name twice", payload(b'{"a":1,"a":1}')
    yield "a name twice inside", payload(b'{"x":[{"a":1,"a":2}]}')
    yield "names in any order", payload(b'{"b":1,"a":2}')
    yield "a space in the payload", payload(b'{"a": 1}')
    yield "a payload that is no object", payload(b"[]")
    yield "a payload of null", payload(b"null")
    yield from _shared_fields(good)


STRINGS = {
    "nothing": b"",
    "U+0000": b"\\u0000",
    "a raw NUL": b"\0",
    "a raw line feed": b"\n",
    "an escaped line feed": b"\\n",
    "a line feed spelt out": b"\\u000a",
    "U+001F": b"\\u001f",
    "U+001F in capitals": b"\\u001F",
    "DEL": b"\x7f",
    "DEL escaped": b"\\u007f",
    "a slash": b"/",
    "an escaped slash": b"\\/",
    "a letter escaped": b"\\u0041",
    "e acute": "é".encode(),
    "e acute escaped": b"\\u00e9",
    "e and a combining acute": "e\u0301".encode(),
    "U+2028": "\u2028".encode(),
    "U+2028 escaped": b"\\u2028",
    "U+FEFF": "\ufeff".encode(),
    "U+FFFF": "\uffff".encode(),
    "a rocket": "\U0001f680".encode(),
    "a rocket escaped": b"\\ud83d\\ude80",
    "a lone surrogate": b"\\ud800",
    "a lone low surrogate": b"\\udc00",
    "a surrogate in bytes": b"\xed\xa0\x80",
    "surrogates in bytes": b"\xed\xa0\xbd\xed\xba\x80",
    "an overlong NUL": b"\xc0\x80",
    "an overlong slash": b"\xc0\xaf",
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "U+10FFFF": "\U0010ffff".encode(),
    "half a character": b"\xc3",
    "no UTF-8": b"\xff",
}


def _shared_fields(good: bytes) -> Iterator[Case]:
    fields: dict[str, object] = msgspec.json.decode(good)
    yield "an unknown field", good[:-1] + b',"more":1}'
    yield "a field twice", good[:-1] + b',"payload":{}}'
    yield "another order of fields", encode_json(dict(reversed(fields.items())))
    yield "a space after", good + b" "
    yield "a byte order mark", b"\xef\xbb\xbf" + good
    for name in fields:
        yield f"without {name}", encode_json({key: value for key, value in fields.items() if key != name})
        yield f"{name} null", encode_json(fields | {name: None})
    for name in ("by", "command", "cause", "entity"):
        for width in (0, 15, 16, 17, 31, 32, 33):
            yield f"{name} of {width} bytes", encode_json(fields | {name: some("x", width)})
        yield f"{name} with stray base64 bits", good.replace(*_stray(str(fields[name])))
    for width in (0, 31, 32):
        yield f"saw of {width} bytes", encode_json(fields | {"saw": [some("x", width)]})
    for count in (64, 65):
        yield f"saw {count} entries", encode_json(fields | {"saw": [some(f"x{n}") for n in range(count)]})
    for length in (0, 1, 64, 65):
        yield f"a type of {length} bytes", encode_json(fields | {"type": "t" * length})
    yield "a type of 33 two-byte letters", encode_json(fields | {"type": "é" * 33})
    room = 65_536 - len(encode_json(fields | {"payload": {"s": ""}}))
    for more in (0, 1):
        yield f"{65_536 + more} bytes", encode_json(fields | {"payload": {"s": "x" * (room + more)}})


def _stray(text: str) -> tuple[bytes, bytes]:
    """The same bytes in base64, with bits set that no decoder needs."""
    if not text:
        return b'"cause":""', b'"cause":"AB=="'
    body = text.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    changed = body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + text[len(body) :]
    return text.encode(), changed.encode()


# Whole logs


Change = Callable[[WholeLog], object]


def whole_logs() -> Iterator[tuple[str, WholeLog]]:
    """A small log, changed on its way."""
    original = small()
    for name, change in CHANGES.items():
        log = WholeLog(list(original.entries), deepcopy(original.parts), original.note, dict(original.keys),
                       original.own, original.signer)  # fmt: skip
        change(log)
        yield name, log


def _swap(items: list[bytes], first: int, second: int) -> None:
    items[first], items[second] = items[second], items[first]


def _renote(log: WholeLog, entries: list[bytes], signer: str = "small", size: int | None = None) -> None:
    """Sign what is there now (or something else)."""
    head = log.own.head
    tree = merkle.CompactRange().extend([merkle.leaf_hash(data) for data in entries])
    point = checkpoint.Checkpoint(
        checkpoint.origin(head.space, head.log), tree.size if size is None else size, tree.root()
    )
    log.note = checkpoint.sign_note(point, key_of(signer))


def _same_time(log: WholeLog) -> None:
    """The second entry claims the first one's time: chained and signed all the same."""
    before = log.entries[1]
    log.entries[2] = before[:36] + (2).to_bytes(8, "big") + before[44:52] + log.entries[2][52:]
    del log.entries[3:], log.parts[3:]
    _renote(log, log.entries)


def _shorten(log: WholeLog, size: int) -> None:
    del log.entries[size:], log.parts[size:]


def _rekey(log: WholeLog) -> None:
    log.keys = dict.fromkeys(log.keys, bytes(32))


CHANGES: dict[str, Change] = {
    "nothing changed": lambda log: None,
    "without keys": lambda log: setattr(log, "keys", {}),
    "with wrong keys": _rekey,
    "without personal parts": lambda log: [held.pop(n, None) for held in log.parts for n in range(1, 16)],
    "without part 0": lambda log: log.parts[3].pop(0),
    "two parts swapped": lambda log: log.parts[3].update({1: log.parts[3][2], 2: log.parts[3][1]}),
    "a part of another entry": lambda log: log.parts[2].update({0: log.parts[3][0]}),
    "a part one byte short": lambda log: log.parts[2].update({1: log.parts[2][1][:-1]}),
    "a part that no entry names": lambda log: log.parts[2].update({9: b"more"}),
    "parts of entry 0": lambda log: log.parts[0].update({0: b"more"}),
    "the last entry missing": lambda log: _shorten(log, len(log.entries) - 1),
    "an entry missing in between": lambda log: (log.entries.pop(3), log.parts.pop(3)),
    "entry 0 missing": lambda log: (log.entries.pop(0), log.parts.pop(0)),
    "two entries swapped": lambda log: _swap(log.entries, 2, 3),
    "an entry twice": lambda log: (log.entries.insert(2, log.entries[2]), log.parts.insert(2, log.parts[2])),
    "entry 0 of another log": lambda log: log.entries.__setitem__(0, LOGS["lonely"]().entries[0]),
    "time that stands still": _same_time,
    "a note of an earlier size": lambda log: _renote(log, log.entries[:-1]),
    "a note with another root": lambda log: _renote(log, [*log.entries[:-1], b"x"]),
    "a note that claims more": lambda log: _renote(log, log.entries, size=len(log.entries) + 1),
    "a note signed by another key": lambda log: _renote(log, log.entries, signer="personal"),
    "the note of another log": lambda log: setattr(log, "note", LOGS["personal"]().note),
    "no note": lambda log: setattr(log, "note", b""),
    "a note without signature": lambda log: setattr(log, "note", log.note[: log.note.index("—".encode())]),
    "a note with a carriage return": lambda log: setattr(log, "note", log.note.replace(b"\n", b"\r\n")),
}
