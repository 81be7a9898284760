"""Operations: plan, slots, who answered what and so comes or waits, who was there, and every text."""

from collections.abc import Iterator
from datetime import UTC, datetime

from scmanager.domain.catalogue import OPERATIONS
from scmanager.domain.event import Id, Id32, Personal, State
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import Manifest, manifest, places, rival_takers, taker
from scmanager.domain.operation_events import Cancellation, Objective
from scmanager.domain.operation_parts import Stage, Text, TextKind, Window
from scmanager.projections.copy_text import flag, ident, idents, line, number, seconds, text, texts
from scmanager.projections.read_model import Look, ReadModel, Row, Table, spoken

_LAST_S = 253_402_300_799
_KINDS: dict[TextKind, type[Personal]] = {
    TextKind.OBJECTIVE: Objective,
    TextKind.CANCELLATION: Cancellation,
}


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """An operation's rows, once it was planned."""
    operation: Operation = look.state(OPERATIONS, entity)
    if not operation.id:
        return
    held = manifest(operation)
    crew = frozenset(held.crew)
    yield "operation", _operation(look, entity, operation, held, crew)
    begin = ident(look.space), ident(entity)
    for place, written in enumerate(operation.texts):
        yield "operation_text", line(*begin, *_text(look, operation, written, place))
    for squad in operation.squads:
        yield "operation_squad", line(*begin, ident(squad.id), text(squad.title), text(squad.title.lower()))
    yield from _slots(begin, operation, crew)
    standings = {member: name for name in held.__struct_fields__ for member in getattr(held, name)}
    for place, said in enumerate(operation.sign_ups):
        values = said.answer.value, standings[said.member], texts(said.roles), flag(said.own), ident(said.entry)
        yield "operation_sign_up", line(*begin, ident(said.member), number(place), *values, look.moment(said.entry))
    for place, there in enumerate(operation.checked_in):
        came = ident(there.value), number(place), look.moment(there.entry), ident(there.entry)
        yield "operation_check_in", line(*begin, *came)
    for shot in operation.snapshots:
        yield "operation_snapshot", line(*begin, ident(shot.id), seconds(shot.at), idents(shot.members))


def _operation(look: Look, entity: Id, operation: Operation, held: Manifest, crew: frozenset[Id]) -> str:
    return line(
        ident(look.space),
        ident(entity),
        text(operation.title),
        text(operation.title.lower()),
        texts(operation.rival_titles),
        flag(operation.template),
        *_times(operation),
        *_calls(operation),
        ident(operation.lead),
        idents(operation.rival_leads),
        ident(operation.series),
        "{" + ",".join(str(each) for each in operation.reminders) + "}",
        number(operation.crew_most),
        number(places(operation)),
        *(number(len(getattr(held, name))) for name in held.__struct_fields__),
        number(sum(taker(slot, crew) is None for slot in operation.crew_slots)),
        number(sum(not slot.claims for slot in operation.ship_slots)),
        flag(_contested(operation, crew)),
        ident(operation.objective),
        ident(operation.cancellation if operation.call.stage is Stage.CANCELLED else None),
    )


def _times(operation: Operation) -> tuple[str, ...]:
    window = operation.window
    instants = (0, 0) if operation.template else (window.starts, window.ends)
    return (
        *(seconds(each) for each in instants),
        number(window.length_s),
        text(window.zone),
        texts(_told(each) for each in operation.rival_windows),
    )


def _told(window: Window) -> str:
    """An interval as ISO 8601 has it, and the zone."""
    starts, ends = (datetime.fromtimestamp(min(each, _LAST_S), UTC) for each in (window.starts, window.ends))
    return f"{starts:%Y-%m-%dT%H:%M:%SZ}/{ends:%Y-%m-%dT%H:%M:%SZ} {window.zone}"


def _calls(operation: Operation) -> tuple[str, ...]:
    call = operation.call
    return (
        call.stage.value,
        text(call.outcome.value if call.outcome else None),
        text(call.reason.value if call.reason else None),
        texts(each.stage.value for each in operation.rival_calls),
    )


def _contested(operation: Operation, crew: frozenset[Id]) -> bool:
    plan = operation.rival_titles or operation.rival_windows or operation.rival_objectives or operation.rival_leads
    slots = any(len(slot.claims) > 1 for slot in operation.ship_slots)
    slots = slots or any(rival_takers(slot, crew) for slot in operation.crew_slots)
    return bool(plan or operation.rival_calls or slots)


def _slots(begin: tuple[str, str], operation: Operation, crew: frozenset[Id]) -> Iterator[Row]:
    for place, berth in enumerate(operation.ship_slots):
        ships = [each.value for each in berth.claims]
        yield (
            "operation_ship_slot",
            line(
                *begin, ident(berth.id), number(place), text(berth.title), texts(berth.models), ident(berth.squad),
                flag(berth.optional), ident(ships[0] if ships else None), idents(ships[1:]),
            ),
        )  # fmt: skip
    for place, slot in enumerate(operation.crew_slots):
        yield (
            "operation_crew_slot",
            line(
                *begin, ident(slot.id), number(place), text(slot.role), ident(slot.aboard), ident(slot.squad),
                flag(slot.optional), ident(taker(slot, crew)), idents(rival_takers(slot, crew)),
            ),
        )  # fmt: skip


def _text(look: Look, operation: Operation, written: Text, place: int) -> Iterator[str]:
    rivals = operation.rival_objectives
    called_off = written.entry == operation.cancellation and operation.call.stage is Stage.CANCELLED
    holds = written.entry == operation.objective or called_off
    yield ident(written.entry)
    yield written.kind.value
    yield number(place)
    yield "holds" if holds else "rival" if written.entry in rivals else "replaced"
    yield ident(written.by)
    yield look.moment(written.entry)
    said = look.words(written.entry, _KINDS[written.kind])
    yield text(said.objective if isinstance(said, Objective) else getattr(said, "text", None))
    yield text(said.place if isinstance(said, Objective) else None)
    yield spoken(said)


def _words(state: State) -> Iterator[Id32]:
    if isinstance(state, Operation):
        yield from (each.entry for each in state.texts)
        yield from (each.entry for each in state.sign_ups)
        yield from (each.entry for each in state.checked_in)


MODEL = ReadModel(
    "operations",
    (
        Table("operation", "id"),
        Table("operation_text", "operation", ("body", "meets")),
        Table("operation_squad", "operation"),
        Table("operation_ship_slot", "operation"),
        Table("operation_crew_slot", "operation"),
        Table("operation_sign_up", "operation"),
        Table("operation_check_in", "operation"),
        Table("operation_snapshot", "operation"),
    ),
    (OPERATIONS,),
    rows,
    _words,
)
