"""Gathering: which entries and entities a batch has to write, and their states, copied out under the shelf's lock.

Three ways to know: everything (an empty generation), what the space's journal says since last time, or, after a start
or a crash, a comparison of what was projected with what the space holds. All lead to the same rows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

import msgspec

from scmanager.domain.catalogue import MEMBERS, SHIPS
from scmanager.domain.clash import Contest
from scmanager.domain.clash_fields import field_of
from scmanager.domain.event import Envelope, Event, Id, Id32, State
from scmanager.domain.fold import Fold
from scmanager.domain.governance import Granted
from scmanager.domain.member import Member
from scmanager.domain.records import Verdict
from scmanager.projections import (
    audit_events,
    characters,
    contests,
    diplomacy,
    documents,
    fleets,
    hangar,
    notifications,
    operations,
    organisations,
    registry,
    roster,
    search,
)
from scmanager.projections.read_model import ReadModel, Scene, Voice
from scmanager.spaces.contests import worded
from scmanager.spaces.index import Key
from scmanager.spaces.opening import Opened
from scmanager.spaces.reader import Readers, history_of
from scmanager.spaces.space import Space
from scmanager.spaces.subjects import subjects
from scmanager.spaces.thing import Thing

MODELS: tuple[ReadModel, ...] = (
    organisations.MODEL,
    roster.MODEL,
    hangar.MODEL,
    fleets.MODEL,
    operations.MODEL,
    diplomacy.MODEL,
    characters.MODEL,
    documents.MODEL,
    audit_events.MODEL,
    registry.MODEL,
    contests.MODEL,
    search.MODEL,
    notifications.MODEL,
)
"""Those whose rows belong to entities; the audit trail has a row an entry and stands beside them."""


CLAIMED = Key(SHIPS, lambda ship: ship.claimants)
"""Ships by everybody whose they are or were."""


class Recorded(msgspec.Struct, frozen=True):
    """What a generation says about one space, for a comparison."""

    count: int
    total: int
    """How many audit rows there are, and the sum of their positions."""
    void: Mapping[int, tuple[str, bytes]]
    """The void ones by pos: (reason, cause)."""
    unread: frozenset[Id]
    """Entities with words that were not here."""


Retried = Mapping[str, Iterable[Id]]
"""By read model: entities that had no rows, as they could not be made, and are tried once more."""


class Slice(msgspec.Struct, frozen=True):
    """What a batch writes for one space."""

    space: Space
    scene: Scene
    models: Mapping[str, Sequence[Id]]
    """By read model: the entities whose rows are made anew."""
    entries: Sequence[Opened]
    """Whose audit rows are written, in order of pos."""
    frontier: bytes
    number: int
    """Of the space's journal, up to which this goes."""
    words: bool
    """Whether an erasure or a key may have changed what can be read."""


def everything(space: Space, readers: Readers) -> Slice:
    """All of a space."""
    return _slice(space, list(space.entries()), _all(space, MODELS), readers, {}, words=True, wide=False, grants=True)


def since(space: Space, number: int, readers: Readers, retried: Retried) -> Slice | None:
    """What changed after this number of the space's journal, and what is retried; None when it forgot."""
    changes = space.journal.since(number)
    if changes is None:
        return None
    judged = {entry for change in changes for entry in change.verdicts}
    entries = [opened for entry in judged if (opened := space.opened(entry)) is not None]
    touched = {entity for change in changes for entity in change.entities}
    grants = any(change.governance for change in changes)
    if grants:
        touched |= _members(space, entries)
    touched |= _owned(space, touched, judged)
    words = any(change.words for change in changes)
    if words or readers.came(space, entries):
        touched |= _all(space, MODELS)
    return _slice(space, entries, touched, readers, retried, words=words, wide=False, grants=grants)


def compared(
    space: Space, pos: int, recorded: Recorded, held: frozenset[int] | None, readers: Readers, retried: Retried
) -> Slice:
    """What differs from what is recorded up to `pos`, and what is retried.

    `held` are the recorded positions, if they had to be read.
    """
    verdicts = space.verdicts.entries
    entries = [each for each in space.entries() if _differs(each, verdicts, pos, recorded, held)]
    touched = {each.shared.entity for each in entries if each.shared is not None}
    touched |= recorded.unread | _members(space, entries)
    touched |= _owned(space, touched, {each.entry.id32 for each in entries})
    words = any(each.shared is not None and each.shared.type == "erased/1" for each in entries)
    if words or readers.came(space, entries):
        touched |= _all(space, MODELS)
    return _slice(space, entries, touched, readers, retried, words=words, wide=True, grants=True)


def count_judged(space: Space, pos: int) -> tuple[int, int]:
    """How many judged entries there are up to `pos`, and the sum of their positions."""
    verdicts = space.verdicts.entries
    positions = [each.pos for each in space.entries() if each.pos <= pos and each.entry.id32 in verdicts]
    return len(positions), sum(positions)


def unknown_positions(space: Space, held: frozenset[int]) -> bool:
    """Whether any of these positions is not that of an entry that is open and judged here."""
    verdicts = space.verdicts.entries
    return not held <= {each.pos for each in space.entries() if each.entry.id32 in verdicts}


def _differs(
    each: Opened, verdicts: Mapping[Id32, Verdict], pos: int, recorded: Recorded, held: frozenset[int] | None
) -> bool:
    verdict = verdicts.get(each.entry.id32)
    if verdict is None:
        return False
    if each.pos > pos or (held is not None and each.pos not in held):
        return True
    before = recorded.void.get(each.pos)
    if verdict.valid:
        return before is not None
    return before != (str(verdict.reason), verdict.cause)


def _slice(
    space: Space,
    entries: list[Opened],
    touched: set[Id],
    readers: Readers,
    retried: Retried,
    *,
    words: bool,
    wide: bool,
    grants: bool,
) -> Slice:
    models = {
        model.name: _concerned(space, model, touched, wide=wide or (model.voices and grants)) for model in MODELS
    }
    for model in MODELS:
        again = _concerned(space, model, retried.get(model.name, ()), wide=model.voices)
        models[model.name] += sorted(set(again).difference(models[model.name]))
    reader, forks = readers.of(space), _forks(space, entries)
    models[notifications.MODEL.name] += sorted(forks.keys() - set(models[notifications.MODEL.name]))
    states: dict[str, dict[Id, State]] = {}
    contested: dict[str, dict[Id, tuple[Contest, ...]]] = {}
    wanted: set[Id32] = set()
    for model in MODELS:
        for fold in model.folds:
            found = states.setdefault(fold.name, {})
            for entity in models[model.name]:
                if (thing := space.thing(fold, entity)) is not None:
                    found[entity] = thing.state
                    wanted.update(model.words(thing.state))
                    if (model.contests or model.history) and (told := thing.contests()):
                        contested.setdefault(fold.name, {})[entity] = told
                        wanted.update(_contested_words(fold, told))
    opened = {
        each: (one, space.public(one.entry.log), subjects(space, one))
        for each in wanted
        if (one := space.opened(each)) is not None
    }
    voices = _voices(space) if models["roster"] else {}
    histories = _histories(space, models) if reader else {}
    erased = space.erased_keys()
    scene = Scene(space.id, states, contested, voices, opened, erased, reader, histories, forks, space.kind)
    entries.sort(key=lambda opened: opened.pos)
    return Slice(space, scene, models, entries, space.frontier(), space.journal.number, words)


def _concerned(space: Space, model: ReadModel, touched: Iterable[Id], *, wide: bool) -> list[Id]:
    """The entities that may have rows in this model. Wide: a thing that fell while nobody looked may have some.

    Roster rows follow grants too: when those may have changed, whoever is touched is looked at there.
    """
    if wide:
        return sorted(touched)
    if model.contests:
        return sorted(each for each in touched if any(_clashed(space, fold, each) for fold in model.folds))
    return sorted(each for each in touched if any(space.thing(fold, each) is not None for fold in model.folds))


def _clashed(space: Space, fold: Fold, entity: Id) -> bool:
    thing = space.thing(fold, entity)
    return thing is not None and thing.has_clashed


def _contested_words(fold: Fold, contests: Iterable[Contest]) -> Iterable[Id32]:
    for contest in contests:
        field = field_of(fold.name, contest.field)
        yield from worded(field, contest) if field else ()


def _histories(
    space: Space, models: Mapping[str, Sequence[Id]]
) -> dict[tuple[str, Id], list[tuple[Envelope, Event]]]:
    return {
        (fold.name, entity): history
        for model in MODELS
        if model.history
        for fold in model.folds
        for entity in models[model.name]
        if (history := history_of(space, fold, entity))
    }


def _forks(space: Space, entries: Iterable[Opened]) -> dict[Id, int]:
    """Of the logs that these entries show to be forked: when their second histories began."""
    forked = {each.entry.log for each in entries if each.branch}
    second = (each.entry for each in space.entries() if each.branch and each.entry.log in forked) if forked else ()
    first = {}
    for one in sorted(second, key=lambda entry: (entry.seq, entry.hlc), reverse=True):
        first[one.log[:16]] = one.hlc
    return first


def _members(space: Space, entries: Iterable[Opened]) -> set[Id]:
    """Everybody on the roster, everybody granted anything, and everybody whose grant was just judged."""
    recorded = {entity for entity, _ in space.things(MEMBERS)}
    granted = {standing.grant.member for standing in space.verdicts.grants.values()}
    judged = {each.event.member for each in entries if isinstance(each.event, Granted)}
    return recorded | granted | judged


def _owned(space: Space, touched: Iterable[Id], judged: Collection[Id32]) -> set[Id]:
    """The ships of whoever may have come to be somebody here, or ceased to be: by that words are read or not."""
    changed = [each for each in touched if not _stays_somebody(space.thing(MEMBERS, each), judged)]
    return set().union(*space.indices.ids(space, CLAIMED, changed))


def _stays_somebody(thing: Thing | None, judged: Collection[Id32]) -> bool:
    """Whether something that was said of this member before, and by itself makes him somebody for ever, still counts.

    Not so what another said in his name, nor a seat, which may end.
    """
    if thing is None:
        return False
    known = ((envelope, event) for envelope, event in thing.events() if envelope.entry not in judged)
    return any(cast("Member", MEMBERS.evolve(MEMBERS.empty, event, envelope)).id for envelope, event in known)


def _all(space: Space, models: Iterable[ReadModel]) -> set[Id]:
    folds = {fold.name: fold for model in models for fold in model.folds}
    found = {entity for fold in folds.values() for entity, _ in space.things(fold)}
    return found | _members(space, ())


def _voices(space: Space) -> dict[Id, Voice]:
    voices: dict[Id, Voice] = {}
    for standing in sorted(space.grants(), key=lambda standing: (standing.grant.rank, standing.grant.id)):
        grant = standing.grant
        first = voices.get(grant.member)
        if first is None:
            voices[grant.member] = Voice(grant.rank, grant.role, tuple(sorted(grant.rights)), len(standing.devices))
        else:
            rights = tuple(sorted(grant.rights.union(first.rights)))
            voices[grant.member] = Voice(first.rank, first.role, rights, first.devices + len(standing.devices))
    return voices
