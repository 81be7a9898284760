"""What differs between two states of one space: two points of its history, or what two machines or files hold."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from scmanager.cli.audit_points import NOW, POINT, ZoneOption, read_point, shelf_at
from scmanager.cli.audit_sources import Evidence, FromOption, SpaceOption, evidence
from scmanager.cli.moments import Moment
from scmanager.cli.output import JsonFlag, counted, remark, say, say_json, say_table, short
from scmanager.cli.why import kind_of
from scmanager.domain.epoch import EPOCHS
from scmanager.errors import Refused
from scmanager.forensics.telling import Telling, is_claims
from scmanager.spaces.differing import Changed, Difference, difference
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space
from scmanager.spaces.state_digest import digest_at

SAME = "Nothing differs."
EVENTS_SHOWN = 40
FORKED = (
    "has entries on each side that the other lacks: its writer signed two histories. The proof: scm log forks, in a"
    " folder that took both in; of the author's ledger scm ledger fetch of the one, then of the other, and scm ledger"
    " fork -o FILE"
)

SideArgument = Annotated[
    str, typer.Argument(help=f"{POINT} Or a path as for --from, which may have @ and a point behind it.")
]


class OtherSpace(Refused):
    """{path} does not hold the space {space}."""

    code = "audit-other-space"
    hint = "Compare two states of one space: name what holds it too, or say which with --space."


class Side(msgspec.Struct, frozen=True):
    """One of the two."""

    said: str
    space: Space
    telling: Telling


def diff(
    context: typer.Context,
    a: SideArgument,
    b: SideArgument,
    space: SpaceOption = None,
    source: FromOption = None,
    zone: ZoneOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare two states of one space: which things differ and how, and which events make the difference.

    Each side is a point of this folder's history, or a path: another folder, a space file, a published ledger.
    """
    with ExitStack() as opened:
        own: list[Evidence] = []

        def here() -> Evidence:
            if not own:
                own.append(opened.enter_context(evidence(context, source)))
            return own[0]

        first = _side(opened, context, here, a, space, zone)
        second = _side(opened, context, here, b, first.space.id.hex(), zone)
        found = difference(first.space, second.space)
        told = _told(first, second, found)
    if as_json:
        say_json(told)
        return
    _print(told)


def _side(
    opened: ExitStack, context: typer.Context, here: Any, text: str, wanted: str | None, zone: str | None
) -> Side:
    path, point = _path(text)
    read: Evidence = here() if path is None else opened.enter_context(evidence(context, path))
    if path is not None and wanted is not None and len(wanted) == 64:
        held = {space.id.hex() for space in read.present.spaces()}
        if wanted not in held:
            raise OtherSpace(path=str(path), space=short(wanted))
    present = read.space(wanted)
    at = read_point(point, zone, read, present)
    shelf, past = shelf_at(at, read, present)
    said = at.said if path is None else f"{path.name}, {at.said}"
    return Side(said, past, Telling(read.place(shelf), past))


def _path(text: str) -> tuple[Path | None, str]:
    """The path that is named, and the point behind it; no path where there is none of that name."""
    if Path(text).expanduser().exists():
        return Path(text), NOW
    before, at, after = text.rpartition("@")
    if at and Path(before).expanduser().exists():
        return Path(before), after
    return None, text


def _told(a: Side, b: Side, found: Difference) -> dict[str, Any]:
    things = [_thing(a, b, each) for each in found.things if each.fold is not EPOCHS]
    return {
        "space": a.space.id, "a": _state(a), "b": _state(b), "same": _state(a)["digest"] == _state(b)["digest"],
        "things": things, "events": list(_events(a, b, found)), "forked": list(found.forked),
    }  # fmt: skip


def _state(side: Side) -> dict[str, Any]:
    frontier = side.space.frontier()
    told = {"said": side.said, "frontier": frontier, "digest": digest_at(side.space, frontier)}
    return told | {"closed": side.space.waiting[1]}


def _thing(a: Side, b: Side, changed: Changed) -> dict[str, Any]:
    teller, state = (b, changed.b) if changed.in_b else (a, changed.a)
    name = teller.telling.called(changed.fold, changed.entity, state)
    both = {each: (getattr(changed.a, each), getattr(changed.b, each)) for each in changed.fields}
    told = {each: _pair(a, b, changed, each, one, other) for each, (one, other) in both.items()}
    held = {pair for each, pair in told.items() if not is_claims(*both[each])}
    fields = [
        {"field": each, "a": pair[0], "b": pair[1]}
        for each, pair in told.items()
        if each != "id" and pair[0] != pair[1] and not (pair in held and is_claims(*both[each]))
    ]
    return {
        "kind": changed.fold.name, "name": name, "id": changed.entity, "in_a": changed.in_a, "in_b": changed.in_b,
        "fields": fields,
    }  # fmt: skip


def _pair(a: Side, b: Side, changed: Changed, name: str, one: Any, other: Any) -> tuple[str, str]:
    """In words. Where a side has no such thing, nothing is said of it there, not even what all begin with."""
    if not (changed.in_a and changed.in_b):
        return a.telling.field(name, one) if changed.in_a else "", b.telling.field(
            name, other
        ) if changed.in_b else ""
    return a.telling.beside(name, one, other), b.telling.beside(name, other, one)


def _events(a: Side, b: Side, found: Difference) -> Iterator[dict[str, Any]]:
    for where, side, entries in (("a", a, found.only_a), ("b", b, found.only_b), ("both", b, found.judged)):
        for opened in entries:
            yield _event(where, a, b, side, opened)


def _event(where: str, a: Side, b: Side, side: Side, opened: Opened) -> dict[str, Any]:
    shared, id32 = opened.shared, opened.entry.id32
    grant = side.space.grant(shared.by) if shared else None
    return {
        "in": where, "event": opened.entry.id, "type": kind_of(opened),
        "at": Moment(opened.entry.hlc // 1_000_000).plain(),
        "by": side.telling.who(grant.member) if grant else None, "entity": shared.entity if shared else None,
        "log": opened.entry.log, "seq": opened.entry.seq, "a": _verdict(a.space, id32), "b": _verdict(b.space, id32),
    }  # fmt: skip


def _verdict(space: Space, id32: bytes) -> str | None:
    """`counts`, or why not; None where it is not."""
    verdict = space.verdicts.entries.get(id32)
    if verdict is None:
        return None
    return "counts" if verdict.valid or verdict.reason is None else verdict.reason.value


def _print(told: dict[str, Any]) -> None:
    for side in ("a", "b"):
        say(f"{side}  {told[side]['said']}, digest {short(told[side]['digest'])}")
    lines = []
    for each in told["things"]:
        came = "" if each["in_a"] and each["in_b"] else " (only in b)" if each["in_b"] else " (only in a)"
        what = f"{each['kind']} {each['name']}{came}"
        lines += [
            (what if number == 0 else "", one["field"].replace("_", " "), one["a"], one["b"])
            for number, one in enumerate(each["fields"] or [{"field": "", "a": "", "b": ""}])
        ]
    say_table(("what", "field", "a", "b"), lines, SAME if told["same"] else "No thing differs.")
    events = told["events"]
    if events:
        say_table(
            ("in", "when (UTC)", "event", "by", "in a", "in b", "id"),
            [
                (each["in"], each["at"] or "", each["type"], str(each["by"] or ""), each["a"] or "", each["b"] or "",
                 short(each["event"]))
                for each in events[:EVENTS_SHOWN]
            ],
            "",
        )  # fmt: skip
    if len(events) > EVENTS_SHOWN:
        remark(f"{counted(len(events) - EVENTS_SHOWN, 'more event')}; all of them: --json")
    for side in ("a", "b"):
        if told[side]["closed"]:
            remark(f"In {side} {counted(told[side]['closed'], 'entry is', 'entries are')} closed for want of a key.")
    for log in told["forked"]:
        remark(f"Log {short(log)} {FORKED}")
