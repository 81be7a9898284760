"""Which law applies where the owner is, and what it asks for: out of a table with its sources."""

import hashlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters import territories
from scmanager.adapters.private_files import write_private
from scmanager.cli.audit_events import DAY_S, recorded
from scmanager.cli.output import JsonFlag, ask, remark, say, say_json, say_result
from scmanager.cli.questions import YesFlag
from scmanager.cli.session import Place, session_of
from scmanager.cli.targets import check_target
from scmanager.config import REGIONS
from scmanager.domain.audit_types import AuditType
from scmanager.domain.law import Notice, duties_in, notices_in
from scmanager.errors import Refused, utc

UNKNOWN = "Where you are is not known, so the strictest of all duties apply. To say it: scm privacy region CODE"
NONE_HERE = "This table knows no law for {name}, which does not say that there is none. The program does the same."
NO_ADVICE = "By the table of {version} ({hash}). It is no legal advice."
BREACH = frozenset(
    {AuditType.INTEGRITY_FAILURE, AuditType.PERMISSION_VIOLATION, AuditType.SANDBOX_ESCAPE, AuditType.P2P_MISMATCH}
)
"""Types of audit events that may be about a breach."""
TO_FILL = "(to be filled in)"

RegionOption = Annotated[
    str | None, typer.Option("--region", metavar="CODE", help="As ISO 3166-1 spells it, such as DE; else yours.")
]


class RegionUnknown(Refused):
    """There is no region {typed}."""

    code = "region-unknown"
    hint = "Two letters as ISO 3166-1 alpha-2 spells them, such as DE, GB or US."


def region(
    context: typer.Context,
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="Such as DE; none: forget it. Without it: what is known.")
    ] = None,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Say where you are, or see what is known. It is kept as a hash that only this machine can read."""
    with session_of(context).open() as place:
        secret, folder = secret_of(place), place.settings.data
        known, guess = here(place), territories.suggested()
        if code is None and known is None and guess and not as_json and (yes or sys.stdin.isatty()):
            name = territories.table().territories[guess].name
            if not yes:
                ask(f"By its settings this machine is in {name} ({guess}). Is that so?")
            code = guess
        if code is not None and code.lower() == "none":
            territories.forget_region(folder)
            known = place.settings.region
        elif code is not None:
            known = _checked(code)
            territories.keep_region(folder, secret, known)
    say_result({"region": known or "unknown", "suggested": guess or "none"}, as_json=as_json)


def duties(context: typer.Context, region_: RegionOption = None, as_json: JsonFlag = False) -> None:
    """Which duties the law lays on whoever holds personal data where you are, why, and what here does them."""
    where = _checked(region_) if region_ else _here(context)
    table = territories.table()
    found = duties_in(table, where)
    if as_json:
        say_json(
            {
                "region": where, "version": table.version, "source": territories.SOURCE, "table": table.hash,
                "duties": [
                    {"duty": each.duty.key, "kind": each.duty.kind.value, "what": each.duty.what,
                     "answer": each.duty.answer, "by": [
                         {"law": law.key, "at": at, "title": law.title, "reference": law.reference,
                          "since": law.since} for law, at in each.by]}
                    for each in found
                ],
            }
        )  # fmt: skip
        return
    for each in found:
        say(f"{each.duty.kind}: {each.duty.what}")
        say(f"    Here: {each.duty.answer}")
        for law, at in each.by:
            say(f"    {law.title}, {at}: {law.reference}; applies since {law.since}.")
    if where is None:
        remark(UNKNOWN)
    elif not found:
        remark(NONE_HERE.format(name=table.territories[where].name))
    remark(NO_ADVICE.format(version=table.version, hash=table.hash.hex()[:12]))


def breach(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the draft there.")
    ] = None,
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, help="Of the last N days.")] = 30,
    region_: RegionOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Draft what the law asks to be told of a breach, from what your machines noticed. Read it before you send it."""
    if output is not None:
        check_target(output)
    now_s = int(time.time())
    with session_of(context).open() as place:
        where = _checked(region_) if region_ else here(place)
        rows = [row for row in recorded(place) if row["type"] in BREACH and row["last_s"] >= now_s - days * DAY_S]
    rows.sort(key=lambda row: row["first_s"])
    notices = notices_in(territories.table(), where)
    if as_json:
        say_json({"region": where, "notices": notices, "events": rows})
        return
    text = "\n".join(_draft(each, rows, now_s) for each in notices)
    if output is not None:
        write_private(output, text.encode())
        say_result({"file": str(output), "events": len(rows)}, as_json=False)
    else:
        say(text)
    if not notices:
        remark(NONE_HERE.format(name=where))
    if not rows:
        remark("Nothing of the kind was noted: look at scm audit list, and fill in what you know.")


def here(place: Place) -> str | None:
    """Where the owner said that he is: SCM_REGION, or what he confirmed."""
    return place.settings.region or territories.kept_region(place.settings.data, secret_of(place))


def secret_of(place: Place) -> bytes:
    """32 bytes of this installation, for the hash of its region alone."""
    return hashlib.sha3_256(b"scm/region-secret/1\n" + place.identity.vault_secret).digest()


def _here(context: typer.Context) -> str | None:
    with session_of(context).open() as place:
        return here(place)


def _checked(typed: str) -> str:
    """Raises RegionUnknown."""
    code = typed.upper()
    if code not in REGIONS:
        raise RegionUnknown(typed=typed)
    return code


def _draft(notice: Notice, rows: list[dict[str, Any]], now_s: int) -> str:
    noticed = rows[0]["first_s"] if rows else now_s
    lines = [f"# Notice to {notice.to} ({notice.at})", ""]
    if notice.within_s:
        lines += [f"Due by {utc(noticed + notice.within_s)}, if it was first noticed at {utc(noticed)}.", ""]
    else:
        lines += ["Due without delay, if the risk to them is high.", ""]
    for each in notice.says:
        lines += [f"## {each}", "", TO_FILL, ""]
    if notice.within_s:
        lines += ["## What was noted", ""]
        lines += [
            f"- {datetime.fromtimestamp(row['first_s'], UTC):%Y-%m-%d %H:%M} UTC: {row['type']}"
            f" ({row['code'] or 'several'}), {row['count']} times, severity {row['severity']}"
            for row in rows
        ]  # fmt: skip
    return "\n".join(lines)
