"""Runs that wait: entries that came without the earlier ones of their log, and count for nothing until then."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from scmanager.application.pieces import RunGone, dropped_rows, pending_rows
from scmanager.cli import names
from scmanager.cli.output import JsonFlag, ask, counted, remark, say_json, say_result, say_table, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption

NOTHING = "Nothing waits: of every log that is held here, the earlier entries are here too."
COME_IN = (
    "Nothing is lost. Import a whole export of the space (scm space export), and they come in by themselves. What "
    "will never come in can be let go: scm space discard NUMBER"
)


def list_pending(context: typer.Context, org: OrgOption = None, as_json: JsonFlag = False) -> None:
    """Entries that wait for earlier ones of their log, and those that proved wrong and were dropped.

    Without --org: of every space held here. What waits counts for nothing, and takes room: 10,000 entries a log.
    """
    with session_of(context).open() as place:
        spaces = {names.organisation(place, org).id} if org else {space.id for space in place.shelf.spaces()}
        waiting, dropped = _rows(place, spaces)
    if as_json:
        say_json({"waiting": waiting, "dropped": dropped})
        return
    say_waiting(waiting, NOTHING)
    if waiting:
        remark(COME_IN)
    _say_dropped(dropped)


def discard(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As scm space pending shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Let entries go that wait for earlier ones, or strike dropped ones off the list.

    Nothing remembers them: brought again, they wait again. What counts is never touched.
    """
    with session_of(context).open() as place:
        waiting, dropped = _rows(place, {space.id for space in place.shelf.spaces()})
        found = next((row for row in (*waiting, *dropped) if row["number"] == number), None)
        if found is None or not number:
            raise RunGone(number=number)
        if "why" in found and not yes:
            ask(
                f"Let entries {found['from']} to {found['to']} of log {short(found['log'])} go? "
                "Only another copy of that log brings them back."
            )
        left = place.exchange.discard(bytes.fromhex(found["space"]), number)
    say_result({"number": number, "log": found["log"], "waiting": left}, as_json=as_json)


def say_brought(waiting: list[dict[str, Any]], dropped: list[dict[str, Any]]) -> None:
    """After an import: what waits in its space, and what proved wrong."""
    if waiting:
        say_waiting(waiting, "")
        count = sum(row["entries"] for row in waiting)
        wait = counted(count, "entry waits and does", "entries wait and do")
        remark(f"{wait} not count: earlier entries of that log are missing. {COME_IN}")
    _say_dropped(dropped)


def say_waiting(rows: list[dict[str, Any]], empty: str) -> None:
    """A table of runs."""
    say_table(
        ("number", "space", "log", "waiting", "entries", "bytes", "since (UTC)", "why"),
        [(str(row["number"]), short(row["space"]), short(row["log"]), str(row["entries"]),
          f"{row['from']} to {row['to']}", str(row["bytes"]), _moment(row["since_s"]), row["why"]) for row in rows],
        empty,
    )  # fmt: skip


def _say_dropped(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        known = f" (number {row['number']})" if row["number"] else ""
        remark(f"Dropped entries {row['from']} to {row['to']} of log {short(row['log'])}{known}: {row['reason']}")


def _rows(place: Place, spaces: set[bytes]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    waiting = [row for space in sorted(spaces) for row in pending_rows(place.store, space)]
    return waiting, dropped_rows(each for each in place.store.pending.dropped() if each.space in spaces)


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}" if seconds else ""
