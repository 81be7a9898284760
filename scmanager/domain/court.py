"""The court: the verdicts of a growing set, without judging it anew for every note.

An ordinary entry at the end of its log cannot change another's verdict, unless it is a witness against an own cut
or was already named by others: then, and for everything that governs, the whole set is judged again and compared.
At every moment the answer equals `judge` over all that was admitted.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from operator import attrgetter

from scmanager.domain.event import Id32
from scmanager.domain.frontier import frontier_of
from scmanager.domain.governance import RIGHTS, DeviceCut, Kept, Removed
from scmanager.domain.past import follows, heads, parents
from scmanager.domain.records import Check, Fact, Reason, Verdict, Verdicts
from scmanager.domain.standing import Bench
from scmanager.domain.validity import DECIDING, Evaluation
from scmanager.domain.witness import joined, spread


class Court:
    """Admits facts and says which verdicts changed."""

    def __init__(
        self, space: Id32, check: Check, rights: Mapping[str, str | None] = RIGHTS, facts: Iterable[Fact] = ()
    ) -> None:
        self._space = space
        self._rights = rights
        self._check = _Remembered(check)
        self._facts: dict[Id32, Fact] = {fact.id: fact for fact in facts}
        self.judged = 0
        """How often the whole set was judged: what a benchmark watches."""
        self._evaluate()

    @property
    def verdicts(self) -> Verdicts:
        """The answer for all that was admitted. `entries` is live: copy it to keep it."""
        return self._verdicts

    def frontier(self) -> bytes:
        """The frontier of what was admitted, from the branch heads that are kept at hand."""
        logs = self._evaluation.counted.logs
        return frontier_of(self._space, (top for head in self._heads if (top := self._facts[head]).log in logs))

    def foresee(self, fact: Fact) -> Verdict | None:
        """What a further entry of a known type would be judged now, without admitting it.

        None where that cannot be said: its grant or its log is not known here yet.
        """
        bench = self._evaluation.benches.get(fact.by)
        if bench is None or fact.log not in bench.levels:
            return None
        return self._evaluation.decide(fact, bench)

    def judge_next(self, fact: Fact) -> Verdict:
        """The verdict of a further entry that governs nothing, at the end of its log, without admitting it."""
        evaluation = self._evaluation
        bench = evaluation.benches.get(fact.by)
        counted = fact.log in evaluation.counted.logs
        if not counted or fact.malformed or bench is None or fact.log not in bench.levels:
            return evaluation.without_standing(fact)
        return evaluation.decide(fact, bench)

    def facts(self) -> Iterable[Fact]:
        """All admitted facts, in the order of their arrival."""
        return self._facts.values()

    def fact(self, entry: Id32) -> Fact | None:
        """An admitted fact."""
        return self._facts.get(entry)

    def admit(self, facts: Iterable[Fact]) -> dict[Id32, Verdict]:
        """Take further facts, in any order, known ones too. Returns each verdict that is new or has changed."""
        held, append = self._facts, self._append
        fresh = {fact.id: fact for fact in facts if fact.id not in held}
        held.update(fresh)
        changed: dict[Id32, Verdict] = {}
        for fact in sorted(fresh.values(), key=attrgetter("seq")):
            verdict = append(fact)
            if verdict is None:
                return self._judge_anew(changed)
            changed[fact.id] = verdict
        return changed

    def _judge_anew(self, told: dict[Id32, Verdict]) -> dict[Id32, Verdict]:
        before = {entry: verdict for entry, verdict in self._evaluation.entries.items() if entry not in told}
        self._evaluate()
        return {entry: verdict for entry, verdict in self._evaluation.entries.items() if before.get(entry) != verdict}

    def _evaluate(self) -> None:
        evaluation = Evaluation(self._space, self._facts.values(), self._check, self._rights)
        self._evaluation = evaluation
        self.judged += 1
        self._verdicts = evaluation.verdicts()
        self._heads = {fact.id for fact in heads(evaluation.facts)}
        judged = evaluation.entries
        self._awaited = {head for fact in evaluation.facts for _, _, head in fact.deps if head not in judged}
        self._missing = {fact.prev for fact in self._facts.values() if fact.id not in judged}
        self._listed = {row.head for fact in evaluation.facts for row in _rows(fact)}
        self._ruling = _Ruling(evaluation)

    def _append(self, fact: Fact) -> Verdict | None:
        """The verdict of an entry that changes no other; None if it might."""
        if not self._is_plain(fact):
            return None
        evaluation = self._evaluation
        bench = evaluation.benches.get(fact.by)
        counted = fact.log in evaluation.counted.logs
        verdict = self.judge_next(fact)
        if verdict.valid and bench is not None and self._ruling.is_witness(fact, bench.grant.rank):
            return None
        evaluation.entries[fact.id] = verdict
        self._heads.discard(fact.prev)
        self._heads.add(fact.id)
        if fact.deps:
            self._awaited.update(head for _, _, head in fact.deps if head not in evaluation.entries)
        if counted:
            self._ruling.follow(fact, verdict, bench)
        if fact.id in evaluation.unknown_governance:
            self._verdicts = evaluation.verdicts()
        return verdict

    def _is_plain(self, fact: Fact) -> bool:
        """Whether it goes on at the end of a held branch, governs nothing and was not spoken of before."""
        before = self._facts.get(fact.prev)
        return (
            fact.prev in self._heads
            and follows(fact, before)
            and fact.type not in DECIDING
            and not (fact.deps and any(seq == 0 for _, seq, _ in fact.deps))
            and fact.id not in self._listed
            and fact.id not in self._missing
            and not (self._ruling.cuts and fact.id in self._awaited)
        )


class _Ruling:
    """The own cuts that reach something, and which ordinary entries may change what falls by them."""

    def __init__(self, evaluation: Evaluation) -> None:
        benches = [bench for bench in evaluation.benches.values() if bench.own_cuts and bench.grant.rank > 0]
        self.cuts = bool(benches)
        self._numbers: dict[Id32, int] = {}
        self._known: dict[Id32, int] = {}
        """The own cuts in an entry's past, as masks."""
        self._fallen: dict[Id32, int] = {}
        """The cuts by which something in its past fell, of which it does not know."""
        self._ranks = sorted({bench.grant.rank for bench in benches})
        self._below: list[int] = [0] * len(self._ranks)
        """The cuts said at each of these ranks or further down."""
        if benches:
            self._numbers = {fact.id: number for number, fact in enumerate(evaluation.device_cuts)}
            self._known = evaluation.known()
            fallen = {entry: 1 << self._numbers[own] for bench in benches for entry, own in bench.disowned.items()}
            self._fallen = spread(evaluation.held, fallen, self._known)
            for bench in benches:
                at = bisect_left(self._ranks, bench.grant.rank)
                for reach in bench.own_cuts.values():
                    self._below[at] |= reach
            for at in reversed(range(len(self._ranks) - 1)):
                self._below[at] |= self._below[at + 1]

    def is_witness(self, fact: Fact, rank: int) -> bool:
        """Whether a valid entry builds on what an own cut from below voids, and not on the cut (rule 6)."""
        if not self.cuts or not (fallen := joined(self._fallen, parents(fact))):
            return False
        at = bisect_right(self._ranks, rank)
        below = self._below[at] if at < len(self._ranks) else 0
        return bool(fallen & below & ~joined(self._known, parents(fact)))

    def follow(self, fact: Fact, verdict: Verdict, bench: Bench | None) -> None:
        """Enter what it has in its past, and whether it fell itself."""
        if not self.cuts:
            return
        named = parents(fact)
        known, fallen = joined(self._known, named), joined(self._fallen, named)
        if verdict.reason is Reason.DEVICE_CUT and bench is not None and bench.grant.rank > 0:
            fallen |= 1 << self._numbers[verdict.cause]
        if known:
            self._known[fact.id] = known
        if fallen := fallen & ~known:
            self._fallen[fact.id] = fallen


def _rows(fact: Fact) -> tuple[Kept, ...]:
    if isinstance(fact.event, DeviceCut | Removed):
        return fact.event.logs
    if fact.genesis is not None and fact.genesis.statement is not None:
        return fact.genesis.statement.statement.keeps
    return ()


class _Remembered:
    """Signatures are checked once, not at every judgement."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._known: dict[tuple[bytes, bytes, bytes], bool] = {}

    def __call__(self, public: bytes, message: bytes, signature: bytes) -> bool:
        case = (public, message, signature)
        if case not in self._known:
            self._known[case] = self._check(public, message, signature)
        return self._known[case]
