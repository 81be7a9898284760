"""Random small sets of entries that argue with each other: grants, cuts, forks, lost phones, recoveries."""

from random import Random

import msgspec

from scmanager.domain.governance import Continued, DeviceCut, Enrolled, Erased, Granted, Kept, Removed
from scmanager.domain.past import contiguous
from scmanager.domain.prose import prose_of
from scmanager.domain.records import Fact
from tests.support.world import Log, World, member_id, public

DEVICES = ("founder device", "ann device", "bob device", "phone", "stolen")
MEMBERS = ("ann", "bob")
RIGHTS = ("member.grant", "member.remove", "note.write")
ACTS = ("grant", "enrol", "remove", "cut", "continue", "note", "odd", "recover")
THEMES = {
    "all": (26, 12, 18, 14, 8, 14, 4, 4),
    "ranks": (40, 4, 30, 0, 0, 20, 2, 0),
    "devices": (14, 26, 2, 28, 10, 26, 0, 0),
    "phones": (8, 16, 4, 12, 4, 60, 0, 0),
    "recoveries": (14, 6, 10, 4, 4, 24, 0, 40),
}


class RandomWorld(World):
    """A world that grows by chance. `places` are the (log, grant) pairs that somebody could mean to act by."""

    def __init__(self, random: Random, entries: int, clock: int = 0, theme: str = "") -> None:
        super().__init__(m=2, recovery_keys=("r1", "r2", "r3"), clock=clock)
        self.random = random
        self.places: list[tuple[Log, Fact]] = [(self.founder.log, self.founder.grant)]
        self.logs: list[Log] = [self.founder.log]
        self.statements: list[tuple[bytes, int, tuple[str, ...]]] = [(self.space, 0, ("r1", "r2", "r3"))]
        theme = theme or random.choice(list(THEMES))
        weights = THEMES[theme]
        self._grant()
        if theme in ("devices", "phones"):
            self.places *= 3
            self._enrol()
        while self.open_entries() < entries:
            act = random.choices(ACTS, weights)[0]
            getattr(self, f"_{act}")()

    def open_entries(self) -> int:
        return sum(fact.seq > 0 for fact in self.facts)

    def some(self, *, drop: float) -> list[Fact]:
        """The entries, less the ends of some branches: what a replica may hold."""
        facts = [
            fact for fact in self.facts if (fact.log == self.space and fact.seq == 0) or self.random.random() >= drop
        ]
        return contiguous(facts)

    # -- acts ----

    def _grant(self) -> None:
        random = self.random
        name = random.choice(MEMBERS)
        log = self._fresh_or_known(f"{name} {len(self.logs)}")
        rank_there = self._rank_of(self._place())
        event = Granted(
            member=random.choices((member_id(name), self.founder_id, prose_of(self.founder_id)), (18, 1, 1))[0],
            log=log.id,
            device=public(random.choice(DEVICES)),
            box=public("box"),
            rank=random.choice((rank_there + 1, rank_there + 1, random.randint(0, 3))),
            rights=RIGHTS if random.random() < 0.8 else tuple(random.sample((*RIGHTS, "*"), 2)),
            overrides=self._sample(Removed, 0.3),
            keeps=self._sample(Granted, 0.4),
        )
        entry = self._put(event, *([log.genesis] if random.random() < 0.95 else []))
        self.places += [(log, entry)] * 2

    def _enrol(self) -> None:
        device = self.random.choice(DEVICES)
        log = self._fresh_or_known(f"{device} {len(self.logs)}")
        entry = self._put(Enrolled(log=log.id, device=public(device), box=public("box")), log.genesis)
        self.places += [(log, self._by(entry))] * 2

    def _remove(self) -> None:
        grants = [fact for fact in self.facts if fact.type == Granted.tag]
        targets = [*(fact.id for fact in grants), *(member_id(name) for name in MEMBERS)]
        self._put(Removed(grant=self.random.choice(targets), logs=self._rows()))

    def _cut(self) -> None:
        enrolled = [fact.event.device for fact in self.facts if isinstance(fact.event, Enrolled)]
        device = self.random.choice(enrolled or [public(name) for name in DEVICES])
        self._put(DeviceCut(device=device, logs=self._rows() if self.random.random() < 0.6 else ()))

    def _continue(self) -> None:
        old, grant = self._place()
        signer = None if self.random.random() < 0.9 else "stolen"
        log = self.log(f"goes on {len(self.logs)}", continues=old, signer=signer)
        self.logs.append(log)
        device = self.random.choice(DEVICES)
        event: Continued = self.continued(log, device)
        if self.random.random() < 0.15:
            self.write(log, grant, None)
            self.write(log, grant, event, after=log.genesis)
        else:
            self.write(log, grant, event)
        self.places += [(log, grant)] * 2

    def _note(self) -> None:
        self._put(None)

    def _odd(self) -> None:
        kind = self.random.choice(("unknown", "newer", "malformed", "erased"))
        if kind == "erased":
            subject = self.random.choice((member_id("ann"), prose_of(self.founder_id)))
            self._put(Erased(subject=subject, keys=(), ground="request"))
        else:
            tag = {"unknown": "zebra.seen/1", "newer": "grant.removed/9", "malformed": Granted.tag}[kind]
            self._put(None, type=tag, malformed=kind == "malformed" and self.random.random() < 0.5)

    def _recover(self) -> None:
        random = self.random
        base, number, keys = random.choice(self.statements)
        name = f"recovered {len(self.logs)}"
        rivals = [name for name, n, _ in self.statements if n == number + 1 and random.random() < 0.6]
        new_keys = random.choice((("r1", "r2", "r3"), ("s1",), ()))
        statement = self.statement(name, number + 1, (base, *rivals), m=(len(new_keys) + 1) // 2, keys=new_keys)
        if random.random() < 0.6:
            statement = msgspec.structs.replace(statement, keeps=self._rows())
        signers = tuple(keys[:2]) if random.random() < 0.9 else ("r1",)
        member = self.recover(statement, name, signers)
        self.logs.append(member.log)
        self.statements.append((statement.hash, statement.n, new_keys))
        self.places += [(member.log, member.grant)] * 2

    # -- choices ----

    def _put(self, event: msgspec.Struct | None, *deps: Fact, type: str = "", malformed: bool = False) -> Fact:  # noqa: A002
        random = self.random
        log, grant = self._place()
        if random.random() < 0.1:
            log = random.choice(self.logs)
        others = [fact for fact in self.facts if fact.log != log.id and fact.seq > 0]
        named = random.sample(others, min(len(others), random.choice((0, 1, 1, 2))))
        own = [fact for fact in self.facts if fact.log == log.id]
        after = random.choice(own) if random.random() < 0.12 else own[-1]
        return self.write(log, grant, event, *deps, *named, after=after, type=type, malformed=malformed)

    def _place(self) -> tuple[Log, Fact]:
        return self.random.choice(self.places)

    def _by(self, entry: Fact) -> Fact:
        return next(fact for fact in self.facts if fact.id == entry.by)

    def _rank_of(self, place: tuple[Log, Fact]) -> int:
        event = place[1].event
        return event.rank if isinstance(event, Granted) else 0

    def _fresh_or_known(self, name: str) -> Log:
        if self.random.random() < 0.15:
            return self.random.choice(self.logs)
        log = self.log(name)
        self.logs.append(log)
        return log

    def _rows(self) -> tuple[Kept, ...]:
        heads = self.random.sample(self.facts, min(len(self.facts), self.random.randint(0, 3)))
        rows = [Kept(head.log, head.seq, head.id) for head in heads]
        if rows and self.random.random() < 0.1:
            rows[0] = msgspec.structs.replace(rows[0], head=self.random.choice(self.facts).id)
        return tuple(rows)

    def _sample(self, kind: type, chance: float) -> tuple[bytes, ...]:
        return tuple(f.id for f in self.facts if isinstance(f.event, kind) and self.random.random() < chance)


def random_set(seed: int, entries: int, clock: int = 0, theme: str = "") -> tuple[bytes, list[Fact]]:
    """A space id and what one replica holds of a random world. Another clock gives the same world, other ids."""
    random = Random(seed)
    world = RandomWorld(random, entries, clock, theme)
    return world.space, world.some(drop=random.choice((0, 0, 0.05)))
