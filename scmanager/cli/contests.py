"""What is contested in every space of this folder, in one list; and settling it by number."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from scmanager.application.verbs import CharacterId, FleetId, MemberId, ShipId
from scmanager.application.words import Words
from scmanager.cli import names, people
from scmanager.cli.calling import Called, NameAmbiguous, Named, Register, listed, pick
from scmanager.cli.output import JsonFlag, remark, say_json, say_result, say_table, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import CommandIdOption, OrgOption, read_command_id
from scmanager.domain.clash_fields import id_of
from scmanager.domain.governance import EVERY_RIGHT, needs
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import slot_names
from scmanager.errors import Refused
from scmanager.spaces.contests import CONTESTED, Contested, contests_in, in_words, label, spelt
from scmanager.spaces.personal import Absence
from scmanager.spaces.space import Space

NOTHING = (
    "Nothing is contested. What several set at once, without knowing of each other, would stand here."
    " What was settled: scm contested --settled"
)
NOTHING_SETTLED = "Nothing was contested yet that somebody settled. What is open: scm contested"
BY_ID = {"member": MemberId, "owner": MemberId, "ship": ShipId, "fleet": FleetId, "character": CharacterId}
CALLED_BY_ID = {"member": MemberId, "player": MemberId, "character": CharacterId}
"""Kinds of things whose names are personal words."""

KindOption = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Only things of this kind, such as fleet.")
]
ThingArgument = Annotated[str, typer.Argument(metavar="THING", help="Its name or id, as scm contested shows it.")]
FieldArgument = Annotated[str, typer.Argument(metavar="FIELD", help="Such as name or lead.")]


class KindUnknown(Refused):
    """Nothing that can be contested is of the kind {kind}."""

    code = "contest-kind-unknown"
    hint = f"Kinds: {', '.join(sorted(fold.name for fold in CONTESTED))}."


class FieldNotOpen(Refused):
    """Of {name}, {field} is not contested. Contested: {fields}."""

    code = "contest-field-not-open"
    hint = "Name one of these fields. All that is contested is listed by: scm contested."


class ChoiceUnclear(Refused):
    """{field} has no value number {number}."""

    code = "contest-choice-unclear"
    hint = "Look at the numbers: scm contested. Or give a new value: --value."


def list_contested(
    context: typer.Context,
    org: OrgOption = None,
    kind: KindOption = None,
    settled: Annotated[
        bool, typer.Option("--settled", help="What was contested, with the values that lost.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """What several set at once and nobody decided yet, in all your spaces, and who may settle it."""
    for unknown in {*(kind or ())} - {fold.name for fold in CONTESTED}:
        raise KindUnknown(kind=unknown)
    with session_of(context).open() as place:
        spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
        rows = [row for space in spaces for row in _rows(place, space, kind, settled=settled)]
    if as_json:
        say_json(rows)
        return
    slots = ("slot",) if any(row["part_name"] for row in rows) else ()
    head = ("what", "field", *slots, "no", "value", "who", "when (UTC)", "event")
    say_table(
        head if not settled else (*head, "settled"),
        [line for row in rows for line in _lines(row, settled=settled, slots=bool(slots))],
        NOTHING_SETTLED if settled else NOTHING,
    )
    if rows and not settled:
        for row in rows:
            remark(f"{row['called']}, {' '.join(filter(None, (row['field'], row['part_name'])))}: {_may(row)}")
        remark("Settle one: scm settle THING FIELD --choose NO" + (" --slot SLOT" if slots else ""))


def settle(
    context: typer.Context,
    thing: ThingArgument,
    field: FieldArgument,
    choose: Annotated[int | None, typer.Option("--choose", metavar="NO", help="The value of this number.")] = None,
    value: Annotated[str | None, typer.Option("--value", metavar="VALUE", help="A new value instead.")] = None,
    slot: Annotated[str | None, typer.Option("--slot", metavar="SLOT", help="Which slot of an operation.")] = None,
    org: OrgOption = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Decide what several set at once: for one of the values, or for a new one. The others stay readable."""
    with session_of(context).open() as place:
        space, row = _meant(place, org, thing, field, slot)
        arguments: dict[str, Any] = {"thing": row["thing"], "field": field}
        if row["part"]:
            arguments["slot"] = row["part"]
        if choose is not None:
            arguments["entry"] = _chosen(row, choose)
        if value is not None:
            kind = BY_ID.get(row["noun"])
            arguments["value"] = names.resolve(kind, value, place, space).hex() if kind else value
        result = place.do("settle", space.id, arguments, read_command_id(command_id))
    say_result(result, as_json=as_json)


def _meant(place: Place, org: str | None, thing: str, field: str, slot: str | None) -> tuple[Space, dict[str, Any]]:
    """The one contest that is meant, of all spaces. Raises NameUnknown, NameAmbiguous."""
    spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
    open_ = [(space, row) for space in spaces for row in _rows(place, space, None, settled=False)]
    named = [Named(row["thing"], (row["name"], row["tag"])) for _, row in open_]
    wanted = pick("contested thing", thing, named).id
    fields = [(space, row) for space, row in open_ if row["thing"] == wanted and row["field"] == field]
    if not fields:
        known = dict.fromkeys(row["field"] for _, row in open_ if row["thing"] == wanted)
        raise FieldNotOpen(name=thing, field=field, fields=", ".join(known))
    parts = [Named(row["part"] or b"", (row["part_name"],)) for _, row in fields]
    if len(fields) == 1 and slot is None:
        return fields[0]
    part = pick("contested slot", slot, parts).id if slot else None
    if part is None:
        raise NameAmbiguous(name=field, candidates=listed(parts))
    return next(each for each in fields if each[1]["part"] == part)


def _chosen(row: dict[str, Any], number: int) -> bytes:
    """Raises ChoiceUnclear."""
    values = row["values"]
    if not 1 <= number <= len(values):
        raise ChoiceUnclear(field=row["field"], number=number)
    entry: bytes = values[number - 1]["event"]
    return entry


def _rows(place: Place, space: Space, kinds: list[str] | None, *, settled: bool) -> Iterable[dict[str, Any]]:
    told = Telling(place, space)
    for each in contests_in(space):
        if bool(each.contest.settled) is settled and (not kinds or each.fold.name in kinds):
            yield told.row(each)


class Telling:
    """Tells the contests of one space by name, as far as names and words can be read here."""

    def __init__(self, place: Place, space: Space) -> None:
        self._place, self._space = place, space
        self._named: dict[Any, Register] = {}
        self._me = people.me(place, space)

    def row(self, found: Contested) -> dict[str, Any]:
        """One contest, for programs; people see a part of it."""
        contest, field, right = found.contest, found.field, needs(found.field.says.tag)
        name = self._name(found)
        values = [
            {
                "number": number, "value": self._value(found, rival.value), "value_id": id_of(rival.value),
                "event": rival.entry, "by": self._who(rival.member), "at": _moment(rival.at),
                "holds": rival.value == contest.outcome if contest.settled else number == 1,
            }
            for number, rival in enumerate(contest.rivals, 1)
        ]  # fmt: skip
        settled = {
            "settled_by": self._who(contest.by), "settled_at": _moment(contest.at), "settled_in": contest.settled,
            "outcome": self._value(found, contest.outcome),
        }  # fmt: skip
        return {
            "kind": found.fold.name, "thing": found.entity, "name": name,
            "tag": str(getattr(found.state, "sid", "")),
            "called": f"{found.fold.name} {name or self._instead(found)}",
            "field": contest.field, "part": contest.part or None, "part_name": self._part(found),
            "noun": field.noun, "since": _moment(contest.since), "values": values, "right": right,
            "may_settle": self._may(found, right), "you_may": self._me in self._able(found, right),
            "new_value": field.verb, "space": self._space.id,
        } | (settled if contest.settled else {})  # fmt: skip

    def _name(self, found: Contested) -> str:
        kind = CALLED_BY_ID.get(found.fold.name)
        if kind is None:
            return label(found.state)
        return self._of(kind).call(found.entity).name

    def _instead(self, found: Contested) -> str:
        """What people read where there is no name."""
        kind = CALLED_BY_ID.get(found.fold.name)
        return str(self._of(kind).call(found.entity)) if kind else short(found.entity)

    def _part(self, found: Contested) -> str:
        return slot_names(found.state).get(found.contest.part, "") if isinstance(found.state, Operation) else ""

    def _value(self, found: Contested, value: Any) -> str:
        kind, id_ = found.field.words, id_of(value)
        if kind is not None and isinstance(value, bytes) and value:
            words = Words(self._place.store, self._place.vault.held).read(self._space, {value: kind})[value]
            return f"({words.value})" if isinstance(words, Absence) else in_words(words)
        named = BY_ID.get(found.field.noun)
        return str(self._of(named).call(id_)) if named and id_ else spelt(value)

    def _who(self, member: bytes) -> Called | None:
        return self._of(MemberId).call(member) if member else None

    def _may(self, found: Contested, right: str | None) -> list[Called]:
        return [self._of(MemberId).call(each) for each in self._able(found, right)]

    def _able(self, found: Contested, right: str | None) -> list[bytes]:
        """The owner, and whoever has the right by a grant that stands."""
        owner = found.field.own(found.entity, found.state)
        able = [
            each.grant.member
            for each in self._space.grants()
            if right is not None and each.grant.rights & {right, EVERY_RIGHT}
        ]
        return list(dict.fromkeys([*([owner] if owner else []), *able]))

    def _of(self, kind: Any) -> Register:
        if kind not in self._named:
            self._named[kind] = names.register(kind, self._place, self._space)
        return self._named[kind]


def _lines(row: dict[str, Any], *, settled: bool, slots: bool) -> Iterable[tuple[str, ...]]:
    for each in row["values"]:
        first = each["number"] == 1
        what = (row["called"], row["field"], *((row["part_name"],) if slots else ()))
        value = f"{each['value']} *" if each["holds"] else each["value"]
        yield (
            *(what if first else [""] * len(what)), str(each["number"]), value, str(each["by"] or ""), each["at"],
            short(each["event"]),
            *((f"{row['outcome']}, by {row['settled_by']}" if first else "",) if settled else ()),
        )  # fmt: skip


def _may(row: dict[str, Any]) -> str:
    if row["you_may"]:
        return "you may settle it"
    return (
        f"may be settled by {', '.join(map(str, row['may_settle']))}"
        if row["may_settle"]
        else "nobody may settle it now"
    )


def _moment(micros: int) -> str:
    return f"{datetime.fromtimestamp(micros / 1_000_000, UTC):%Y-%m-%d %H:%M}"
