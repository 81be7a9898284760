"""Entries at their bounds: the last that is taken, the first that is not, and what is said of it."""

from hashlib import sha3_512

import msgspec
import pytest

from scmanager.eventstore import entry
from scmanager.eventstore.entry import (
    DEPS_MAX,
    NUMBER_MAX,
    SIZE_BYTES_MAX,
    ZERO_ID,
    ZERO_LOG,
    Continues,
    Dep,
    Genesis,
    Links,
    MalformedEntry,
    PartRef,
    Recovery,
    RecoveryKeys,
    Signature,
    Statement,
    compose,
    found,
    parse,
)
from tests.golden import hostile
from tests.golden.logs import founding, some

LOG, PREV, SPACE, KEY = some("log"), some("prev", 64), some("space"), some("key")
LINKS = Links((Dep(some("other"), 0, some("head")),), (PartRef(b"", 1, some("hash")),))
FOUNDING = founding("x", "org")(KEY)
HEADER_BYTES = 4 + 32 + 8 + 8 + 64

REASONS = {
    "larger than an entry may be": "its size",
    "a header alone": "its size",
    "another magic": "its first four bytes",
    "hlc 2^53": "a number of 2^53 or more",
    "zero prev": "it names no log or no predecessor",
    "not JSON": "its JSON cannot be read",
    "a field twice": "its JSON has a second spelling",
    "seq 0 with a log": "entry 0 names a log or a predecessor",
    "65 deps": "the number of its deps or parts",
    "a dep on its own log": "a dep on its own log",
    "a dep at -1": "a dep's seq",
    "a key id of 31 bytes": "the width of a key or hash",
    "a part of length 0": "the length of a part",
    "a founding entry without key": "a field that must be 32 bytes",
    "a continuation with a short signature": "a field that must be 64 bytes",
    "a founding entry without recovery keys": "a founding entry without recovery keys",
    "a log that joins with recovery keys": "recovery keys outside a founding entry",
    "a log that continues and recovers": "an entry that both continues and recovers",
    "the same recovery key twice": "its recovery keys",
    'a recovery with "n":0': "a recovery statement's numbers",
    "a recovery whose statement names another key": "a recovery statement for another log",
    "a recovery without signatures": "a recovery without signatures",
}


def reason(data: bytes) -> object:
    with pytest.raises(MalformedEntry) as malformed:
        parse(data)
    return malformed.value.facts["reason"]


@pytest.mark.parametrize("case", REASONS)
def test_an_entry_that_is_not_taken_is_told_why(case: str) -> None:
    assert reason(dict(hostile.entries())[case]) == REASONS[case]


@pytest.mark.parametrize(("seq", "hlc"), [(1, 1), (NUMBER_MAX, NUMBER_MAX), (7, 9)])
def test_an_entry_reads_back_as_it_was_composed(seq: int, hlc: int) -> None:
    made = compose(LOG, seq, hlc, PREV, LINKS)
    assert made == parse(made.data)
    assert (made.log, made.seq, made.hlc, made.prev) == (LOG, seq, hlc, PREV)
    assert (made.deps, made.parts, made.genesis) == (LINKS.deps, LINKS.parts, None)
    assert made.id32 == made.id[:32] == sha3_512(made.data).digest()[:32]


@pytest.mark.parametrize(
    ("log", "seq", "hlc", "prev"),
    [
        (LOG, 0, 1, PREV),
        (LOG, NUMBER_MAX + 1, 1, PREV),
        (LOG, 1, 0, PREV),
        (LOG, 1, NUMBER_MAX + 1, PREV),
        (LOG[1:], 1, 1, PREV),
        (LOG, 1, 1, PREV[1:]),
    ],
)
def test_nobody_composes_what_no_entry_can_carry(log: bytes, seq: int, hlc: int, prev: bytes) -> None:
    with pytest.raises(ValueError, match=r"^a number or an id that no entry can carry$"):
        compose(log, seq, hlc, prev, LINKS)


def test_nobody_composes_a_dep_on_the_own_log() -> None:
    with pytest.raises(ValueError, match="not well formed: a dep on its own log"):
        compose(LOG, 1, 1, PREV, msgspec.structs.replace(LINKS, deps=(Dep(LOG, 0, some("head")),)))


def filled(size: int) -> Genesis:
    """Entry 0 of exactly this size. Base64 grows by fours; the kind and a number's digits make up the rest."""
    for kind in ("org", "author", "personal"):
        for needed in (2, 10):
            genesis = msgspec.structs.replace(FOUNDING, kind=kind, salt=b"", recovery=RecoveryKeys(needed, ()))
            spare = size - HEADER_BYTES - len(entry.encode_json(genesis))
            if spare % 4 == 0:
                return msgspec.structs.replace(genesis, salt=bytes(spare // 4 * 3))
    raise AssertionError("no combination fits")


def test_an_entry_is_as_large_as_it_may_be_and_no_larger() -> None:
    data = entry.encode(ZERO_LOG, 0, 1, ZERO_ID, filled(SIZE_BYTES_MAX))
    assert len(data) == SIZE_BYTES_MAX
    assert reason(data) == "a field that must be 32 bytes"
    assert reason(data + b" ") == "its size"
    with pytest.raises(ValueError, match=r"^an entry of 65536 bytes$"):
        entry.encode(ZERO_LOG, 0, 1, ZERO_ID, filled(SIZE_BYTES_MAX + 1))


def test_the_first_entry_names_nothing_and_nobody() -> None:
    first = found(FOUNDING, 1)
    assert (first.seq, first.hlc, first.prev, first.deps, first.parts) == (0, 1, ZERO_ID, (), ())
    assert first.space == first.log == entry.digest("scm/log/1", first.data)


def recovering(**changed: object) -> bytes:
    """Entry 0 of a recovered log, with these fields of its statement or `signatures` changed."""
    signatures = changed.pop("signatures", (Signature(some("r0"), some("s", 64)),))
    fields: dict[str, object] = {
        "space": SPACE, "n": 1, "on": (SPACE,), "key": KEY, "device": some("d"), "box": some("b"), "keeps": (),
        "m": 1, "keys": (some("k"),),
    }  # fmt: skip
    statement = Statement(**(fields | changed))  # type: ignore[arg-type]  # named above
    recovery = Recovery(statement, signatures)  # type: ignore[arg-type]  # named above
    genesis = Genesis((), (), SPACE, "org", "ed25519", KEY, some("salt"), recovers=recovery)
    return entry.encode(ZERO_LOG, 0, 1, ZERO_ID, genesis)


def many(count: int, width: int = 32) -> tuple[bytes, ...]:
    return tuple(some(f"{number}", width) for number in range(count))


DEPS = tuple(Dep(log, 0, log) for log in many(DEPS_MAX + 1))
KEPT = tuple(Dep(log, 0, log) for log in many(entry.KEPT_MAX + 1))
SIGNATURES = tuple(Signature(key, some("s", 64)) for key in many(entry.KEYS_MAX + 1))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"n": NUMBER_MAX},
        {"on": many(DEPS_MAX)},
        {"keeps": KEPT[:-1]},
        {"m": 8, "keys": many(15)},
        {"signatures": SIGNATURES[:1]},
        {"signatures": SIGNATURES[:-1]},
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_recovery_within_its_bounds_is_read(changed: dict[str, object]) -> None:
    assert parse(recovering(**changed)).genesis is not None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"n": NUMBER_MAX + 1}, "a recovery statement's numbers"),
        ({"on": many(DEPS_MAX + 1)}, "a recovery statement's numbers"),
        ({"keeps": KEPT}, "a recovery statement's numbers"),
        ({"keeps": (Dep(LOG, -1, LOG),)}, "a dep's seq"),
        ({"m": 0, "keys": ()}, "its recovery keys"),
        ({"signatures": ()}, "a recovery without signatures"),
        ({"signatures": SIGNATURES}, "a recovery without signatures"),
        ({"signatures": (Signature(some("r", 31), some("s", 64)),)}, "a field that must be 32 bytes"),
        ({"signatures": (Signature(some("r"), some("s", 63)),)}, "a field that must be 64 bytes"),
        ({"space": LOG}, "a recovery statement for another log"),
        ({"key": LOG}, "a recovery statement for another log"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_recovery_out_of_its_bounds_is_not(changed: dict[str, object], why: str) -> None:
    assert reason(recovering(**changed)) == why


def test_a_personal_space_too_sets_recovery_keys_when_it_recovers() -> None:
    """Only its founding entry may do without."""
    data = recovering(m=0, keys=()).replace(b'"org"', b'"personal"')
    assert reason(data) == "its recovery keys"


@pytest.mark.parametrize("which", ["continues", "recovers"])
def test_a_founding_entry_neither_continues_nor_recovers(which: str) -> None:
    recovers = parse(recovering()).genesis
    assert recovers is not None
    given = {"continues": Continues(LOG, some("s", 64)), "recovers": recovers.recovers}[which]
    data = entry.encode(ZERO_LOG, 0, 1, ZERO_ID, msgspec.structs.replace(FOUNDING, **{which: given}))
    assert reason(data) == "a founding entry that continues or recovers"


def test_recovery_keys_are_named_by_their_distinct_keys() -> None:
    for needed, keys in ((1, many(1)), (2, many(3)), (8, many(15))):
        genesis = msgspec.structs.replace(FOUNDING, recovery=RecoveryKeys(needed, keys))
        assert parse(entry.encode(ZERO_LOG, 0, 1, ZERO_ID, genesis)).genesis == genesis
