"""The log itself: what was recorded, and the proof that it is what was recorded."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from scmanager.application.exchange import Fork, forks_of
from scmanager.application.verbs import MemberId
from scmanager.auditing import leave_findings
from scmanager.cli import names
from scmanager.cli.calling import Register
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, progress, remark, say, say_json, say_table, short
from scmanager.cli.session import NoFolder, Place, session_of
from scmanager.cli.verbs import OrgOption
from scmanager.cli.why import kind_of
from scmanager.eventstore import audit
from scmanager.eventstore.own_tables import GUARD_MISSING
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

FORKED = """\
Either a copy of that machine's folder went on beside it, or its owner shows different people different histories.
Ask whose it is. A machine that is not to be trusted is cut by its owner (scm device cut), a member is removed by who
may (scm member remove). The proof, scm log forks --json, convinces anybody, and holds none of the entries."""


def show(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="The newest N.")] = 20,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only types that begin so, such as member.")
    ] = None,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """What was recorded, the newest last, with whether it counts."""
    with session_of(context).open() as place:
        spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
        found = [(space, each) for space in spaces for each in space.entries()]
        found = [(space, each) for space, each in found if type_ is None or kind_of(each).startswith(type_)]
        found.sort(key=lambda pair: pair[1].order)
        people = {space.id: names.register(MemberId, place, space) for space in spaces}
        rows = [_row(space, each, people[space.id]) for space, each in found[-limit:]]
    if as_json:
        say_json(rows)
        return
    say_table(
        ("when (UTC)", "what", "who", "counts", "id"),
        [(row["time"], row["type"], str(row["who"] or ""), row["reason"] or "yes", short(row["id"])) for row in rows],
        f"Nothing of a type that begins with {type_}. See all: scm log show"
        if type_
        else 'Nothing is recorded yet. Begin with: scm org found "My Org" --handle MyHandle',
    )


def _row(space: Space, opened: Opened, people: Register) -> dict[str, Any]:
    one, verdict = opened.entry, space.verdict(opened.entry.id32)
    standing = space.verdicts.grants.get(opened.shared.by) if opened.shared else None
    when = datetime.fromtimestamp(one.hlc / 1_000_000, UTC)
    return {
        "time": f"{when:%Y-%m-%d %H:%M:%S}", "type": kind_of(opened),
        "who": people.call(standing.grant.member) if standing else None,
        "valid": verdict.valid, "reason": verdict.reason.value if verdict.reason else None,
        "id": one.id32, "log": one.log, "seq": one.seq, "hlc": one.hlc, "position": opened.pos, "space": space.id,
        "entity": opened.shared.entity if opened.shared else None,
    }  # fmt: skip


def forks(context: typer.Context, org: OrgOption = None, as_json: JsonFlag = False) -> None:
    """Logs that signed two histories, with the proof (--json prints it). Without --org: in every space held here.

    A fork is an alarm and voids nothing. Only who holds both histories sees it: exchange files with other members.
    """
    with session_of(context).open() as place:
        spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
        rows = [_fork_row(place, space, each) for space in spaces for each in forks_of(place.store, space)]
    if as_json:
        say_json(rows)
        return
    say_table(
        ("log", "whose", "first entry that differs", "space"),
        [(short(row["log"]), str(row["who"] or ""), str(row["index"]), short(row["space"])) for row in rows],
        "No log that is held here signed two histories. Another member may hold what you do not: compare the heads "
        "that scm log verify prints, or import their export with scm space import.",
    )
    if rows:
        remark(FORKED)


def _fork_row(place: Place, space: Space, found: Fork) -> dict[str, Any]:
    grants = space.verdicts.grants.values()
    owner = next((each.grant.member for each in grants if found.log in each.levels), None)
    return {
        "log": found.log, "who": names.register(MemberId, place, space).call(owner) if owner else None,
        "index": found.index, "space": space.id, "proof": found.proof.decode(),
    }  # fmt: skip


def verify(
    context: typer.Context,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also every note, the chain of every entry and the hash of every part.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Prove that the log is what was signed: every tree is computed anew and compared with its signed head.

    Also, that the store holds our tables and triggers and no others. Needs no keys, only the folder. The kept results
    of commands, by which a repeated command is recognised, are signed by nobody and not covered.

    What no verifier can see is a folder that was rolled back whole, to an older state that was true once: so the
    heads are printed. Compare them with those of another member, or with your notes.
    """
    path = session_of(context).folder / "events.db"
    if not path.exists():
        raise NoFolder(folder=str(path.parent))
    with progress("Verifying entries", audit.count(path)) as advance:
        report = audit.verify(path, deep=deep, advance=advance)
    if as_json:
        say_json(_told(report))
    else:
        _print(report, deep=deep)
    if not report.ok:
        leave_findings(path.parent, report.findings)
        raise typer.Exit(EXIT_REFUSED)


def _told(report: audit.Report) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ok": report.ok,
        "entries": report.entries,
        "logs": report.logs,
        "pending": report.pending,
    }
    told["heads"] = [
        {"space": h.space, "log": h.log, "branch": h.branch, "size": h.size, "root": h.root, "head": h.id}
        for h in report.heads
    ]
    told["findings"] = [{"log": f.log, "seq": f.seq, "code": f.code, "what": f.what} for f in report.findings]
    return told


def _print(report: audit.Report, *, deep: bool) -> None:
    for head in sorted(report.heads, key=lambda head: (head.log, head.branch)):  # To be compared with another's.
        branch = f" branch {head.branch}" if head.branch else ""
        say(f"log {short(head.log)}{branch}  size {head.size}  root {head.root.hex()}")
    for found in report.findings:
        at = f" entry {found.seq}" if found.seq is not None else ""
        where = f"log {found.log.hex()}{at}: " if found.log else ""
        say(f"{found.code}: {where}{found.what}")
    if {found.code for found in report.findings} == {GUARD_MISSING}:
        remark("What was signed holds, but somebody else wrote to the file. The next command makes the guards anew.")
        return
    if not report.ok:
        remark("This is not what was signed. Keep the folder as evidence, and restore the newest backup.")
        return
    extent = "entries, parts, chains and notes" if deep else "signed heads"
    logs = "1 log" if report.logs == 1 else f"{report.logs} logs"
    say(f"Sound: {report.entries} entries in {logs}; {extent} hold.")
    if report.pending:
        waiting = "1 entry waits" if report.pending == 1 else f"{report.pending} entries wait"
        say(f"{waiting} for earlier ones of the same log: not part of it yet, and not verified.")
