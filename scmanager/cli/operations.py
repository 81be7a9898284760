"""Operations out of the folder itself: what is planned, one in full, whether it can be fielded, a calendar."""

import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters.calendar_text import Outing, calendar, is_calendar
from scmanager.adapters.private_files import PrivateFileFailed
from scmanager.application.fielding import can_we_field
from scmanager.application.verbs import MemberId, OperationId, ShipId
from scmanager.application.words import Words
from scmanager.application.zones import zone_named
from scmanager.cli import names
from scmanager.cli.calling import Called, Named, Register
from scmanager.cli.moments import when
from scmanager.cli.output import JsonFlag, counted, indented, remark, say, say_json, say_table, short
from scmanager.cli.people import NOT_IN_YET, me, say_hidden, show_rows
from scmanager.cli.session import Place, session_of
from scmanager.cli.targets import ReplaceFlag, check_replaceable
from scmanager.cli.verbs import OrgOption
from scmanager.domain.catalogue import DOCUMENTS, OPERATIONS, SHIPS
from scmanager.domain.document import Document
from scmanager.domain.event import Id32, Personal
from scmanager.domain.fielding import CrewFilled, Fielding, Flaw, Missing, ShipFilled
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import Manifest, manifest, places, rival_takers, slot_names, taker
from scmanager.domain.operation_events import Cancellation, Objective
from scmanager.domain.operation_parts import Stage, TextKind, Window
from scmanager.domain.operation_rules import OperationUnknown
from scmanager.domain.ship import Ship
from scmanager.spaces.space import Space

Row = dict[str, Any]

WHY = {
    Missing.NOBODY: "nobody who comes can take it",
    Missing.TOO_FEW: "all who could are needed elsewhere",
    Missing.NO_SHIP: "its ship is missing",
}
NO_SHIP = "no ship that comes fits"
FLAWS = {
    Flaw.DAMAGED: "is damaged",
    Flaw.LOST: "is lost",
    Flaw.IN_CLAIM: "is in claim",
    Flaw.GONE: "is not here any more",
    Flaw.KEEPER_AWAY: "belongs to somebody who does not come",
    Flaw.ELSEWHERE: "flies in another operation then",
}
NOTHING_PLANNED = "Nothing is planned. See: scm operation plan"
NOTHING_KEPT = "There is no template. Keep an operation's plan as one: scm operation save-template OPERATION TITLE"
_KINDS: dict[TextKind, type[Personal]] = {
    TextKind.OBJECTIVE: Objective,
    TextKind.CANCELLATION: Cancellation,
}

OperationArgument = Annotated[str, typer.Argument(metavar="OPERATION", help="Title or the first digits of the id.")]
ZoneOption = Annotated[
    str | None, typer.Option("--zone", metavar="ZONE", help="Show times there, such as Asia/Tokyo; else here.")
]


def list_operations(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over or cancelled too.")] = False,
    templates: Annotated[bool, typer.Option("--templates", help="Templates instead.")] = False,
    zone: ZoneOption = None,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """What is planned and not over, the next first; times as clocks show them here."""
    shown_in = zone_named(zone) if zone else None
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        found, hidden = [each for each in _operations(space) if each.template == templates], 0
        if not everything and not templates:
            there, now_s = len(found), int(time.time())
            found = [each for each in found if not past(each, now_s)]
            hidden = there - len(found)
        rows = [_row(each) for each in sorted(found, key=lambda each: (each.window.starts, each.id))]
        called = _told_apart(found, names.known(OperationId, place, space))
        empty = NOTHING_KEPT if templates else NOTHING_PLANNED
        empty = NOT_IN_YET if not rows and me(place, space) is None else empty
    if as_json:
        say_json(rows)
        return
    say_table(
        ("title", "when", "hours", "stage", "crew", "open slots", "id"),
        [
            (
                called[row["id"]], when(row["starts_s"], shown_in), f"{row['length_s'] / 3600:g}",
                row["stage"] + (" (contested)" if row["contested"] else ""), _crew_told(row), str(row["open_slots"]),
                short(row["id"]),
            )
            for row in rows
        ],
        empty,
    )  # fmt: skip
    say_hidden(hidden)


def show(
    context: typer.Context, operation: OperationArgument, zone: ZoneOption = None, org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """One operation in full: words, slots, who comes, who waits, who was there, and what is contested."""
    shown_in = zone_named(zone) if zone else None
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        one = _operation(place, space, operation)
        told = _row(one) | _details(place, space, one)
    if as_json:
        say_json(told)
        return
    outcome = f" ({told['outcome']})" if told["outcome"] else ""
    say(f"{told['title']}  {told['stage']}{outcome}  {short(told['id'])}")
    say(f"{when(told['starts_s'], shown_in)}, {told['length_s'] / 3600:g} h (planned in {told['zone']})")
    for name in ("rival_titles", "rival_windows", "rival_leads", "rival_stages"):
        if told[name]:
            say(f"contested: {name.removeprefix('rival_')}: {', '.join(map(str, told[name]))}")
    for text in told["texts"]:
        by = f", by {text['by']}" if text["by"] else ""
        say(f"{text['kind']} ({text['standing']}){by}: {indented(text['text'])}")
    for document in told["documents"]:
        about = f"{shlex.quote(told['title'])} --kind {document['kind']}"
        say(f"{document['kind']} document ({counted(document['changes'], 'change')}): scm document show {about}")
    if told["lead"]:
        say(f"led by {told['lead']}")
    slots = [
        {"slot": each["title"], "taken by": each["who"], "wanted": each["note"], "id": each["id"]}
        for each in told["slots"]
    ]
    show_rows(slots, as_json, "No slots yet: scm operation add-crew-slots, add-ship-slot.")
    for standing in Manifest.__struct_fields__:
        if told["answers"][standing]:
            say(f"{standing}: {', '.join(map(str, told['answers'][standing]))}")
    if told["there"]:
        say(f"there: {', '.join(map(str, told['there']))}")
    for shot in told["attendance"]:
        say(f"there at {when(shot['at_s'], shown_in)}: {', '.join(map(str, shot['members'])) or 'nobody'}")


def field(
    context: typer.Context,
    operation: OperationArgument,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="With the whole roster, not only those who answered.")
    ] = False,
    anew: Annotated[bool, typer.Option("--anew", help="As if nobody and no ship had a slot yet.")] = False,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Can we field this? Who and which ship could fill each slot, what is missing, and what fills most of them."""
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        one = _operation(place, space, operation)
        found = can_we_field(space, one.id, int(time.time()), everybody=everybody, anew=anew)
        people, ships = names.register(MemberId, place, space), names.register(ShipId, place, space)
        rows = [
            *(_ship_filled(each, ships, partial(_whose, space, people)) for each in found.ships),
            *(_filled(each, people) for each in found.crew),
        ]
    if as_json:
        say_json({"complete": found.complete, "open": found.open, "slots": rows})
        return
    say_table(
        ("slot", "filled by", "could", "missing"),
        [(row["slot"], str(row["filled"] or ""), _some(row["could"]), row["missing"]) for row in rows],
        "Nothing is asked for: add slots with scm operation add-crew-slots and add-ship-slot.",
    )
    _verdict(found)


def export_calendar(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; .ics")],
    replace: ReplaceFlag = False,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the operations as an iCalendar file, for any calendar; those called off are marked so."""
    check_replaceable(output, is_calendar, replace=replace)
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        found = sorted(
            (each for each in _operations(space) if not each.template), key=lambda each: each.window.starts
        )
        words = _words(place, space, {each.objective: Objective for each in found if each.objective})
        outings = [_outing(each, words.get(each.objective)) for each in found]
        called = next(each.names for each in names.organisations(place) if each.id == space.id)
    try:
        output.write_bytes(calendar(outings, int(time.time()), called[1]))
    except OSError as error:
        raise PrivateFileFailed(path=str(output), act="written", reason=error.strerror) from error
    if as_json:
        say_json({"file": str(output), "operations": len(outings)})
    else:
        remark(f"{counted(len(outings), 'operation')} written to {output}.")


def _operations(space: Space) -> Iterable[Operation]:
    return (one for _, one in space.things(OPERATIONS) if isinstance(one, Operation) and one.id)


def _operation(place: Place, space: Space, text: str) -> Operation:
    found: Any = space.state(OPERATIONS, names.resolve(OperationId, text, place, space))
    if not found.id:
        raise OperationUnknown
    one: Operation = found
    return one


def past(one: Operation, now_s: int) -> bool:
    """Whether it is completed, cancelled, or was never started and its time is over."""
    return one.call.stage in (Stage.COMPLETED, Stage.CANCELLED) or (
        one.call.stage is Stage.PLANNED and one.window.ends <= now_s
    )


def _row(one: Operation) -> Row:
    held, window = manifest(one), one.window
    crew = frozenset(held.crew)
    free = sum(taker(slot, crew) is None for slot in one.crew_slots) + sum(not slot.claims for slot in one.ship_slots)
    rivals = (one.rival_titles, one.rival_windows, one.rival_leads, one.rival_calls, one.rival_objectives)
    return {
        "title": one.title, "starts_s": window.starts, "ends_s": window.ends, "length_s": window.length_s,
        "zone": window.zone, "stage": "template" if one.template else one.call.stage.value,
        "contested": any(rivals),
        "crew": len(held.crew), "places": places(one), "waiting": len(held.waiting), "open_slots": free, "id": one.id,
    }  # fmt: skip


def _told_apart(found: Sequence[Operation], known: Iterable[Named]) -> dict[bytes, str]:
    """By id what each is called: by its title, and where several have that, with the day, as it can be typed."""
    dated, of_one_title = {each.id: each.name for each in known}, Counter(one.title for one in found)
    return {one.id: dated[one.id] if of_one_title[one.title] > 1 else one.title for one in found}


def _crew_told(row: Row) -> str:
    of = f" of {row['places']}" if row["places"] else ""
    return f"{row['crew']}{of}" + (f", {row['waiting']} waiting" if row["waiting"] else "")


def _details(place: Place, space: Space, one: Operation) -> Row:
    people, ships = names.register(MemberId, place, space), names.register(ShipId, place, space)
    held = manifest(one)
    crew = frozenset(held.crew)
    slots = [
        {
            "id": slot.id, "title": f"ship: {slot.title}", "who": [ships.call(each.value) for each in slot.claims],
            "rivals": [], "note": ", ".join(slot.models) + (" (contested)" if len(slot.claims) > 1 else ""),
        }
        for slot in one.ship_slots
    ]  # fmt: skip
    called = slot_names(one)
    for slot in one.crew_slots:
        who, rivals = taker(slot, crew), [people.call(each) for each in rival_takers(slot, crew)]
        slots.append({
            "id": slot.id, "title": called[slot.id], "who": [people.call(who)] if who else [], "rivals": rivals,
            "note": f"contested by {' or '.join(map(str, rivals))}" if rivals else "",
        })  # fmt: skip
    return {
        "rival_titles": list(one.rival_titles), "rival_windows": [_told(each) for each in one.rival_windows],
        "rival_leads": [people.call(each) for each in one.rival_leads],
        "rival_stages": [each.stage.value for each in one.rival_calls],
        "outcome": one.call.outcome.value if one.call.outcome else None,
        "lead": people.call(one.lead) if one.lead else None,
        "texts": _texts(place, space, one, people), "documents": _documents(space, one),
        "slots": slots, "series": one.series,
        "squads": [{"id": each.id, "title": each.title} for each in one.squads],
        "answers": {how: [people.call(each) for each in getattr(held, how)] for how in held.__struct_fields__},
        "there": [people.call(each.value) for each in one.checked_in],
        "attendance": [
            {"at_s": each.at, "members": [people.call(member) for member in each.members]} for each in one.snapshots
        ],
    }  # fmt: skip


def _texts(place: Place, space: Space, one: Operation, people: Register) -> list[Row]:
    """What holds and what stands beside it; of a copy, the words of its source too."""
    kinds = {each.entry: each.kind for each in one.texts}
    authors = {each.entry: each.by for each in one.texts}
    holding = [(one.objective, "holds")] if one.objective else []
    if one.call.stage is Stage.CANCELLED:
        holding.append((one.cancellation, "holds"))
    standing = [*holding, *((entry, "contested") for entry in one.rival_objectives)]
    read = _words(place, space, {entry: _KINDS[kinds.get(entry, TextKind.OBJECTIVE)] for entry, _ in standing})
    for entry in set(read) - set(authors):  # Words of a copy are told by its source.
        authors |= {each.entry: each.by for each in _told_by(space, entry).texts if each.entry == entry}
    return [
        {
            "kind": kinds.get(entry, TextKind.OBJECTIVE).value, "standing": how, "entry": entry,
            "by": people.call(authors[entry]) if entry in authors else None,
            "text": _said(read[entry]),
        }
        for entry, how in standing
        if entry in read
    ]  # fmt: skip


def _documents(space: Space, one: Operation) -> list[Row]:
    """What is written of it in documents, which stand beside its words: which, and how often they were changed."""
    state = space.state(DOCUMENTS, one.id)
    texts = state.texts if isinstance(state, Document) else ()
    return [{"kind": text.kind.value, "changes": text.count} for text in texts]


def _told_by(space: Space, entry: Id32) -> Operation:
    """The operation that an entry is about."""
    opened = space.opened(entry)
    told: Any = space.state(OPERATIONS, opened.shared.entity) if opened and opened.shared else Operation()
    one: Operation = told
    return one


def _words(place: Place, space: Space, wanted: Mapping[Id32, type[Personal]]) -> dict[Id32, Personal]:
    read = Words(place.store, place.vault.held).read(space, wanted)
    return {entry: words for entry, words in read.items() if isinstance(words, Personal)}


def _said(words: Personal) -> str:
    if isinstance(words, Objective):
        return f"{words.objective} ({words.place})" if words.place else words.objective
    return str(getattr(words, "text", ""))


def _told(window: Window) -> str:
    return f"{when(window.starts, UTC)} to {when(window.ends, UTC)} ({window.zone})"


def _whose(space: Space, people: Register, ship: bytes) -> str:
    """Who has a ship: whoever borrowed it, else its owner; empty for a ship that is not here."""
    one = space.state(SHIPS, ship)
    if not isinstance(one, Ship) or one.owner is None:
        return ""
    return str(people.call(one.loan.borrower if one.loan else one.owner.id))


def _ship_filled(each: ShipFilled, ships: Register, whose: Callable[[bytes], str]) -> Row:
    missing = "" if each.missing is None else NO_SHIP if each.missing is Missing.NOBODY else WHY[each.missing]
    flawed = [hull for hull in each.would if hull.flaw and hull.ship != each.lost][:3] if each.missing else []
    for hull in flawed:
        missing += f"; {ships.call(hull.ship)} would, but {FLAWS[hull.flaw or Flaw.GONE]}"
        missing += f" ({whose(hull.ship)})" if hull.flaw is Flaw.KEEPER_AWAY else ""
    if each.lost:
        missing = f"{missing + '; ' if missing else ''}{ships.call(each.lost)} cannot come"
    return {
        "slot": f"ship: {each.slot.title}{_optional(each.slot.optional)}", "id": each.slot.id,
        "filled": ships.call(each.ship) if each.ship else None, "stands": each.stands,
        "could": [ships.call(ship) for ship in each.could], "missing": missing,
    }  # fmt: skip


def _filled(each: CrewFilled, people: Register) -> Row:
    return {
        "slot": f"{each.slot.role}{_optional(each.slot.optional)}", "id": each.slot.id,
        "filled": people.call(each.member) if each.member else None, "stands": each.stands,
        "could": [people.call(member) for member in each.could],
        "missing": WHY[each.missing] if each.missing else "",
    }  # fmt: skip


def _optional(optional: bool) -> str:
    return " (may stay open)" if optional else ""


def _some(called: Sequence[Called]) -> str:
    return ", ".join(map(str, called[:3])) + (f" and {len(called) - 3} more" if len(called) > 3 else "")


def _verdict(found: Fielding) -> None:
    if found.complete:
        remark("Yes: every slot that must be filled can be.")
    else:
        remark(f"Not yet: {counted(found.open, 'slot stays', 'slots stay')} open.")


def _outing(one: Operation, words: Personal | None) -> Outing:
    said = words if isinstance(words, Objective) else Objective()
    status = "CANCELLED" if one.call.stage is Stage.CANCELLED else "CONFIRMED"
    reminders = one.reminders if one.call.stage is Stage.PLANNED else ()
    starts, ends = one.window.starts, one.window.ends
    return Outing(one.id, one.title, starts, ends, said.objective, said.place, status, reminders)
