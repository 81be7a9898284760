"""Audit events out of the folder itself: what the owner's machines noticed, and what still waits to be recorded."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from scmanager.adapters.audit_spool import AuditSpool
from scmanager.application.words import Words
from scmanager.cli.output import JsonFlag, remark, say_json, say_table
from scmanager.cli.people import me
from scmanager.cli.session import Place, session_of
from scmanager.domain.audit_event import AuditDetail, Series
from scmanager.domain.audit_types import KINDS, Severity
from scmanager.domain.catalogue import AUDIT
from scmanager.spaces.space import Space

DAY_S = 86_400
LATEST_S = 253_402_300_799
"""The end of the year 9999."""
EMPTY = "Nothing was noted."
EMPTY_NARROWED = "Nothing like that was noted. All that was: scm audit list"
NO_SUCH_TYPE = "No type begins with {type}. There are: {types}."
WAITING = """\
{count} of it waits outside of the log, unsigned, until you have a space of your own, or the running node takes it in.
Such a space comes with your first ship or character: scm import FILE, scm character make NAME"""
_NOWHERE: dict[str, Any] = dict.fromkeys(
    ("id", "version", "region", "source_hash", "payload_hash", "salt", "log", "space")
)
"""What nothing has that is not in the log."""

Row = dict[str, Any]


def list_audit_events(
    context: typer.Context,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only types that begin so, such as permission.")
    ] = None,
    severity: Annotated[Severity, typer.Option("--severity", help="This, or what is worse.")] = Severity.INFO,
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", min=1, help="Only what happened in the last N days.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="The newest N.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """What your machines noticed that matters for security or operation, the newest last.

    Like causes from one source are one line with a count. docs/audit-types.md lists the types and what raises them.
    """
    now = int(time.time())
    with session_of(context).open() as place:
        rows = [*recorded(place), *waiting(place)]
    since = now - days * DAY_S if days else 0
    worse = list(Severity)[list(Severity).index(severity) :]
    rows = [row for row in rows if row["type"].startswith(type_ or "") and row["severity"] in worse]
    rows = sorted((row for row in rows if row["last_s"] >= since), key=lambda row: row["last_s"])[-limit:]
    if as_json:
        say_json(rows)
        return
    say_table(
        ("last (UTC)", "type", "severity", "what", "times", "from", "detail"),
        [
            (_when(row["last_s"]), row["type"], row["severity"], row["code"] or "more, not listed", str(row["count"]),
             row["source"] or "", row["detail"] or "")
            for row in rows
        ],
        _empty(type_ or "", narrowed=bool(days or type_ or severity is not Severity.INFO)),
    )  # fmt: skip
    if waits := sum(row["id"] is None for row in rows):
        remark(WAITING.format(count=waits))


def _empty(type_: str, *, narrowed: bool) -> str:
    if not any(each.startswith(type_) for each in KINDS):
        return NO_SUCH_TYPE.format(type=type_, types=", ".join(sorted(KINDS)))
    return EMPTY_NARROWED if narrowed else EMPTY


def recorded(place: Place) -> Iterator[Row]:
    """What stands in the owner's own spaces."""
    for space in place.personal_spaces():
        if me(place, space):
            yield from _of_space(place, space)


def _of_space(place: Place, space: Space) -> Iterable[Row]:
    found = [(entity, one) for entity, one in space.things(AUDIT) if isinstance(one, Series)]
    words = Words(place.store, place.vault.held).read(
        space, {one.detail: AuditDetail for _, one in found if one.detail}
    )
    for entity, one in found:
        said = words.get(one.detail)
        detail = said if isinstance(said, AuditDetail) else None
        yield {
            "id": entity, "type": one.type.value, "severity": one.severity.value, "code": one.code or None,
            "count": one.count, "first_s": one.first_s, "last_s": one.last_s, "version": one.version or None,
            "region": one.region, "source_hash": one.source or None, "payload_hash": one.payload or None,
            "source": detail.source if detail else None, "detail": detail.text if detail else None,
            "salt": detail.salt if detail else None, "log": one.log, "space": space.id,
        }  # fmt: skip


def waiting(place: Place) -> Iterator[Row]:
    """What waits to be recorded."""
    for cause in AuditSpool(place.settings.data).waiting():
        yield _NOWHERE | {
            "type": cause.type.value, "severity": KINDS[cause.type].severity.value, "code": cause.code,
            "count": cause.count, "first_s": cause.first_s, "last_s": cause.last_s, "source": cause.source,
            "detail": cause.text,
        }  # fmt: skip


def _when(at_s: int) -> str:
    return f"{datetime.fromtimestamp(min(at_s, LATEST_S), UTC):%Y-%m-%d %H:%M:%S}"
