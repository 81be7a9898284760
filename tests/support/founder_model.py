"""The sentences that depend on no other verdict: which logs count, who is the founder, what rows keep.

The lower half of the model in `validity_model`, which says what all this is for.
"""

from collections.abc import Callable
from functools import wraps

from scmanager.domain.governance import Kept, succession_message
from scmanager.domain.prose import prose_of
from scmanager.domain.records import Fact, Statement

Check = Callable[[bytes, bytes, bytes], bool]


def once(method: Callable[..., bool]) -> Callable[..., bool]:
    """Remember what does not depend on the answer."""

    @wraps(method)
    def remembered(self: "FounderModel", fact: Fact, *rest: bytes) -> bool:
        key = (method.__name__, fact.id, *rest)
        if key not in self.settled:
            self.settled[key] = method(self, fact, *rest)
        return self.settled[key]

    return remembered


class FounderModel:
    def __init__(self, space: bytes, facts: list[Fact], check: Check) -> None:
        self.space, self.check = space, check
        self.founder = space[:16]
        self.prose = prose_of(self.founder)
        self.settled: dict[tuple[object, ...], bool] = {}
        self.everything = facts
        self.zero = {fact.log: fact for fact in facts if fact.seq == 0}
        counted = self.counted_logs()
        self.entries = [fact for fact in facts if fact.log in counted]
        self.by_id = {fact.id: fact for fact in self.entries}

    # -- rule 8 ----

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

    @once
    def recovery_voids(self, entry: Fact, grant: bytes) -> bool:
        """A recovery that stands above this rank 0 grant does not keep the entry, or those that block do not."""
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
