"""Validity: which entries of a space count, as a function of the set that is held (DESIGN 3).

Never of arrival, order or clocks. One pass: recovery statements, then grants by rank, inside a grant its logs by
level. Each step reads only finished steps, so there is exactly one answer; a model that knows no steps, only the
sentences of the rules, agrees (tests/support/validity_model.py). Ambiguities that were settled: docs/adr/0002.
"""

from collections.abc import Iterable, Mapping
from itertools import takewhile

from scmanager.domain.event import Id, Id32
from scmanager.domain.frontier import counted
from scmanager.domain.governance import (
    EVERY_RIGHT,
    RIGHTS,
    Continued,
    DeviceCut,
    Enrolled,
    Erased,
    Granted,
    Kept,
    Removed,
    continuation_message,
    is_governance,
    may_erase,
)
from scmanager.domain.keeping import Keeping, lowest
from scmanager.domain.past import Held, contiguous
from scmanager.domain.prose import prose_of
from scmanager.domain.records import VALID, Check, Fact, Grant, Reason, Verdict, Verdicts, void
from scmanager.domain.recovery import succession
from scmanager.domain.standing import Bench, Cut, Cuts
from scmanager.domain.subject import is_nobodys
from scmanager.domain.witness import Witnesses, spread

DECIDING = {event.tag: event for event in (Granted, Enrolled, Continued, DeviceCut, Removed)}
"""The types that change the verdict of other entries."""

RULED = {**DECIDING, Erased.tag: Erased}
"""The types with a rule of their own."""


def judge(space: Id32, facts: Iterable[Fact], check: Check, rights: Mapping[str, str | None] = RIGHTS) -> Verdicts:
    """The verdict for every fact whose log is held back to entry 0. Facts of other spaces are uncounted."""
    return Evaluation(space, facts, check, rights).verdicts()


class Evaluation:
    """One judgement of one set. Afterwards it can still say what it would make of an ordinary further entry."""

    def __init__(self, space: Id32, facts: Iterable[Fact], check: Check, rights: Mapping[str, str | None]) -> None:
        self.space = space
        self.facts = contiguous(facts)
        self.benches: dict[Id32, Bench] = {}
        self.entries: dict[Id32, Verdict] = {}
        self.unknown_governance: set[Id32] = set()
        self._rights = rights
        self._founder = space[:16]
        self._prose = prose_of(self._founder)
        self.succession = succession(space, self.facts, check)
        self.counted = counted(space, self.facts, self.succession.proven, check)
        self.held = Held(fact for fact in self.facts if fact.log in self.counted.logs)
        self._acting: dict[Id32, dict[Id32, list[Fact]]] = {}
        self._granted: dict[Id, list[Grant]] = {}
        self._removals: dict[bytes, list[tuple[int, Id, Cut]]] = {}
        self._waiting: dict[int, list[Grant]] = {}
        self._above: list[Id32] = []
        """The valid entries that act at ranks above the one being judged, as far as no witness was asked for."""
        self._judged_valid: list[Id32] = []
        self._cuts: dict[tuple[Id32, ...], Cuts] = {}
        self._said: dict[Id32, list[tuple[int, Fact]]] | None = None
        self._known: dict[Id32, int] | None = None
        self._witnesses: Witnesses | None = None
        self._sort_facts()
        self.device_cuts = self._find_device_cuts()
        """The own cuts of all members, valid or not, in the order in which they are given as a reason."""
        self._continuations = self._find_continuations(check)
        self._judge_all()

    def verdicts(self) -> Verdicts:
        """The answer."""
        return Verdicts(
            space=self.space,
            entries=self.entries,
            grants={grant_id: bench.standing() for grant_id, bench in self.benches.items()},
            counted=self.counted.logs,
            disputed=tuple(sorted(claim.carrier.id for claim in self.succession.rivals)),
            build_on=self.succession.build_on,
            unknown_governance=frozenset(self.unknown_governance),
        )

    def decide(self, fact: Fact, bench: Bench) -> Verdict:
        """Rule 2 for a further entry of a log that belongs to this valid grant: nobody has built on it."""
        cut = bench.cuts.against(fact)
        if cut is not None:
            return void(cut.reason, cut.cause)
        reach = bench.own_cuts.get(fact.log)
        if reach and bench.own_keeping is not None:
            own = bench.own_keeping.first_against(fact.log, fact.seq, reach)
            if own is not None:
                return void(Reason.DEVICE_CUT, self.device_cuts[own].id)
        return self._uncut(fact, bench)

    def known(self) -> dict[Id32, int]:
        """The own cuts in each held entry's past, as masks; an entry that knows of none is not among them."""
        if self._known is None:
            self._known = spread(self.held, {cut.id: 1 << number for number, cut in enumerate(self.device_cuts)})
        return self._known

    def _uncut(self, fact: Fact, bench: Bench) -> Verdict:
        if fact.type not in self._rights:
            if is_governance(fact.type):
                self.unknown_governance.add(fact.id)
            return void(Reason.UNKNOWN_TYPE)
        right = self._rights[fact.type]
        rights = bench.grant.rights
        if right is not None and right not in rights and EVERY_RIGHT not in rights:
            return void(Reason.NO_RIGHT, bench.grant.id)
        if fact.type in RULED:
            return self._own_rule(fact, bench.grant)
        return VALID

    def without_standing(self, fact: Fact) -> Verdict:
        """For an entry whose grant is none, or is not its log's."""
        if fact.log not in self.counted.logs:
            return void(Reason.UNCOUNTED)
        if fact.malformed:
            return void(Reason.MALFORMED)
        if fact.by in self.benches:
            return void(Reason.FOREIGN_LOG, fact.by)
        named = self.held.by_id.get(fact.by)
        if named is not None and (named.type == Granted.tag or named.id in self.succession.verdicts):
            return void(Reason.VOID_GRANT, fact.by)
        return void(Reason.UNKNOWN_GRANT)

    # -- the pass ----

    def _find_device_cuts(self) -> list[Fact]:
        acting = (fact for logs in self._acting.values() for facts in logs.values() for fact in facts)
        return sorted((fact for fact in acting if isinstance(fact.event, DeviceCut)), key=lambda fact: fact.id)

    def _sort_facts(self) -> None:
        for fact in self.held.by_id.values():
            if fact.genesis is not None:
                founding = fact.log == self.space
                verdict = VALID if founding else self.succession.verdicts.get(fact.id, VALID)
                self.entries[fact.id] = verdict
                if founding:
                    device = fact.genesis.device or fact.genesis.key
                    self._waiting[0] = [_first_rank(fact, self._founder, device, fact.genesis.box, 0)]
            elif not fact.malformed:
                self._acting.setdefault(fact.by, {}).setdefault(fact.log, []).append(fact)
        for generation, claims in enumerate(self.succession.generations, start=1):
            for claim in claims:
                statement, carrier = claim.signed.statement, self.held.by_id[claim.carrier.id]
                grant = _first_rank(carrier, self._founder, statement.device, statement.box, generation)
                self._waiting.setdefault(0, []).append(grant)

    def _find_continuations(self, check: Check) -> dict[bytes, set[Id32]]:
        """Device key to the logs whose entry 1, on any branch, that key signed as its continuation (rule 5)."""
        self._proven: set[Id32] = set()
        logs: dict[bytes, set[Id32]] = {}
        for log in self.counted.continuing:
            for fact in self.held.logs.get(log, ()):
                event = fact.event
                if fact.seq != 1 or fact.malformed or fact.type != Continued.tag or not isinstance(event, Continued):
                    continue
                if check(event.device, continuation_message(self.space, log), event.signature):
                    self._proven.add(fact.id)
                    logs.setdefault(event.device, set()).add(log)
        return logs

    def _judge_all(self) -> None:
        while self._waiting:
            rank = min(self._waiting)
            for grant in self._waiting.pop(rank):
                bench = self.benches[grant.id] = Bench(grant, self._cuts_on(grant))
                self._judge_grant(bench)
            self._above += self._judged_valid
            self._judged_valid.clear()
        for fact in self.facts:
            if fact.id not in self.entries:
                self.entries[fact.id] = self.without_standing(fact)

    def _judge_grant(self, bench: Bench) -> None:
        """Its logs by level: what a level enrols makes the next one, what it cuts reaches the later ones."""
        acting = self._acting.get(bench.grant.id, {})
        level = 0
        brought = {bench.grant.log: {bench.grant.device}}
        self._bring(bench, level, brought, {bench.grant.device})
        numbers = {fact.id: number for number, fact in self._cuts_by(bench.grant.id)}
        cuts: dict[bytes, int] = {}
        """The valid own cuts so far, as masks by device."""
        while brought:
            self._cut_own(bench, brought, cuts)
            enrolled: dict[Id32, set[bytes]] = {}
            for log in brought:
                bench.struck |= bench.cuts.struck(log, acting.get(log, ()))
                for fact in acting.get(log, ()):
                    verdict = self.entries[fact.id] = self._judge_held(fact, bench)
                    if not verdict.valid:
                        continue
                    self._judged_valid.append(fact.id)
                    if fact.type not in DECIDING:
                        continue
                    if isinstance(fact.event, Enrolled):
                        enrolled.setdefault(fact.event.log, set()).add(fact.event.device)
                    elif isinstance(fact.event, DeviceCut):
                        cuts[fact.event.device] = cuts.get(fact.event.device, 0) | 1 << numbers[fact.id]
                    else:
                        self._note(fact, bench.grant)
            level += 1
            brought = {log: keys for log, keys in enrolled.items() if log not in bench.levels}
            self._bring(bench, level, brought, set().union(*enrolled.values()))

    def _judge_held(self, fact: Fact, bench: Bench) -> Verdict:
        cut = bench.struck.get(fact.id)
        if cut is not None:
            return void(cut.reason, cut.cause)
        own = bench.disowned.get(fact.id)
        return void(Reason.DEVICE_CUT, own) if own is not None else self._uncut(fact, bench)

    def _bring(self, bench: Bench, level: int, brought: dict[Id32, set[bytes]], keys: set[bytes]) -> None:
        """Enter logs and keys at this level, and the continuations of keys that are new here."""
        for key in keys - bench.devices.keys():
            bench.devices[key] = level
            for log in self._continuations.get(key, set()) - bench.levels.keys():
                brought.setdefault(log, set()).add(key)
        for log in brought:
            bench.levels[log] = level

    def _note(self, fact: Fact, author: Grant) -> None:
        """A valid grant or removal takes effect below its author's rank."""
        event = fact.event
        if isinstance(event, Granted):
            grant = Grant(
                id=fact.id,
                member=event.member,
                rank=event.rank,
                rights=frozenset(event.rights),
                log=event.log,
                device=event.device,
                box=event.box,
                role=event.role,
                written_at=author.rank,
                overrides=event.overrides,
                keeps=event.keeps,
            )
            self._granted.setdefault(grant.member, []).append(grant)
            self._waiting.setdefault(grant.rank, []).append(grant)
        elif isinstance(event, Removed):
            cut = Cut(Reason.REMOVED, fact.id, event.logs)
            self._removals.setdefault(event.grant, []).append((author.rank, author.member, cut))

    # -- cuts ----

    def _cuts_on(self, grant: Grant) -> Cuts:
        """The recoveries and removals that reach what acts by this grant (rules 7 and 11)."""
        if grant.rank == 0:
            return self._together(self._recoveries_after(grant.generation))
        named = self._removals.get(grant.id, []) + self._removals.get(grant.member, [])
        reaching = [
            (rank, cut.cause, cut)
            for rank, member, cut in named
            if rank < grant.rank
            and member != grant.member
            and not (cut.cause in grant.overrides and grant.written_at <= rank)
        ]
        return self._together([cut for _, _, cut in sorted(reaching, key=lambda row: row[:2])])

    def _together(self, cuts: list[Cut]) -> Cuts:
        """The grants that the same cuts reach share what is worked out of them."""
        causes = tuple(cut.cause for cut in cuts)
        if causes not in self._cuts:
            self._cuts[causes] = Cuts(self.held, cuts)
        return self._cuts[causes]

    def _recoveries_after(self, generation: int) -> list[Cut]:
        cuts = []
        for claims in self.succession.generations[generation:]:
            cause = min(claim.carrier.id for claim in claims)
            cuts.append(Cut(Reason.RECOVERED, cause, claims[0].signed.statement.keeps))
        if rivals := self.succession.rivals:
            rows = tuple(row for claim in rivals for row in claim.signed.statement.keeps)
            cuts.append(Cut(Reason.DISPUTED, min(claim.carrier.id for claim in rivals), rows))
        return cuts

    def _cut_own(self, bench: Bench, brought: dict[Id32, set[bytes]], cuts: dict[bytes, int]) -> None:
        """Rule 6: what cuts from smaller levels void in these logs, less what somebody above built on."""
        acting = self._acting.get(bench.grant.id, {})
        for log, keys in brought.items():
            reach = 0
            for key in keys & cuts.keys():
                reach |= cuts[key]
            if not reach:
                continue
            bench.own_cuts[log] = reach
            if bench.own_keeping is None:
                said = self._cuts_by(bench.grant.id)
                bench.own_keeping = Keeping(
                    self.held, ((number, row) for number, fact in said for row in _rows(fact))
                )
            for fact, kept in bench.own_keeping.kept(log, acting.get(log, ())):
                left = reach & ~kept
                if left and bench.grant.rank > 0:
                    left &= self._agreed(fact.id)
                if (first := lowest(left)) is not None:
                    bench.disowned[fact.id] = self.device_cuts[first].id

    def _cuts_by(self, grant: Id32) -> list[tuple[int, Fact]]:
        """The own cuts said by a grant, with their numbers."""
        if self._said is None:
            self._said = {}
            for number, fact in enumerate(self.device_cuts):
                self._said.setdefault(fact.by, []).append((number, fact))
        return self._said.get(grant, [])

    def _agreed(self, entry: Id32) -> int:
        """The own cuts that every witness for an entry knew, among those that act above the grant being judged."""
        if self._witnesses is None:
            self._witnesses = Witnesses(self.held, self.known(), self._at_risk())
        self._witnesses.hear(self._above)
        self._above.clear()
        return self._witnesses.agreed(entry)

    def _at_risk(self) -> set[Id32]:
        """What lies in a log that was brought in under a device which somebody cut."""
        devices = {fact.event.device for fact in self.device_cuts if isinstance(fact.event, DeviceCut)}
        logs = set().union(*(self._continuations.get(device, set()) for device in devices))
        for fact in self.held.by_id.values():
            if isinstance(fact.event, Enrolled) and fact.event.device in devices:
                logs.add(fact.event.log)
        return {fact.id for log in logs for fact in self.held.logs.get(log, ())}

    # -- rules of single types ----

    def _own_rule(self, fact: Fact, author: Grant) -> Verdict:
        event = fact.event
        if not isinstance(event, RULED[fact.type]):
            return void(Reason.MALFORMED)
        if isinstance(event, Granted):
            return self._may_grant(fact, event, author)
        if isinstance(event, Enrolled) and fact.new_log != event.log:
            return void(Reason.NEW_LOG)
        if isinstance(event, Continued) and fact.id not in self._proven:
            return void(Reason.NOT_A_CONTINUATION)
        if isinstance(event, Erased) and not may_erase(author.member, author.rank, event.subject, self._prose):
            return void(Reason.MAY_NOT_ERASE)
        return VALID

    def _may_grant(self, fact: Fact, event: Granted, author: Grant) -> Verdict:
        """Rules 3 and 4."""
        if fact.new_log != event.log:
            return void(Reason.NEW_LOG)
        if event.rank <= author.rank:
            return void(Reason.RANK, author.id)
        if EVERY_RIGHT not in author.rights and not author.rights.issuperset(event.rights):
            return void(Reason.RIGHTS, author.id)
        if event.member == self._founder:
            return void(Reason.FOUNDER)
        if is_nobodys(event.member):
            return void(Reason.NO_MEMBER)
        granted = self._granted.get(event.member, ())  # From above downwards, as the ranks were judged.
        higher = list(takewhile(lambda grant: grant.written_at < author.rank, granted))
        if higher and not any(fact.id in grant.keeps for grant in higher):
            return void(Reason.TAKEN, min(grant.id for grant in higher))
        return VALID


def _rows(fact: Fact) -> tuple[Kept, ...]:
    return fact.event.logs if isinstance(fact.event, DeviceCut) else ()


def _first_rank(entry: Fact, founder: Id, device: bytes, box: bytes, generation: int) -> Grant:
    return Grant(
        id=entry.id,
        member=founder,
        rank=0,
        rights=frozenset({EVERY_RIGHT}),
        log=entry.log,
        device=device,
        box=box,
        generation=generation,
    )
