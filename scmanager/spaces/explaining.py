"""How a thing came to be what it is: each event said of it, in fold order, with the state before and after.

What counts is folded step by step by the thing's own fold. What does not count stands at its date between them and
changes nothing: void entries, and types that this release does not know.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from scmanager.domain.catalogue import FOLDS
from scmanager.domain.clash_fields import field_of
from scmanager.domain.event import Envelope, Id, State
from scmanager.domain.fold import Fold
from scmanager.domain.governance import Enrolled
from scmanager.domain.records import Verdict
from scmanager.errors import Refused
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space


class FieldUnknown(Refused):
    """The kind {kind} has no field {field}. It has: {known}."""

    code = "audit-field-unknown"
    hint = "Name one of these after the point: THING.FIELD."


class Step(msgspec.Struct, frozen=True):
    """One event of a thing."""

    opened: Opened
    verdict: Verdict
    before: State
    after: State
    would: State
    """As it would be if this counted: the same as `after` where it does."""
    envelope: Envelope | None = None
    """None for what does not count, and for a type that is not known."""
    first: bool = False
    """Nothing stood before it."""

    @property
    def counts(self) -> bool:
        """Whether it is in the state."""
        return self.envelope is not None


Reads = Callable[[Any], Any]
"""A value of a state."""


def steps(space: Space, fold: Fold, entity: Id) -> list[Step]:
    """Every event said of a thing, in fold order; what does not count by the date its author gave it."""
    thing = space.thing(fold, entity)
    found: list[tuple[tuple[int, bytes, int, bytes], Opened, Envelope | None, Any]] = []
    counted = set()
    for envelope, event in thing.events() if thing is not None else ():
        opened = space.opened(envelope.entry)
        if opened is not None:
            counted.add(envelope.entry)
            found.append(((envelope.hlc, envelope.log, envelope.seq, envelope.entry), opened, envelope, event))
    found += [
        (opened.order, opened, None, None)
        for opened in space.entries()
        if _concerns(opened, fold, entity) and opened.entry.id32 not in counted
    ]
    made, state = [], fold.empty
    for _, opened, where, event in sorted(found, key=lambda each: each[0]):
        after = state if where is None else fold.evolve(state, event, where)
        verdict = space.verdicts.entries.get(opened.entry.id32)
        if verdict is not None:  # Else it waits for what stands before it in its log.
            would = after if where is not None else _would(space, fold, state, opened)
            made.append(Step(opened, verdict, state, after, would, where, state is fold.empty))
        state = after
    return made


def _would(space: Space, fold: Fold, state: State, opened: Opened) -> State:
    """The state had this counted, as said by whoever the grant that it names speaks for, if there is one."""
    one, shared = opened.entry, opened.shared
    if shared is None or opened.event is None or FOLDS.get(shared.type) is not fold:
        return state
    grant = space.grant(shared.by)
    where = Envelope(
        one.id32, one.log, one.seq, one.hlc, shared.by, grant.member if grant else b"", grant.rank if grant else 0,
        shared.entity, shared.saw, shared.command, grant.rights if grant else frozenset(),
    )  # fmt: skip
    return fold.evolve(state, opened.event, where)


def _concerns(opened: Opened, fold: Fold, entity: Id) -> bool:
    shared = opened.shared
    if shared is None or shared.entity != entity:
        return False
    known = FOLDS.get(shared.type)
    return known is fold or (known is None and shared.type.partition(".")[0] == fold.name)


def reads_of(fold: Fold, name: str) -> Reads:
    """What reads a field of a kind of thing, by its name there or as contests call it. Raises FieldUnknown."""
    if name in names_of(type(fold.empty)):
        return lambda state: getattr(state, name)
    field = field_of(fold.name, name)
    if field is None:
        raise FieldUnknown(kind=fold.name, field=name, known=", ".join(names_of(type(fold.empty))))
    claims = field.claims
    if claims is None:
        return field.reads
    return lambda state: tuple(each[0].value for _, each in claims(state) if each)


def of_field(history: list[Step], fold: Fold, name: str) -> list[Step]:
    """The steps that changed a field or would have; and those of the types that did, rivals among them."""
    reads, field = reads_of(fold, name), field_of(fold.name, name)
    moved = [reads(step.before) != reads(step.would) for step in history]
    types = {_type(step) for step, changed in zip(history, moved, strict=True) if changed}
    if field is not None:
        types |= {field.says.tag, *(each.tag for each in field.writes)}
    return [step for step, changed in zip(history, moved, strict=True) if changed or _type(step) in types]


def _type(step: Step) -> str:
    return step.opened.shared.type if step.opened.shared else ""


def changed_in(step: Step) -> list[str]:
    """The names of what a step changed; the id of a thing is no change of it."""
    names = (name for name in names_of(type(step.after)) if name != "id")
    return [name for name in names if getattr(step.before, name) != getattr(step.after, name)]


def device_of(space: Space, log: bytes) -> bytes | None:
    """The identity key of the device that writes a log; None where nothing here says it."""
    seen: set[bytes] = set()
    enrolled = {
        each.log: each.device for one in space.of_type(Enrolled.tag) if isinstance(each := one.event, Enrolled)
    }
    while log not in seen:
        seen.add(log)
        if log in enrolled:
            return enrolled[log]
        for standing in space.verdicts.grants.values():
            if standing.grant.log == log:
                return standing.grant.device
        first = space.first_entry(log)
        opened = space.opened(first.id) if first else None
        genesis = opened.entry.genesis if opened else None
        if genesis is None or genesis.continues is None:
            return None
        log = genesis.continues.log
    return None


_names: dict[type, tuple[str, ...]] = {}


def names_of(kind: type) -> tuple[str, ...]:
    """The fields of a state, and what it works out of them."""
    if kind not in _names:
        worked_out = [name for name in dir(kind) if isinstance(getattr(kind, name, None), property)]
        fields = [name for name in getattr(kind, "__struct_fields__", ()) if name not in worked_out]
        _names[kind] = (*fields, *(name for name in worked_out if not name.startswith("_")))
    return _names[kind]
