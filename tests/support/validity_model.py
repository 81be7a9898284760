"""The rules of validity as sentences, without steps: what it means for an answer to be consistent.

Written from DESIGN 3 and docs/adr/0002, and sharing no code with the evaluator (only the records and event shapes).
An *answer* says valid or void for every entry. It is consistent if each entry is valid in it exactly when every
sentence about that entry holds in it. The model finds all consistent answers by trying all answers; slow and plain.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from scmanager.domain.governance import (
    Continued,
    DeviceCut,
    Enrolled,
    Erased,
    Granted,
    Removed,
    continuation_message,
)
from scmanager.domain.records import Fact
from tests.support.founder_model import Check, FounderModel, once

Answer = Mapping[bytes, bool]

WITH_A_RULE = {event.tag: event for event in (Granted, Enrolled, Continued, DeviceCut, Removed, Erased)}


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


class Model(FounderModel):
    """All sentences together."""

    def __init__(self, space: bytes, facts: list[Fact], check: Check, rights: Mapping[str, str | None]) -> None:
        super().__init__(space, facts, check)
        self.rights = rights
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
            and not (power.entry.seq == 0 and self.recovery_voids(entry, power.entry.id))
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
                    and event.member[:2] != b"\xff\xff"
                    and self.member_is_free(entry, event, author, answer)
                )
            case Enrolled():
                return self.introduces(entry) == event.log
            case Continued():
                return entry.seq == 1 and self.device_continues(entry)
            case Erased():
                return event.subject != self.prose and (event.subject == author.member or author.rank <= 1)
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
