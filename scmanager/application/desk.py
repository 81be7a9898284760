"""A desk: where one command reads what is, decides, and records what shall be. Nothing leaves before the commit."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from scmanager.application.departing import check_here
from scmanager.application.seat import Seat
from scmanager.domain import governance
from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.epoch import EPOCHS, Epochs
from scmanager.domain.event import About, Decision, Envelope, Event, Id, Id32, Personal, State
from scmanager.domain.fold import Fold
from scmanager.domain.governance import EVERY_RIGHT
from scmanager.domain.records import Fact, Grant
from scmanager.domain.subject import is_nobodys
from scmanager.errors import Refused, Unavailable
from scmanager.eventstore import content
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import DEPS_MAX, Dep, Kind
from scmanager.eventstore.own_log import Draft, Sealed, Secret
from scmanager.spaces.opening import Opened
from scmanager.spaces.personal import Absence, open_part, plain_part
from scmanager.spaces.space import AHEAD_US_MAX, Space
from scmanager.spaces.subjects import subjects
from scmanager.spaces.thing import tips_after

_encode = msgspec.json.Encoder().encode


class NotAllowed(Refused):
    """Your role does not include the right {right}."""

    code = "not-allowed"
    hint = (
        "scm role list shows which roles have it: ask somebody with such a role, or to be given it (scm member "
        "set-role)."
    )


class NotAMember(Refused):
    """You do not act in this space: none of your devices holds a grant that stands."""

    code = "not-a-member"
    hint = "Ask for an invitation, or wait until your grant has arrived (scm space import)."


class UpdateNeeded(Refused):
    """This space is governed by rules that this release does not know."""

    code = "update-needed"
    hint = "Update SC Manager. Reading still works; nothing was lost."


class KeyMissing(Unavailable):
    """This device does not hold the key that the space is written under now."""

    code = "key-missing"
    hint = "Import the newest space file from a member who was here when the key changed."


class ClockBehind(Unavailable):
    """This machine's clock is more than 26 hours behind the newest events of the space."""

    code = "clock-behind"
    hint = "Set the clock right, then send the command again; nothing was recorded."


class WouldNotCount(Refused):
    """By the rules of this space this would count for nobody: {reason}."""

    code = "would-not-count"
    hint = "Ask somebody of a higher rank, or one who has the rights that are to be given."


class Decide(Protocol):
    """A decision of the domain: (state, *args) -> what to record, or it raises Refused."""

    def __call__(self, state: Any, /, *args: Any) -> Iterable[Decision]:
        """Decide."""


S = TypeVar("S", bound=State)

PartsAt = Callable[[Iterable[int]], Mapping[tuple[int, int], bytes]]
"""The store's erasable parts by (pos, number)."""


class Quoted(msgspec.Struct, frozen=True):
    """An event said again, with the words it carried as (subject, the bytes they were)."""

    event: Event
    words: tuple[tuple[Id, bytes], ...]


class Desk:
    """One command at one seat. Made by the writer; lives as long as the command."""

    def __init__(
        self,
        seat: Seat,
        command: Id,
        now_us: int,
        entropy: Callable[[int], bytes],
        own_spaces: Callable[[], Iterable[Space]] = tuple,
        parts_at: PartsAt = lambda _: {},
    ) -> None:
        self._seat = seat
        self._parts_at = parts_at
        self._own_spaces = own_spaces
        self._command = command
        self._now_us = now_us
        self._entropy = entropy
        self._mark = seat.log.added
        self._had_named = seat.has_named
        self._made_keys = seat.keys.made
        self._changed: dict[tuple[str, Id], tuple[State, tuple[Id32, ...]]] = {}
        self.governs = False
        """Whether something recorded here may change grants or keys."""
        self.answers: Id32 = b""
        """The entry that all that is recorded here answers, where nothing else is said."""

    @property
    def space(self) -> Space:
        """The space this desk stands in, as committed so far."""
        return self._seat.space

    @property
    def me(self) -> Id:
        """The member who acts."""
        return self._seat.grant.member

    @property
    def grant(self) -> Grant:
        """What he acts by."""
        return self._seat.grant

    @property
    def log_id(self) -> bytes:
        """The log it writes, 32 bytes."""
        return self._seat.log.head.log

    @property
    def organisation(self) -> Id:
        """The space's own 16 bytes: the organisation's id, and its founder's."""
        return self.space.id[:16]

    @property
    def now_s(self) -> int:
        """This machine's clock in UTC seconds."""
        return self._now_us // 1_000_000

    def new_id(self) -> Id:
        """16 random bytes that a member may have as an id."""
        new = self._entropy(16)
        return self.new_id() if is_nobodys(new) else new

    def state(self, fold: Fold, entity: Id) -> Any:
        """A thing's state with what this batch has recorded so far."""
        return self._look(fold, entity)[0]

    def tips(self, fold: Fold, entity: Id) -> tuple[Id32, ...]:
        """A thing's newest events, those that this batch has recorded included."""
        return self._look(fold, entity)[1]

    def things(self, fold: Fold) -> Iterator[tuple[Id, Any]]:
        """All things of one kind with what this batch has recorded so far."""
        new = {entity for made in (self._seat.overlay, self._changed) for name, entity in made if name == fold.name}
        for entity, state in self.space.things(fold):
            yield entity, self.state(fold, entity) if entity in new else state
            new.discard(entity)
        for entity in sorted(new):
            yield entity, self.state(fold, entity)

    def own_spaces(self, kind: Kind) -> list[Space]:
        """The other spaces of this kind that this installation writes in, to read what is committed there."""
        return [each for each in self._own_spaces() if each.kind == kind and each.id != self.space.id]

    def words_in(self, space: Space, entry: Id32, kind: type[Personal]) -> Personal | Absence:
        """The personal words that an entry of one of our spaces holds, or why there are none.

        Here with what this batch has recorded so far, elsewhere as committed.
        """
        if not entry:
            return Absence.NONE
        erased, key_of = space.erased_keys(), self._seat.keys.held
        opened = space.opened(entry)
        if opened is not None:
            stored = self._parts_at([opened.pos]).get((opened.pos, 1))
            public, about = space.public(opened.entry.log), subjects(space, opened)
            return open_part(opened.entry, 1, kind, stored, public, key_of, about, erased)
        sealed = self._seat.log.waiting(entry) if space is self.space else None
        if sealed is None:
            return Absence.NOT_HERE
        stored = sealed.parts[1] if len(sealed.parts) > 1 else None
        held = key_of(sealed.entry.parts[1].key) if stored is not None else None
        about = frozenset({held[0]} if held else ())  # Our own words, sealed a moment ago.
        return open_part(sealed.entry, 1, kind, stored, self._seat.log.head.public, key_of, about, erased)

    def decide(self, fold: Fold, entity: Id, decision: Decide, *arguments: Any) -> None:
        """Ask the domain about one thing and record what it says. Raises what it raises."""
        for decided in decision(self.state(fold, entity), *arguments):
            self.record(fold, entity, decided)

    def record(
        self,
        fold: Fold | None,
        entity: Id,
        decided: Decision | Quoted,
        deps: tuple[Dep, ...] = (),
        *,
        alone: bool = False,
        cause: Id32 = b"",
    ) -> Sealed:
        """Seal one event at the end of our log; `alone`: it names no heads; `cause`: the entry that it answers.

        Raises NotAllowed, KeyMissing, UpdateNeeded.
        """
        event, words = _split(decided)
        self._check_right(event)
        saw = self._look(fold, entity)[1] if fold else ()
        shared = Shared(
            event.tag,
            self.grant.id,
            self._command,
            cause or self.answers,
            entity,
            saw[-content.SAW_MAX :],
            msgspec.Raw(_encode(event)),
        )
        named = deps if alone else self._deps(deps)
        draft = Draft(content.encode(shared), self._writing_key(event), self._sealing(words), named)
        log = self._seat.log
        sealed = log.add(draft, self._next_hlc())
        self._check_counts(sealed, shared, event)
        self.governs = self.governs or governance.is_governance(event.tag)
        if fold is not None:
            self._evolve(fold, event, self._envelope(sealed, shared))
        return sealed

    def accept(self) -> None:
        """The command succeeded: what it recorded is part of the batch."""
        self._seat.overlay.update(self._changed)

    def refuse(self) -> None:
        """The command was refused: no trace of it stays."""
        self._seat.log.undo_to(self._mark)
        self._seat.has_named = self._had_named
        self._seat.keys.undo_to(self._made_keys)

    @property
    def recorded(self) -> int:
        """How many events this command recorded."""
        return self._seat.log.added - self._mark

    def subject_key(self, subject: Id) -> Secret:
        """The key that seals words about a subject: one in use since the space's key changed last, or a new one.

        Who was removed knows the keys from before, so they seal nothing new (ADR 1); nor do those that an erasure
        has named. One that sealed something which counts goes before one that was only made.
        """
        keys, gone = self._seat.keys, self.space.erased_keys()
        good = [each for each in keys.all_of(subject) if each not in gone and self._in_use(each)]
        held = next((each for each in good if self.space.epochs_of(each)), good[0] if good else None)
        return self._secret(held or keys.new(subject))

    def _in_use(self, key_id: bytes) -> bool:
        epochs: Epochs = self.state(EPOCHS, self.organisation)
        used = self.space.epochs_of(key_id)
        if used or self._seat.keys.is_fresh(key_id):
            return not used or epochs.writing in used
        thing = self.space.thing(EPOCHS, self.organisation)  # Made and not used yet: good while no key has changed.
        return thing is None or len(thing.events()) == 1

    @property
    def own_logs(self) -> tuple[bytes, ...]:
        """The logs that this installation wrote in the space."""
        return self._seat.keys.own_logs

    def words(self, opened: Opened) -> tuple[tuple[Id, bytes], ...] | Absence:
        """What an entry says of persons, as (subject, bytes); or why that cannot be read here."""
        refs, pos = opened.entry.parts, opened.pos
        held = self._parts_at([pos]) if len(refs) > 1 else {}
        public, erased = self.space.public(opened.entry.log), self.space.erased_keys()
        found = []
        for number in range(1, len(refs)):
            sealed = self._seat.keys.held(refs[number].key)
            subject = sealed[0] if sealed else b""
            stored = held.get((pos, number))
            plain = plain_part(opened.entry, number, stored, public, self._seat.keys.held, {subject}, erased)
            if isinstance(plain, Absence):
                return plain
            found.append((subject, plain))
        return tuple(found)

    def open_epoch(self) -> None:
        """From here on the space is written under a fresh key."""
        self.record(EPOCHS, self.organisation, governance.EpochOpened(self._seat.keys.new()))

    def open_epoch_if_allowed(self) -> None:
        """The same, where one's own right suffices: a member who cuts a device may not change the space's key."""
        if self.grant.rights & {governance.needs(governance.EpochOpened.tag), EVERY_RIGHT}:
            self.open_epoch()

    def subject_keys(self, subject: Id) -> tuple[bytes, ...]:
        """Ids of all keys that seal words about a subject here."""
        return self._seat.keys.all_of(subject)

    def _look(self, fold: Fold, entity: Id) -> tuple[State, tuple[Id32, ...]]:
        place = (fold.name, entity)
        for overlay in (self._changed, self._seat.overlay):
            if place in overlay:
                return overlay[place]
        return self.space.state(fold, entity), self.space.tips(fold, entity)

    def _evolve(self, fold: Fold, event: Event, envelope: Envelope) -> None:
        state, tips = self._look(fold, envelope.entity)
        self._changed[fold.name, envelope.entity] = (fold.evolve(state, event, envelope), tips_after(tips, envelope))

    def _envelope(self, sealed: Sealed, shared: Shared) -> Envelope:
        one = sealed.entry
        return Envelope(
            one.id32, one.log, one.seq, one.hlc, shared.by, self.me, self.grant.rank,
            shared.entity, shared.saw, shared.command, self.grant.rights,
        )  # fmt: skip

    def _check_right(self, event: Event) -> None:
        check_here(self.state(MEMBERS, self.me), event)
        if self.space.needs_update and not isinstance(event, governance.Removed):
            raise UpdateNeeded  # But whoever wrote what nobody can read may be removed, which lifts it.
        right = governance.needs(event.tag)
        if right is not None and not self.grant.rights & {right, EVERY_RIGHT}:
            raise NotAllowed(right=right)

    def _next_hlc(self) -> int:
        """Raises ClockBehind rather than write what this very machine would hold back."""
        hlc = max(self._now_us, self.space.hlc + 1, self._seat.log.hlc + 1)
        if hlc > self._now_us + AHEAD_US_MAX:
            raise ClockBehind
        return hlc

    def _check_counts(self, sealed: Sealed, shared: Shared, event: Event) -> None:
        """What the rules would call void is refused here, not written and answered with a success."""
        one = sealed.entry
        deps = tuple((dep.log, dep.seq, dep.id) for dep in one.deps)
        said = event if governance.is_governance(shared.type) else None
        fact = Fact(one.id32, one.log, one.seq, one.prev[:32], deps, None, shared.by, shared.type, said)
        verdict = self.space.foresee(fact)
        if verdict is not None and not verdict.valid:
            raise WouldNotCount(reason=str(verdict.reason))

    def _writing_key(self, event: Event) -> Secret | None:
        if self.space.kind == "author":
            return None
        if isinstance(event, governance.EpochOpened):
            return self._secret(event.key)
        epochs: Epochs = self.state(EPOCHS, self.organisation)
        seat = self._seat
        if seat.writing is None or seat.writing.id != epochs.writing:
            seat.writing = self._secret(epochs.writing)
        return seat.writing

    def _secret(self, key_id: bytes) -> Secret:
        key = self._seat.keys.get(key_id) if key_id else None
        if key is None:
            raise KeyMissing
        return Secret(key_id, key)

    def _sealing(self, words: tuple[tuple[Id, bytes], ...]) -> tuple[tuple[Secret, bytes], ...]:
        return tuple((self.subject_key(subject), plain) for subject, plain in words)

    def _deps(self, named: tuple[Dep, ...]) -> tuple[Dep, ...]:
        """What a governance event names, and the heads of other logs that nobody here has named yet.

        The first entry of a batch names them; the others have it in their past. More than fit go before it.
        """
        if self._seat.has_named:
            return named
        self._seat.has_named = True
        rows = self.space.to_name(self.log_id)
        last = rows.pop() if rows and len(rows[-1]) + len(named) <= DEPS_MAX else ()
        for row in rows:
            self.record(None, self.organisation, governance.Heads(), row)
        return (*named, *last)


def _split(decided: Decision | Quoted) -> tuple[Event, tuple[tuple[Id, bytes], ...]]:
    if isinstance(decided, About):
        return decided.event, ((decided.subject, _encode(decided.personal)),)
    return (decided.event, decided.words) if isinstance(decided, Quoted) else (decided, ())
