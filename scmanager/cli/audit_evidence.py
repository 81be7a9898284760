"""Evidence bundles: entries with all that shows a stranger that they were signed, in one file; and its check.

scm audit bundle --event 1f3a -o treaty.scm-evidence
scm audit check treaty.scm-evidence         (ours; ops/verify_bundle.py needs nothing of ours)
"""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters.private_files import write_private
from scmanager.adapters.space_file import read_bytes
from scmanager.application import evidence as making
from scmanager.application.evidence_check import EntryProved, LogProved, Report, check
from scmanager.application.keys import shared_key_of
from scmanager.application.verbs import OperationId
from scmanager.cli import names
from scmanager.cli.calling import Named, pick
from scmanager.cli.file_kinds import BUNDLE, check_kind
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, counted, remark, say, say_json, say_result, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.targets import check_target
from scmanager.cli.verbs import OrgOption
from scmanager.cli.why import find
from scmanager.errors import Refused, utc
from scmanager.eventstore.evidence import EXTENSION, FILE_BYTES_MAX, Bundle
from scmanager.eventstore.log_tree import LogTree
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

REVEALED = """\
This file opens {entries}: whoever gets it can read that for ever. Nothing takes it back, no erasure either.
It opens nothing else."""
NOT_SHOWN = """\
Not shown: that nothing else stands in the log, that nobody was shown another history, and whether the author of an \
entry had the right. Compare the space's id with what you know of it."""
_RANGE = re.compile(r"(0|[1-9][0-9]{0,15})\.\.(0|[1-9][0-9]{0,15})", re.ASCII)
_MICROSECOND = 10**6
ID_DIGITS_MIN = 16
"""Fewer digits say nothing: whoever makes a space can search for an id that begins with them."""


class OneKindOfEvidence(Refused):
    """Say what the evidence is about, in one of three ways."""

    code = "evidence-about-what"
    hint = "Give --event ID (several times, if of one space), or --log ID with --range A..B, or --operation NAME."


class BadRange(Refused):
    """This is no range of places in a log: {range}."""

    code = "bad-range"
    hint = "Such as 17..20: from entry 17 to entry 20, both included."


def bundle(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help=f"The file to write, such as NAME{EXTENSION}.")
    ],
    events: Annotated[
        list[str] | None, typer.Argument(metavar="[EVENT]...", help="As --event, one after the other.")
    ] = None,
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="ID", help="An event, or the first digits of its id.")
    ] = None,
    log: Annotated[str | None, typer.Option("--log", metavar="LOG", help="A log, or the first digits.")] = None,
    range_: Annotated[str | None, typer.Option("--range", metavar="A..B", help="Which entries of the log.")] = None,
    operation: Annotated[
        str | None, typer.Option("--operation", metavar="NAME", help="All that was said about an operation.")
    ] = None,
    org: OrgOption = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="With the keys of these very parts: readers see what they say.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write evidence about entries: a file that a stranger checks offline, with public keys alone.

    It holds the entries as they were signed, the proof that they stand in their logs, the signed heads, and how each
    log came into the space. What they say stays sealed without --reveal.
    """
    named = [*(events or ()), *(event or ())]
    if sum((bool(named), bool(log and range_), bool(operation))) != 1 or bool(log) != bool(range_):
        raise OneKindOfEvidence
    check_target(output)
    with session_of(context).open() as place:
        space, asked = _asked(place, named, log, range_, operation, org)
        with place.shelf.lock:
            made = making.make(
                space, place.store.heads(space.id), asked,
                lambda head: LogTree(place.store, head, place.settings.data),
                shared_key_of(place.vault) if reveal else None,
            )  # fmt: skip
    write_private(output, made.to_bytes())
    entries = sum(len(each.entries) for each in made.logs)
    told = {"file": str(output), "space": space.id, "logs": len(made.logs), "entries": entries, "asked": len(asked)}
    say_result(told | {"space": space.id.hex()}, as_json=as_json)
    opened = sum(len(one.keys) for each in made.logs for one in each.entries)
    if opened:
        remark(REVEALED.format(entries=counted(opened, "entry", "entries")))


def check_bundle(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")],
    space: Annotated[
        str | None,
        typer.Option("--space", metavar="ID", help="The space it has to be of: 64 hex digits, or the first 16."),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="ID", help="The author's ledger it has to be of.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check an evidence bundle: from the file alone, and everything that is wrong is told."""
    check_kind(file, BUNDLE)
    report = check(Bundle.parse(read_bytes(file, FILE_BYTES_MAX)))
    others = [
        f"it is of the {what} {found.hex() or 'none'}, and {wanted or 'nothing'} was asked for; 16 digits are needed"
        for what, wanted, found in (("space", space, report.space), ("ledger", ledger, report.ledger))
        if wanted is not None and not (len(wanted) >= ID_DIGITS_MIN and found.hex().startswith(wanted.lower()))
    ]
    if as_json:
        say_json(_told(report, others))
    else:
        _print(report, others)
    if others or not report.ok:
        raise typer.Exit(EXIT_REFUSED)


def _asked(
    place: Place, event: list[str], log: str | None, range_: str | None, operation: str | None, org: str | None
) -> tuple[Space, list[Opened]]:
    if event:
        found = [find(place, each) for each in event]
        if len({space.id for space, _ in found}) > 1:
            raise OneKindOfEvidence
        return found[0][0], [opened for _, opened in found]
    if log and range_:
        logs = {head.log: head.space for head in place.store.heads()}
        picked = pick("log", log, [Named(each, ()) for each in logs])
        return place.shelf.space(logs[picked.id]), _within(place.shelf.space(logs[picked.id]), picked.id, range_)
    space = names.organisation(place, org)
    return space, making.about(space, names.resolve(OperationId, operation or "", place, space))


def _within(space: Space, log: bytes, range_: str) -> list[Opened]:
    bounds = _RANGE.fullmatch(range_)
    if not bounds:
        raise BadRange(range=range_)
    return making.within(space, log, int(bounds[1]), int(bounds[2]))


def _told(report: Report, others: list[str]) -> dict[str, Any]:
    return {
        "ok": report.ok and not others,
        "space": report.space,
        "ledger": report.ledger or None,
        "logs": [_told_log(each) for each in report.logs],
        "problems": [
            {"log": each.log or None, "seq": each.seq, "code": each.code, "what": each.what}
            for each in report.problems
        ]
        + [{"log": None, "seq": None, "code": "evidence-other", "what": each} for each in others],
    }


def _told_log(log: LogProved) -> dict[str, Any]:
    entries = [
        {
            "seq": each.seq,
            "id": each.id,
            "hlc": each.hlc,
            "said": each.said.decode("utf-8", "replace") if each.said else None,
        }
        for each in log.entries
    ]
    return {"log": log.log, "size": log.size, "entries": entries, "signatures_not_checked": log.others}


def _print(report: Report, others: list[str]) -> None:
    for problem in report.problems:
        at = f" entry {problem.seq}" if problem.seq is not None else ""
        where = f"log {problem.log.hex()}{at}: " if problem.log else ""
        say(f"{problem.code}: {where}{problem.what}")
    for each in others:
        say(f"evidence-other: {each}")
    if others or not report.ok:
        remark("This proves nothing. Keep the file, and ask whoever made it for another.")
        return
    say(f"space   {report.space.hex()}")
    if report.ledger:
        say(f"ledger  {report.ledger.hex()}")
    for log in report.logs:
        say(f"log     {log.log.hex()}  size {log.size}")
        for one in log.entries:
            say(f"  entry {one.seq}  {short(one.id[:32])}  {utc(one.hlc // _MICROSECOND)}  {_saying(one)}")
        if log.others:
            remark(f"Under its head stand {counted(log.others, 'further signature')}, which were not checked.")
    say("Proved: these entries stand in these logs as their keys signed them, and the space took those logs in.")
    remark(NOT_SHOWN)


def _saying(one: EntryProved) -> str:
    if one.said is None:
        return "(founds the log)" if one.seq == 0 else "(sealed)"
    return one.said.decode("utf-8", "replace")
