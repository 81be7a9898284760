"""What the rules of validity read and what they answer. Plain records; nothing here decides anything.

`Clear` is what everybody sees of an entry, a mirror without keys too. `Fact` adds what part 0 says.
Authenticity (signatures of notes, hashes) is settled before: these records repeat it, they do not prove it.
"""

import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from scmanager.domain.event import Event, Id, Id32
from scmanager.domain.governance import Kept

Check = Callable[[bytes, bytes, bytes], bool]
"""check(public key, message, signature): whether it verifies. The domain does no cryptography but hashing."""

Dep = tuple[Id32, int, Id32]
"""A head of another log: (log, seq, id32)."""

ZERO = bytes(32)


class Keys(msgspec.Struct, frozen=True):
    """The keys of which `m` together may recover the space. m = 0 with no keys: nobody can."""

    m: int
    keys: tuple[bytes, ...]

    @property
    def sound(self) -> bool:
        """More than half of the keys are needed, so no two quorums can pass each other by; or there are none."""
        if self.m == 0:
            return not self.keys
        return len(set(self.keys)) == len(self.keys) and self.m <= len(self.keys) < 2 * self.m


class Statement(msgspec.Struct, frozen=True):
    """A recovery: the holders of the recovery keys name the founder's new log and what of the old ones counts."""

    space: Id32
    n: int
    """One more than the statement it builds on; the founding entry counts as 0."""
    on: tuple[Id32, ...]
    """The hash of the statement it builds on (the space id for the founding entry), then every rival it settles."""
    key: bytes
    """The public key of the founder's new log, in whose entry 0 this statement lies."""
    device: bytes
    box: bytes
    keeps: tuple[Kept, ...]
    m: int
    keys: tuple[bytes, ...]

    @property
    def message(self) -> bytes:
        """What the recovery keys sign."""
        return b"scm/recovery/1\n" + msgspec.json.encode(self)

    @property
    def hash(self) -> Id32:
        """Its name in later statements. Signatures are no part of it."""
        return hashlib.sha3_256(self.message).digest()


class Signed(msgspec.Struct, frozen=True):
    """A recovery statement and its signatures, as (recovery key, signature)."""

    statement: Statement
    signatures: tuple[tuple[bytes, bytes], ...]


class Genesis(msgspec.Struct, frozen=True):
    """What entry 0 says in clear."""

    space: Id32
    """Empty in the founding entry."""
    kind: str
    key: bytes
    """The log's public key."""
    continues: tuple[Id32, bytes] | None = None
    """The log it goes on for, and that log's signature (`governance.succession_message`)."""
    statement: Signed | None = None
    recovery: Keys | None = None
    """In the founding entry only."""
    device: bytes = b""
    """The founder's device identity, in the founding entry. Empty: the log's own key stands for it."""
    box: bytes = b""


class Clear(msgspec.Struct, frozen=True, gc=False):
    """What an entry shows to everybody."""

    id: Id32
    log: Id32
    seq: int
    prev: Id32
    """The id32 of the entry before; zeros at seq 0."""
    deps: tuple[Dep, ...] = ()
    genesis: Genesis | None = None
    """Exactly when seq is 0."""

    @property
    def new_log(self) -> Id32 | None:
        """The log that this entry introduces: its one dep on an entry 0. With several such deps, none."""
        logs = [log for log, seq, _ in self.deps if seq == 0]
        return logs[0] if len(logs) == 1 else None


class Fact(Clear, frozen=True, gc=False):
    """An entry and what its part 0 says. There is no clock in it: validity cannot depend on one."""

    by: Id32 = ZERO
    """The grant it acts by."""
    type: str = ""
    event: Event | None = None
    """The decoded payload of a governance type; None for others, and for one that does not decode."""
    malformed: bool = False


class Reason(StrEnum):
    """Why an entry is void. Codes are stable: they are shown by `scm why` and kept in golden files."""

    UNCOUNTED = "uncounted"
    MALFORMED = "malformed"
    UNKNOWN_GRANT = "unknown-grant"
    VOID_GRANT = "void-grant"
    FOREIGN_LOG = "foreign-log"
    RECOVERED = "cut-by-recovery"
    DISPUTED = "cut-by-disputed-recovery"
    REMOVED = "cut-by-removal"
    DEVICE_CUT = "cut-by-own-log"
    UNKNOWN_TYPE = "unknown-type"
    NO_RIGHT = "no-right"
    RANK = "rank-not-below-author"
    RIGHTS = "rights-beyond-author"
    NEW_LOG = "new-log-not-named"
    FOUNDER = "founder-is-never-granted"
    NO_MEMBER = "no-member-can-have-this-id"
    TAKEN = "member-belongs-higher"
    NOT_A_CONTINUATION = "not-a-continuation"
    MAY_NOT_ERASE = "may-not-erase"
    STATEMENT_UNPROVEN = "recovery-unproven"
    STATEMENT_DISPUTED = "recovery-disputed"
    STATEMENT_SETTLED = "recovery-settled-by-another"
    STATEMENT_BASELESS = "recovery-base-fell"


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Whether an entry counts. If not: why, and the entry that caused it (empty when it is its own fault)."""

    valid: bool
    reason: Reason | None = None
    cause: Id32 = b""


VALID = Verdict(valid=True)


def void(reason: Reason, cause: Id32 = b"") -> Verdict:
    """A verdict against an entry."""
    return Verdict(valid=False, reason=reason, cause=cause)


class Grant(msgspec.Struct, frozen=True):
    """A valid grant: the founding entry, a standing recovery, or a valid `member.granted/1`."""

    id: Id32
    member: Id
    rank: int
    rights: frozenset[str]
    log: Id32
    device: bytes
    box: bytes
    role: Id = b""
    written_at: int = -1
    """The rank of the grant its author acted by; -1 for the founding entry and recoveries."""
    overrides: tuple[Id32, ...] = ()
    keeps: tuple[Id32, ...] = ()
    generation: int = 0
    """Of the rank 0 grants: 0 the founding entry, then one for each recovery that stands."""


class Standing(msgspec.Struct, frozen=True):
    """A valid grant with what belongs to it and what cuts it."""

    grant: Grant
    levels: Mapping[Id32, int]
    """Its logs; level 0 are the first log and its continuations."""
    devices: Mapping[bytes, int]
    """Its device keys, by the smallest level."""
    cuts: tuple[Id32, ...] = ()
    """The removals and recoveries that limit it to the rows they keep."""
    disowned: tuple[Id32, ...] = ()
    """Its logs that an own cut reaches: of lost devices."""

    def speaks(self, log: Id32) -> bool:
        """Whether something new in this log counts, as far as cuts go."""
        return not self.cuts and log in self.levels and log not in self.disowned

    @property
    def ended(self) -> bool:
        """Whether somebody above ended it: nothing new that is written by it will count."""
        return bool(self.cuts)


class Verdicts(msgspec.Struct, frozen=True):
    """The answer for one set of entries."""

    space: Id32
    entries: Mapping[Id32, Verdict]
    grants: Mapping[Id32, Standing]
    """By grant id."""
    counted: frozenset[Id32]
    """The logs that belong to the space's frontier."""
    disputed: tuple[Id32, ...] = ()
    """The entries whose recovery statements block each other; empty unless a recovery is blocked."""
    build_on: tuple[int, tuple[Id32, ...]] = (1, ())
    """`n` and `on` for the next recovery statement."""
    unknown_governance: frozenset[Id32] = frozenset()
    """Entries that a later release may read as governance: while there are any, this release must not write."""

    def author(self, fact: Fact) -> tuple[Id, int] | None:
        """The member and rank an envelope shows for this valid entry; None if it is void or acts by no grant."""
        verdict = self.entries.get(fact.id)
        if verdict is None or not verdict.valid:
            return None
        standing = self.grants.get(fact.id if fact.seq == 0 else fact.by)
        return (standing.grant.member, standing.grant.rank) if standing else None
