"""The rules of validity as sentences, without steps: what it means for an answer to be consistent.

Written from DESIGN 3 and docs/adr/0002, and sharing no code with the evaluator (only the records and event shapes).
An *answer* says valid or void for every entry. It is consistent if each entry is valid in it exactly when every
sentence about that entry holds in it. The model finds all consistent answers by trying all answers; slow and plain.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from itertools import product
from typing import NamedTuple

from scmanager.domain.governance import (
    Continued,
    DeviceCut,
    Enrolled,
    Erased,
    Granted,
    Kept,
    Removed,
    continuation_message,
    succession_message,
)
from scmanager.domain.records import Fact, Statement

Answer = Mapping[bytes, bool]
Check = Callable[[bytes, bytes, bytes], bool]

WITH_A_RULE = {event.tag: event for event in (Granted, Enrolled, Continued, DeviceCut, Removed, Erased)}


def once(method: Callable[..., bool]) -> Callable[..., bool]:
    """Remember what does not depend on the answer."""

    @wraps(method)
    def remembered(self: "Model", fact: Fact, *rest: bytes) -> bool:
        key = (method.__name__, fact.id, *rest)
        if key not in self.settled:
            self.settled[key] = method(self, fact, *rest)
        return self.settled[key]

    return remembered


class Power(NamedTuple):
    """A grant, whether or not the answer has it valid."""

    entry: Fact
    member: bytes
    rank: int
    rights: tuple[str, ...]
    log: bytes
    device: bytes
    written_at: int
    overrides: tuple[bytes, ...]
    keeps: tuple[bytes, ...]


class Model:
    def __init__(self, space: bytes, facts: list[Fact], check: Check, rights: Mapping[str, str | None]) -> None:
        self.space, self.check, self.rights = space, check, rights
        self.founder = space[:16]
        self.settled: dict[tuple[object, ...], bool] = {}
        self.everything = facts
        self.zero = {fact.log: fact for fact in facts if fact.seq == 0}
        counted = self.counted_logs()
        self.entries = [fact for fact in facts if fact.log in counted]
        self.by_id = {fact.id: fact for fact in self.entries}
        self.pasts: dict[bytes, set[bytes]] = {}
        self.level_cache: dict[bytes, tuple[dict[bytes, int], dict[bytes, int]]] = {}

    # -- all answers ----

    def answers(self) -> Iterator[dict[bytes, bool]]:
        """Every consistent answer. Entries 0 do not depend on other verdicts and are settled first."""
        settled = {fact.id: self.holds(fact, {}) for fact in self.entries if fact.seq == 0}
        open_entries = [fact for fact in self.entries if fact.seq > 0]
        for values in product((True, False), repeat=len(open_entries)):
            answer = settled | {fact.id: value for fact, value in zip(open_entries, values, strict=True)}
            if self.consistent(answer):
                yield answer

    def consistent(self, answer: Answer) -> bool:
        self.level_cache = {}
        return all(self.holds(fact, answer) == answer[fact.id] for fact in self.entries)

    def holds(self, entry: Fact, answer: Answer) -> bool:
        """Whether every sentence about this entry holds, if the others are as the answer says."""
        if entry.seq == 0:
            genesis = entry.genesis
            return entry.log == self.space or genesis.statement is None or self.stands(entry)
        return (
            not entry.malformed
            and (power := self.power(entry.by, answer)) is not None
            and entry.log in self.levels(power, answer)[0]
            and self.right_stands(entry, power)
            and self.own_rule_holds(entry, power, answer)
            and not self.cut_by_recovery(entry, power)
            and not any(self.removes(other, entry, power, answer) for other in self.entries)
            and not any(self.cuts_own(other, entry, power, answer) for other in self.entries)
        )

    # -- rules 2, 3, 4 ----

    def power(self, grant: bytes, answer: Answer) -> Power | None:
        """The valid grant of this id."""
        entry = self.by_id.get(grant)
        if entry is None or not answer.get(entry.id, entry.seq == 0 and self.holds(entry, answer)):
            return None
        if entry.log == self.space and entry.seq == 0:
            device = entry.genesis.device or entry.genesis.key
            return Power(entry, self.founder, 0, ("*",), entry.log, device, -1, (), ())
        if entry.seq == 0 and entry.genesis.statement is not None:
            device = entry.genesis.statement.statement.device
            return Power(entry, self.founder, 0, ("*",), entry.log, device, -1, (), ())
        event = entry.event
        if entry.type != Granted.tag or not isinstance(event, Granted):
            return None
        author = self.power(entry.by, answer)
        written_at = author.rank if author else -1
        return Power(
            entry, event.member, event.rank, event.rights, event.log, event.device, written_at, event.overrides,
            event.keeps,
        )  # fmt: skip

    def right_stands(self, entry: Fact, power: Power) -> bool:
        if entry.type not in self.rights:
            return False
        right = self.rights[entry.type]
        return right is None or right in power.rights or "*" in power.rights

    def own_rule_holds(self, entry: Fact, author: Power, answer: Answer) -> bool:
        event = entry.event
        if entry.type in WITH_A_RULE and not isinstance(event, WITH_A_RULE[entry.type]):
            return False
        match event if entry.type in WITH_A_RULE else None:
            case Granted():
                return (
                    self.introduces(entry) == event.log
                    and event.rank > author.rank
                    and ("*" in author.rights or set(event.rights) <= set(author.rights))
                    and event.member != self.founder
                    and self.member_is_free(entry, event, author, answer)
                )
            case Enrolled():
                return self.introduces(entry) == event.log
            case Continued():
                return entry.seq == 1 and self.device_continues(entry)
            case Erased():
                return event.subject == author.member or author.rank <= 1
            case _:
                return True

    def member_is_free(self, entry: Fact, event: Granted, author: Power, answer: Answer) -> bool:
        """No valid grant to this id was written above, or one of those keeps this one."""
        above = [
            power
            for other in self.entries
            if other.type == Granted.tag
            and isinstance(other.event, Granted)
            and other.event.member == event.member
            and (power := self.power(other.id, answer)) is not None
            and power.written_at < author.rank
        ]
        return not above or any(entry.id in power.keeps for power in above)

    def introduces(self, entry: Fact) -> bytes | None:
        zeros = [log for log, seq, _ in entry.deps if seq == 0]
        return zeros[0] if len(zeros) == 1 else None

    # -- rule 5 ----

    def levels(self, power: Power, answer: Answer) -> tuple[dict[bytes, int], dict[bytes, int]]:
        """The smallest levels of logs and of keys that the sentences of rule 5 allow."""
        if power.entry.id in self.level_cache:
            return self.level_cache[power.entry.id]
        logs, keys = {power.log: 0}, {power.device: 0}

        def lower(table: dict[bytes, int], name: bytes, level: int) -> bool:
            if level >= table.get(name, 1 << 30):
                return False
            table[name] = level
            return True

        changed = True
        while changed:
            changed = False
            for entry in self.entries:
                if self.device_continues(entry) and entry.event.device in keys:
                    changed |= lower(logs, entry.log, keys[entry.event.device])
                if self.enrols(entry, power, answer) and entry.log in logs:
                    changed |= lower(logs, entry.event.log, logs[entry.log] + 1)
                    changed |= lower(keys, entry.event.device, logs[entry.log] + 1)
        self.level_cache[power.entry.id] = (logs, keys)
        return logs, keys

    def enrols(self, entry: Fact, power: Power, answer: Answer) -> bool:
        named = entry.type == Enrolled.tag and isinstance(entry.event, Enrolled)
        return named and entry.by == power.entry.id and answer.get(entry.id, False)

    @once
    def device_continues(self, entry: Fact) -> bool:
        event = entry.event
        return (
            entry.seq == 1
            and not entry.malformed
            and entry.type == Continued.tag
            and isinstance(event, Continued)
            and self.log_continues(entry.log)
            and self.check(event.device, continuation_message(self.space, entry.log), event.signature)
        )

    def device_has(self, device: bytes, log: bytes, power: Power, answer: Answer) -> bool:
        """Whether this log got its level through this key."""
        logs, keys = self.levels(power, answer)
        if log == power.log:
            return device == power.device
        return any(
            (self.device_continues(entry) and entry.log == log and entry.event.device == device
             and keys.get(device) == logs[log])
            or (self.enrols(entry, power, answer) and entry.log in logs and entry.event.log == log
                and entry.event.device == device and logs[entry.log] + 1 == logs[log])
            for entry in self.entries
        )  # fmt: skip

    # -- rules 6, 7, 8 ----

    def cuts_own(self, cut: Fact, entry: Fact, power: Power, answer: Answer) -> bool:
        event = cut.event
        if cut.type != DeviceCut.tag or not isinstance(event, DeviceCut) or not answer[cut.id]:
            return False
        logs, _ = self.levels(power, answer)
        return (
            cut.by == power.entry.id
            and cut.log in logs
            and entry.log in logs
            and logs[cut.log] < logs[entry.log]
            and self.device_has(event.device, entry.log, power, answer)
            and not self.keeps(event.logs, entry)
            and not any(self.spares(above, cut, entry, power, answer) for above in self.entries)
        )

    def spares(self, above: Fact, cut: Fact, entry: Fact, power: Power, answer: Answer) -> bool:
        past = self.past(above)
        return (
            entry.id in past
            and cut.id not in past
            and above.seq > 0
            and answer[above.id]
            and (author := self.power(above.by, answer)) is not None
            and author.rank < power.rank
        )

    def removes(self, removal: Fact, entry: Fact, power: Power, answer: Answer) -> bool:
        event = removal.event
        if removal.type != Removed.tag or not isinstance(event, Removed) or not answer[removal.id]:
            return False
        author = self.power(removal.by, answer)
        return (
            author is not None
            and event.grant in (power.entry.id, power.member)
            and power.rank > author.rank
            and power.member != author.member
            and not (removal.id in power.overrides and power.written_at <= author.rank)
            and not self.keeps(event.logs, entry)
        )

    def keeps(self, rows: tuple[Kept, ...], entry: Fact) -> bool:
        for row in rows:
            head = self.by_id.get(row.head)
            held = head is not None and (head.log, head.seq) == (row.log, row.seq)
            if held and entry.id in self.chain(head):
                return True
            if not held and entry.log == row.log and entry.seq <= row.seq:
                return True
        return False

    def chain(self, head: Fact) -> set[bytes]:
        return {head.id} if head.seq == 0 else {head.id} | self.chain(self.by_id[head.prev])

    def past(self, entry: Fact) -> set[bytes]:
        """Reached by prev and deps, whatever the verdicts between; through entries that are held and counted."""
        if entry.id not in self.pasts:
            steps = [entry.prev, *(head for _, _, head in entry.deps)]
            found: set[bytes] = set()
            for step in steps:
                if step in self.by_id:
                    found |= {step} | self.past(self.by_id[step])
            self.pasts[entry.id] = found
        return self.pasts[entry.id]

    # -- rule 11 ----

    @once
    def stands(self, carrier: Fact) -> bool:
        """Its base stands, that one's keys signed it, and it lists every other statement of which that is true."""
        statement = carrier.genesis.statement.statement
        for base in statement.on:
            if self.base_stands(base) and self.proven_over(carrier, base):
                others = {rival.hash for rival in self.built_on(base)} - {statement.hash}
                if others <= set(statement.on):
                    return True
        return False

    def base_stands(self, base: bytes) -> bool:
        carriers = self.carriers(base)
        return base == self.space or any(self.stands(carrier) for carrier in carriers)

    def built_on(self, base: bytes) -> list[Statement]:
        return [
            fact.genesis.statement.statement
            for fact in self.zero.values()
            if self.proven_over(fact, base)
        ]  # fmt: skip

    def carriers(self, name: bytes) -> list[Fact]:
        return [
            fact
            for fact in self.zero.values()
            if fact.genesis.statement is not None and fact.genesis.statement.statement.hash == name
        ]

    @once
    def proven(self, carrier: Fact) -> bool:
        signed = carrier.genesis.statement
        return signed is not None and any(self.proven_over(carrier, base) for base in signed.statement.on)

    @once
    def proven_over(self, carrier: Fact, base: bytes) -> bool:
        signed = carrier.genesis.statement
        if signed is None or carrier.log == self.space or carrier.genesis.space != self.space:
            return False
        statement = signed.statement
        if base == self.space:
            recovery = self.zero[self.space].genesis.recovery
            number, m, keys = 0, (recovery.m if recovery else 0), (recovery.keys if recovery else ())
        else:
            bases = [fact for fact in self.carriers(base) if self.proven(fact)]
            if not bases:
                return False
            below = bases[0].genesis.statement.statement
            number, m, keys = below.n, below.m, below.keys
        signers = {k for k, signature in signed.signatures if self.check(k, statement.message, signature)} & set(keys)
        return (
            statement.space == self.space
            and statement.key == carrier.genesis.key
            and base in statement.on
            and statement.n == number + 1
            and m > 0
            and self.sound(m, keys)
            and self.sound(statement.m, statement.keys)
            and len(signers) >= m
        )

    def sound(self, m: int, keys: tuple[bytes, ...]) -> bool:
        return (m == 0 and not keys) or (len(set(keys)) == len(keys) and 0 < m <= len(keys) and 2 * m > len(keys))

    def cut_by_recovery(self, entry: Fact, power: Power) -> bool:
        """A recovery that stands above this rank 0 grant does not keep the entry, or those that block do not."""
        return power.entry.seq == 0 and self.recovery_voids(entry, power.entry.id)

    @once
    def recovery_voids(self, entry: Fact, grant: bytes) -> bool:
        own = self.by_id[grant].genesis.statement
        own_n = own.statement.n if own else 0
        standing = {
            signed.statement.hash: signed.statement
            for fact in self.zero.values()
            if (signed := fact.genesis.statement) is not None and self.proven(fact) and self.stands(fact)
        }
        for statement in standing.values():
            if statement.n > own_n and not self.keeps(statement.keeps, entry):
                return True
        last = max(standing.values(), key=lambda statement: statement.n, default=None)
        rivals = self.built_on(last.hash if last else self.space)
        return bool(rivals) and not any(self.keeps(rival.keeps, entry) for rival in rivals)

    # -- the frontier ----

    def counted_logs(self) -> set[bytes]:
        logs: set[bytes] = set()
        while more := {log for log in self.zero if log not in logs and self.counts(log, logs)}:
            logs |= more
        self.logs = logs
        return logs

    def counts(self, log: bytes, counted: set[bytes]) -> bool:
        genesis = self.zero[log].genesis
        if log == self.space:
            return genesis.space == b""
        if self.space not in self.zero or genesis.space != self.space:
            return False
        introduced = any(fact.log in counted and self.introduces(fact) == log for fact in self.everything)
        return introduced or self.proven(self.zero[log]) or self.signed_by_old(log, counted)

    def signed_by_old(self, log: bytes, counted: set[bytes]) -> bool:
        genesis = self.zero[log].genesis
        if genesis.continues is None or genesis.continues[0] not in counted:
            return False
        old, signature = genesis.continues
        return self.check(self.zero[old].genesis.key, succession_message(self.space, old, genesis.key), signature)

    def log_continues(self, log: bytes) -> bool:
        return self.signed_by_old(log, self.logs)
