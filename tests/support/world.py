"""A small world to write validity scenarios in: keys by name, logs, entries; real hashes and real signatures."""

import hashlib
from functools import cache

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from scmanager.domain.event import Event
from scmanager.domain.governance import (
    RIGHTS,
    Continued,
    DeviceCut,
    Enrolled,
    Granted,
    Kept,
    Removed,
    continuation_message,
    succession_message,
)
from scmanager.domain.records import ZERO, Dep, Fact, Genesis, Keys, Reason, Signed, Statement, Verdict, Verdicts
from scmanager.domain.validity import judge

NOTE = "note.written/1"
TABLE: dict[str, str | None] = {**RIGHTS, NOTE: "note.write"}
OFFICER = ("member.grant", "member.remove", "note.write")


def member_id(name: str) -> bytes:
    return hashlib.sha3_256(b"member " + name.encode()).digest()[:16]


@cache
def key(name: str) -> SigningKey:
    return SigningKey(hashlib.sha3_256(b"key " + name.encode()).digest())


@cache
def public(name: str) -> bytes:
    return bytes(key(name).verify_key)


@cache
def sign(name: str, message: bytes) -> bytes:
    return key(name).sign(message).signature


@cache
def check(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(public_key).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def dep(fact: Fact) -> Dep:
    return (fact.log, fact.seq, fact.id)


def kept(*heads: Fact) -> tuple[Kept, ...]:
    return tuple(Kept(head.log, head.seq, head.id) for head in heads)


class Log:
    """One log by name; `last` is where the next entry goes unless told otherwise."""

    def __init__(self, name: str, genesis: Fact) -> None:
        self.name = name
        self.genesis = genesis
        self.id = genesis.log
        self.last = genesis


class Member:
    """Somebody with a grant and its first log."""

    def __init__(self, name: str, grant: Fact, log: Log) -> None:
        self.name = name
        self.grant = grant
        self.log = log


class World:
    """All entries ever written here; a test judges them all or some."""

    def __init__(self, m: int = 0, recovery_keys: tuple[str, ...] = (), name: str = "org", clock: int = 0) -> None:
        self.facts: list[Fact] = []
        self._clock = clock
        self._salt = 0
        self._name = name
        keys = Keys(m, tuple(public(k) for k in recovery_keys))
        genesis = Genesis(
            space=b"", kind="org", key=public(f"{name} log"), recovery=keys, device=public("founder device")
        )
        entry = self._enter(b"", 0, ZERO, genesis=genesis)
        self.space = entry.log
        self.founder = Member("founder", entry, Log(f"{name} log", entry))
        self.founder_id = self.space[:16]

    def log(
        self, name: str, continues: Log | None = None, statement: Signed | None = None, signer: str | None = None
    ) -> Log:
        """A fresh log's entry 0. Its key is named after it."""
        named = None
        if continues is not None:
            message = succession_message(self.space, continues.id, public(name))
            named = (continues.id, sign(signer or continues.name, message))
        genesis = Genesis(space=self.space, kind="org", key=public(name), continues=named, statement=statement)
        return Log(name, self._enter(b"", 0, ZERO, genesis=genesis))

    def write(
        self,
        log: Log,
        by: Fact,
        event: Event | None = None,
        *deps: Fact,
        type: str = "",  # noqa: A002
        after: Fact | None = None,
        raw_deps: tuple[Dep, ...] = (),
        malformed: bool = False,
    ) -> Fact:
        """The next entry of a log (or one more after an earlier entry: a fork). Without an event, a note."""
        before = after or log.last
        tag = type or (event.tag if event is not None else NOTE)
        named = (*(dep(fact) for fact in deps), *raw_deps)
        fact = self._enter(log.id, before.seq + 1, before.id, deps=named, by=by.id, type=tag, event=event)
        if malformed:
            self.facts[-1] = fact = msgspec.structs.replace(fact, malformed=True)
        log.last = fact
        return fact

    def note(self, who: Member, *deps: Fact, after: Fact | None = None) -> Fact:
        return self.write(who.log, who.grant, None, *deps, after=after)

    def grant(
        self,
        author: Member,
        name: str,
        rank: int,
        *,
        member: bytes | None = None,
        log: Log | None = None,
        rights: tuple[str, ...] = OFFICER,
        overrides: tuple[Fact, ...] = (),
        keeps: tuple[Fact, ...] = (),
        after: Fact | None = None,
        deps: tuple[Fact, ...] = (),
    ) -> Member:
        """Grant a rank to somebody, on a log of his (a fresh one unless given)."""
        log = log or self.log(f"{name} log {self._salt}")
        event = Granted(
            member=member or member_id(name),
            log=log.id,
            device=public(f"{name} device"),
            box=public(f"{name} box"),
            rank=rank,
            rights=rights,
            overrides=tuple(fact.id for fact in overrides),
            keeps=tuple(fact.id for fact in keeps),
        )
        entry = self.write(author.log, author.grant, event, log.genesis, *deps, after=after)
        return Member(name, entry, log)

    def enrol(self, author: Member, device: str, log: Log | None = None, on: Log | None = None) -> Member:
        """Enrol a further device of the same member, from his first log or `on` another."""
        log = log or self.log(f"{device} log {self._salt}")
        event = Enrolled(log=log.id, device=public(device), box=public(f"{device} box"))
        self.write(on or author.log, author.grant, event, log.genesis)
        return Member(author.name, author.grant, log)

    def go_on(self, who: Member, device: str, name: str, continues: Log | None = None) -> Member:
        """Continue a log on a new one, signed by a device key."""
        log = self.log(name, continues=continues or who.log)
        self.write(log, who.grant, self.continued(log, device))
        return Member(who.name, who.grant, log)

    def continued(self, log: Log, device: str) -> Continued:
        signature = sign(device, continuation_message(self.space, log.id))
        return Continued(device=public(device), signature=signature)

    def remove(self, author: Member, target: bytes, *heads: Fact, deps: tuple[Fact, ...] = ()) -> Fact:
        return self.write(author.log, author.grant, Removed(grant=target, logs=kept(*heads)), *deps)

    def cut(self, author: Member, device: str, *heads: Fact, deps: tuple[Fact, ...] = ()) -> Fact:
        return self.write(author.log, author.grant, DeviceCut(device=public(device), logs=kept(*heads)), *deps)

    def statement(
        self,
        name: str,
        n: int,
        on: tuple[bytes, ...],
        keeps: tuple[Fact, ...] = (),
        m: int = 0,
        keys: tuple[str, ...] = (),
    ) -> Statement:
        return Statement(
            space=self.space,
            n=n,
            on=on,
            key=public(name),
            device=public(f"{name} device"),
            box=public(f"{name} box"),
            keeps=kept(*keeps),
            m=m,
            keys=tuple(public(k) for k in keys),
        )

    def recover(self, statement: Statement, name: str, signers: tuple[str, ...]) -> Member:
        """The founder's new log, with the statement in its entry 0."""
        signatures = tuple((public(signer), sign(signer, statement.message)) for signer in signers)
        log = self.log(name, statement=Signed(statement, signatures))
        return Member("founder", log.genesis, log)

    def judge(self, *without: Fact) -> Verdicts:
        """The verdicts over all entries but these."""
        missing = {fact.id for fact in without}
        return judge(self.space, [fact for fact in self.facts if fact.id not in missing], check, TABLE)

    def _enter(
        self,
        log: bytes,
        seq: int,
        prev: bytes,
        *,
        deps: tuple[Dep, ...] = (),
        genesis: Genesis | None = None,
        by: bytes = ZERO,
        type: str = "",  # noqa: A002
        event: Event | None = None,
    ) -> Fact:
        self._salt += 1
        hlc = self._salt * self._clock % 1_000_003  # It is in the bytes, so in the ids, and nowhere else.
        body = msgspec.json.encode([self._name, self._salt, hlc, log, seq, prev, deps, genesis, by, type, event])
        log = log or hashlib.sha3_256(b"scm/log/1\n" + body).digest()
        entry_id = hashlib.sha3_512(body).digest()[:32]
        fact = Fact(
            id=entry_id, log=log, seq=seq, prev=prev, deps=deps, genesis=genesis, by=by, type=type, event=event
        )
        self.facts.append(fact)
        return fact


def stand(verdicts: Verdicts, *facts: Fact) -> None:
    """All of these count."""
    for fact in facts:
        assert verdicts.entries[fact.id] == Verdict(valid=True), (fact.type, verdicts.entries[fact.id])


def falls(verdicts: Verdicts, fact: Fact, reason: Reason, cause: Fact | None = None) -> None:
    """This is void, for this reason and because of this entry."""
    verdict = verdicts.entries[fact.id]
    assert (verdict.valid, verdict.reason) == (False, reason), verdict
    if cause is not None:
        assert verdict.cause == cause.id
