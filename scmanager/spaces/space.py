"""A space as this node holds it: every entry opened, judged and folded; each change is told, so that views follow.

- Verdicts are a function of the set of entries, never of arrival (domain.validity); state is the fold of the valid
  ones in fold order. A local event and a foreign one come in by the same call.
- What is dated before the grant it acts by counts as of that grant (ADR 19): nobody stands in front of what was there
  before he came.
- Entries dated more than 26 hours ahead of this machine's clock are held back, not counted: they delay, they never
  decide (DESIGN 2, hlc). Entries whose key is not here stay closed until the key comes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from scmanager.domain.court import Court
from scmanager.domain.event import Envelope, Id, Id32, State
from scmanager.domain.fold import Fold
from scmanager.domain.frontier import counted_logs
from scmanager.domain.governance import Erased, is_governance
from scmanager.domain.records import Fact, Grant, Keys, Standing, Verdict, Verdicts
from scmanager.domain.tips import Tips
from scmanager.eventstore import signing
from scmanager.eventstore.entry import Dep, Entry, Kind, digest, u64
from scmanager.eventstore.store import Row
from scmanager.spaces.facts import clear_of, fact_of, founding_fact
from scmanager.spaces.index import Indices
from scmanager.spaces.journal import WORDS_CAME, Change, Journal
from scmanager.spaces.opening import HeldOf, KeyOf, Opened, Said, Same, check_row, once, open_row, parse_row
from scmanager.spaces.outcomes import Outcomes
from scmanager.spaces.thing import Thing

AHEAD_US_MAX = 26 * 3600 * 1_000_000


class Space:
    """One space. Not thread-safe by itself: the node's writer changes it, under the lock that readers take too."""

    def __init__(
        self, space: bytes, folds: Mapping[str, Fold], key_of: KeyOf, held_of: HeldOf = lambda _: {}
    ) -> None:
        self.id = space
        self.pos = 0
        self.rulings = 0
        """How often grants may have changed."""
        self.kind: Kind = "org"
        self.journal, self.indices = Journal(), Indices()
        self.outcomes = Outcomes()
        self._folds = folds
        self._key_of = key_of
        self._held_of = held_of
        self._named: dict[bytes, set[bytes]] = {}
        self._beside: dict[bytes, set[bytes]] = {}
        self._tips = Tips()
        self._unnamed: list[Fact] = []
        """What the tips do not know yet: only a writer asks for them."""
        self._court = Court(space, signing.verify)
        self._publics: dict[bytes, bytes] = {}
        self._opened: dict[Id32, Opened] = {}
        self._things: dict[str, dict[Id, Thing]] = {fold.name: {} for fold in folds.values()}
        self._founded = False
        self._newest: dict[bytes, int] = {}
        self._hlc = 0
        self._heads: dict[bytes, dict[int, Entry]] = {}
        self._ends: dict[bytes, dict[Id32, Dep]] = {}
        self._counted: set[Id32] = set()
        self._firsts: dict[bytes, Dep] = {}
        self._by_type: dict[str, list[Id32]] = {}
        self._same: Same = {}
        self._closed: list[Row] = []
        self._held: list[Row] = []
        self._due_us: int | None = None
        self._begun: dict[Id32, int] = {}
        """When grants began, as far as anybody asked (`_began`)."""
        self._erased: frozenset[bytes] | None = None
        """What `erased_keys` found; forgotten when an erasure or a key comes."""

    # Taking in

    def absorb(self, rows: Sequence[Row], now_us: int, *, own: bool = False) -> Change:
        """Take in stored rows of this space, in order of pos. `now_us` is this machine's clock.

        `own`: this process decided them just now, on what counts here, so they count whatever the clock says since.
        """
        waiting: list[Row] = []
        if self.holds_due(now_us):
            waiting, self._held, self._due_us = self._held, [], None
        until = now_us + AHEAD_US_MAX
        key_of = once(self._key_of)
        fresh = [opened for row in waiting if (opened := self._open(row, until, key_of)) is not None]
        fresh += [opened for row in rows if (opened := self._open(row, None if own else until, key_of)) is not None]
        self.pos = max(self.pos, max((row.pos for row in rows), default=0))
        return self._judge(fresh)

    def keys_came(self, now_us: int) -> Change:
        """Open what stayed closed for want of a key."""
        closed, self._closed = self._closed, []
        self.journal.note(WORDS_CAME)
        self._erased = None
        return self.absorb(closed, now_us)

    def _open(self, row: Row, until_us: int | None, key_of: KeyOf) -> Opened | None:
        parsed = parse_row(row)
        if row.pos > self.pos and until_us is not None:  # Read from the store, for the first time.
            check_row(row, parsed, self._heads.get(parsed.log, {}).get(row.branch))
        self._note_head(row, parsed)
        self._named.setdefault(parsed.log, set()).update(part.key for part in parsed.parts if part.key)
        if parsed.genesis is not None:
            self._publics[parsed.log] = parsed.genesis.key
            if not parsed.genesis.space or not (self._founded or self._opened):
                self.kind = parsed.genesis.kind  # Until the founding entry is here, as our own log says.
            self._founded = self._founded or not parsed.genesis.space
        if until_us is not None and parsed.hlc > until_us:
            self._held.append(row)
            self._due_us = min(parsed.hlc, self._due_us or parsed.hlc)
            return None
        self._note_end(parsed)
        opened = open_row(row, parsed, self._publics[parsed.log], key_of, self._same)
        if opened is None:
            self._closed.append(row)
            return None
        return opened

    def _judge(self, fresh: Sequence[Opened]) -> Change:
        facts: list[Fact] = []
        governance = False
        for opened in fresh:
            fact = fact_of(opened)
            facts.append(fact)
            self._opened[fact.id] = opened
            self.outcomes.admit(opened)
            one = opened.entry
            if one.hlc > self._newest.get(one.log, 0):
                self._newest[one.log] = one.hlc
            if founding_fact(fact):
                governance = True
                if opened.shared is not None:
                    self._by_type.setdefault(opened.shared.type, []).append(fact.id)
        self._unnamed += facts
        changed = self._court.admit(facts)
        self._hlc = max((self._newest.get(log, 0) for log in self._court.verdicts.counted), default=0)
        touched: set[Id] = set()
        gone: dict[tuple[str, Id], set[Id32]] = {}
        came: list[Opened] = []
        for id32, verdict in changed.items():
            opened = self._opened[id32]
            governance = governance or _governs(opened)  # An ordinary entry may have brought it back, or ended it.
            if verdict.valid:
                came.append(opened)
                for part in opened.entry.parts[1:]:
                    self._beside.setdefault(part.key, set()).add(opened.entry.parts[0].key)
            elif opened.shared is not None and (fold := self._folds.get(opened.shared.type)):
                gone.setdefault((fold.name, opened.shared.entity), set()).add(id32)
        self.rulings += governance
        self._drop(gone, touched)
        self._add(came, touched)
        words = not changed.keys().isdisjoint(self._by_type.get(Erased.tag, ()))
        self._erased = None if words else self._erased
        return self.journal.note(Change(frozenset(touched), frozenset(changed), governance, words))

    def _note_head(self, row: Row, one: Entry) -> None:
        """Closed and held entries too: what is here can be kept by a cut, readable or not."""
        branches = self._heads.get(one.log)
        if branches is None:
            branches = self._heads[one.log] = {}
        held = branches.get(row.branch)
        if held is None or held.seq < one.seq:
            branches[row.branch] = one
        if one.seq == 0:
            self._firsts[one.log] = Dep(one.log, 0, one.id32)

    def _note_end(self, one: Entry) -> None:
        """The ends of all branches as everybody sees them: closed entries too, held ones not."""
        if one.id32 in self._counted:
            return  # It was closed, and is opened now.
        self._counted.add(one.id32)
        ends = self._ends.setdefault(one.log, {})
        ends.pop(one.prev[:32], None)
        ends[one.id32] = Dep(one.log, one.seq, one.id32)

    def _drop(self, gone: Mapping[tuple[str, Id], set[Id32]], touched: set[Id]) -> None:
        for (fold, entity), entries in gone.items():
            thing = self._things[fold].get(entity)
            if thing is not None and thing.drop(entries):
                thing.refold()
                touched.add(entity)

    def _add(self, came: list[Opened], touched: set[Id]) -> None:
        late: set[Thing] = set()
        things, folds, grants = self._things, self._folds, self._court.verdicts.grants
        came.sort(key=lambda opened: opened.order)
        for opened in came:
            shared, event = opened.shared, opened.event
            if shared is None or event is None or (fold := folds.get(shared.type)) is None:
                continue
            entity = shared.entity
            mine = things[fold.name]
            thing = mine.get(entity)
            if thing is None:
                thing = mine[entity] = Thing(fold)
            if not thing.add(self._envelope(opened.entry, shared, grants[shared.by].grant), event):
                late.add(thing)
            touched.add(entity)
        for thing in late:
            thing.refold()

    # Reading

    @property
    def hlc(self) -> int:
        """The newest time that counts. What nobody vouched for drives no clock."""
        return self._hlc

    def holds_due(self, now_us: int) -> bool:
        """Whether something was held for the clock and need not be any more."""
        return self._due_us is not None and self._due_us <= now_us + AHEAD_US_MAX

    def foresee(self, fact: Fact) -> Verdict | None:
        """See Court.foresee."""
        return self._court.foresee(fact)

    def envelope(self, opened: Opened) -> Envelope:
        """Where a valid event came from, with whose voice."""
        shared = opened.shared
        if shared is None:
            raise ValueError("only an opened event has an envelope")
        return self._envelope(opened.entry, shared, self._court.verdicts.grants[shared.by].grant)

    def _envelope(self, one: Entry, shared: Said, grant: Grant) -> Envelope:
        return Envelope(
            one.id32, one.log, one.seq, max(one.hlc, self._began(grant.id)), shared.by, grant.member, grant.rank,
            shared.entity, shared.saw, shared.command, grant.rights,
        )  # fmt: skip

    def _began(self, grant: Id32) -> int:
        """When a grant began: as its entry is dated, but no earlier than the grant which that entry acts by."""
        above: list[Opened] = []
        while grant and grant not in self._begun:
            opened = self._opened[grant]
            above.append(opened)
            grant = opened.shared.by if opened.shared else b""
        began = self._begun.get(grant, 0)
        for opened in reversed(above):
            began = self._begun[opened.entry.id32] = max(opened.entry.hlc, began)
        return began

    def state(self, fold: Fold, entity: Id) -> State:
        """The state of one thing; the fold's empty state when there is none."""
        thing = self.thing(fold, entity)
        return thing.state if thing is not None else fold.empty

    def thing(self, fold: Fold, entity: Id) -> Thing | None:
        """A thing with its events, if anything valid was ever said of it."""
        return self._things.get(fold.name, {}).get(entity)

    def tips(self, fold: Fold, entity: Id) -> tuple[Id32, ...]:
        """The newest events of a thing: what an author who writes now has seen."""
        thing = self.thing(fold, entity)
        return thing.tips if thing else ()

    def things(self, fold: Fold) -> Iterator[tuple[Id, State]]:
        """All things of one kind. One of which everything said turned out void is none."""
        every = self._things.get(fold.name, {}).items()
        return ((entity, thing.state) for entity, thing in every if thing.is_said)

    def opened(self, id32: Id32) -> Opened | None:
        """An entry by its id32, if it is held and open."""
        return self._opened.get(id32)

    def entries(self) -> Iterable[Opened]:
        """Every open entry, in order of arrival."""
        return self._opened.values()

    def verdict(self, id32: Id32) -> Verdict:
        """Whether an entry counts, and if not, why. KeyError when it is not held."""
        return self._court.verdicts.entries[id32]

    @property
    def verdicts(self) -> Verdicts:
        """The whole answer: entries, grants, recoveries."""
        return self._court.verdicts

    def of_type(self, tag: str) -> list[Opened]:
        """The valid entries of one type of governance, in order of arrival."""
        verdicts = self._court.verdicts.entries  # An entry behind a gap is open, and not judged yet.
        found = (entry for entry in self._by_type.get(tag, ()) if entry in verdicts and verdicts[entry].valid)
        return [self._opened[entry] for entry in found]

    def recovery_keys(self) -> Keys:
        """The keys above rank 0 that stand now: of the last recovery, or of the founding entry. None: m is 0."""
        keys, newest = Keys(0, ()), -1
        for first in self._firsts.values():
            opened = self._opened.get(first.id)
            genesis = opened.entry.genesis if opened else None
            if genesis is None or not self.verdict(first.id).valid:
                continue
            if genesis.recovery is not None and newest < 0:
                keys, newest = Keys(genesis.recovery.m, genesis.recovery.keys), 0
            elif genesis.recovers is not None and genesis.recovers.statement.n > newest:
                said = genesis.recovers.statement
                keys, newest = Keys(said.m, said.keys), said.n
        return keys

    def public(self, log: bytes) -> bytes:
        """The key of a log that is here."""
        return self._publics[log]

    def erased_keys(self) -> frozenset[bytes]:
        """Ids of the keys that erasures which count have named: what they seal is hidden.

        An erasure speaks for its subject: a key held for somebody else, or for the space, is not its to name.
        """
        if self._erased is None:
            said = [opened.event for opened in self.of_type(Erased.tag) if isinstance(opened.event, Erased)]
            held = self._held_of(self.id) if said else {}
            self._erased = frozenset(
                key for each in said for key in each.keys if held.get(key, each.subject) == each.subject
            )
        return self._erased

    def named_keys(self) -> frozenset[bytes]:
        """Ids of the keys under which something in a counted log is sealed: no other key is worth taking."""
        return frozenset(key for log in self._counted_logs() for key in self._named.get(log, ()))

    def epochs_of(self, key_id: bytes) -> Set[bytes]:
        """The epochs, by key id, in which a subject's key has sealed words that count."""
        return self._beside.get(key_id, frozenset())

    def heads(self, log: bytes) -> tuple[Dep, ...]:
        """The newest entry of each branch of a log."""
        return tuple(Dep(top.log, top.seq, top.id32) for top in self._heads.get(log, {}).values())

    def frontier(self) -> bytes:
        """Which logs count and how far they are here; members who have the same agree on every state.

        A mirror without keys says the same: closed entries count as ends, and what they introduce counts.
        """
        ends = sorted(
            (end.log, end.seq + 1, end.id) for log in self._counted_logs() for end in self._ends.get(log, {}).values()
        )
        rows = (log + u64(size) + end for log, size, end in ends)
        return digest("scm/frontier/1", self.id, u64(len(ends)), *rows)

    def _counted_logs(self) -> frozenset[Id32]:
        if not self._closed:
            return self._court.verdicts.counted
        clear = (*self._court.facts(), *(clear_of(parse_row(row)) for row in self._closed))
        return counted_logs(self.id, clear, signing.verify)

    def forks(self) -> list[bytes]:
        """The logs that signed more than one history, sorted. An alarm; it voids nothing (DESIGN 3, rule 10)."""
        return sorted(log for log, branches in self._heads.items() if len(branches) > 1)

    def to_name(self, log: bytes) -> list[tuple[Dep, ...]]:
        """What the next entry of our log names in deps, in rows; all but the last go into `heads/1` entries first."""
        self._tips.admit(self._unnamed)
        self._unnamed.clear()
        rows = self._tips.to_name(log, self._court.verdicts.entries)
        return [tuple(Dep(*dep) for dep in row) for row in rows]

    def first_entry(self, log: bytes) -> Dep | None:
        """A log's entry 0 as others name it; None when it is not here."""
        return self._firsts.get(log)

    @property
    def needs_update(self) -> bool:
        """Whether it holds governance that only a later release can read: this one must not write."""
        return bool(self._court.verdicts.unknown_governance)

    def grants(self) -> Iterator[Standing]:
        """Every valid grant that nobody ended."""
        return (standing for standing in self._court.verdicts.grants.values() if not standing.ended)

    def grant(self, id32: Id32) -> Grant | None:
        """A valid grant by its id."""
        standing = self._court.verdicts.grants.get(id32)
        return standing.grant if standing else None

    def closed_logs(self) -> set[bytes]:
        """The logs of which something is closed for want of a key."""
        return {row.log for row in self._closed}

    @property
    def waiting(self) -> tuple[int, int]:
        """How many entries are held for the clock, and how many are closed for want of a key."""
        return len(self._held), len(self._closed)


def _governs(opened: Opened) -> bool:
    return opened.shared is not None and is_governance(opened.shared.type)
