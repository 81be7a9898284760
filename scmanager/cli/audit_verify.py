"""Whether what was recorded is what was signed: `scm audit verify`, on a data folder, a published log, a file."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from scmanager.adapters.evidence_files import space_file
from scmanager.adapters.ledger_source import from_folder
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.space_file import read_bytes
from scmanager.adapters.verified_file import VerifiedFile
from scmanager.application import audit_full
from scmanager.application.audit_full import SpaceFound, StatementsFound
from scmanager.auditing import leave_findings
from scmanager.cli.audit_sources import evidence
from scmanager.cli.audit_whose import spaces_in, spaces_of
from scmanager.cli.file_kinds import SPACE, check_kind, kind_of_file
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, counted, progress, remark, say, say_json, short
from scmanager.cli.session import NoFolder, session_of
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore import audit, audit_published
from scmanager.eventstore.audit_chunk import Finding
from scmanager.eventstore.audit_judge import Ended, Verified, departed, ends_of
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, origin, parse_note
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.own_tables import GUARD_MISSING
from scmanager.master_ledger import policy as policies
from scmanager.master_ledger import submission
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, SourceLacks
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.verification import LogNotAccepted
from scmanager.runtime import clock_us
from scmanager.spaces.ledger import entered

EVENTS = "events.db"
HOLDS = {
    ("folder", "fast"): "signed heads",
    ("folder", "deep"): "entries, parts, chains and notes",
    ("folder", "full"): "entries, parts, chains, notes and signatures",
    ("published", "fast"): "tiles and the signed head",
    ("published", "deep"): "tiles, entries, parts, chains, manifests and the signed head",
    ("published", "full"): "tiles, entries, parts, chains, manifests and every signature",
    ("file", "fast"): "entries, parts, chains and notes",
    ("file", "deep"): "entries, parts, chains and notes",
    ("file", "full"): "entries, parts, chains, notes and signatures",
}
"""What was found to hold, by what was looked at and how."""
BESIDE_MAX = 8
"""Names of what was not looked at."""
AHEAD_S = 26 * 3600
"""A cosignature from further in the future is none."""
RESUMED = """\
{entries} of it were verified before and not read again: what was changed there since is found without --resume."""
OTHERS = {"log-shrunk", "log-replaced"}
"""Of a log that is not, or not all, of what was verified before."""
ALL_OVER = "Something does not hold together with what was verified before: all of it is verified anew."
NOT_HERE = """\
Of space {space} {parts} cannot be found, and no erasure explains it: what did not come yet, or was taken away."""


class OneDepth(Refused):
    """An audit is fast, deep or full."""

    code = "audit-one-depth"
    hint = "Give one of --fast (the default), --deep, --full."


class OptionForOthers(Refused):
    """{option} says nothing about {what}."""

    code = "audit-option-for-others"
    hint = "--policy is for a published log or its mirror, --resume for a data folder. Leave it out here."


class NothingToVerify(Refused):
    """{path} is neither a data folder, nor a published log, nor a space file."""

    code = "audit-nothing-to-verify"
    hint = "Name a folder with events.db or with a checkpoint in it, or what scm space export wrote."


class Found(msgspec.Struct):
    """What an audit told so far."""

    kind: str
    depth: str
    entries: int
    logs: int
    heads: list[dict[str, Any]]
    """Each with space, log, branch, size and, where it was computed, root."""
    findings: list[Finding]
    whose: dict[bytes, str] = {}
    """Spaces in words."""
    pending: int = 0
    others: int = 0
    beside: tuple[str, ...] = ()
    resumed_after: int = 0
    spaces: list[SpaceFound] = []
    statements: list[StatementsFound] = []
    cosigned: list[str] = []


def verify(
    context: typer.Context,
    target: Annotated[
        Path | None,
        typer.Argument(metavar="[PATH]", help="Another data folder, a published log or its mirror, a space file."),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Trees and signed heads. The default.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Also ids, chains, every part and every older head.")] = False,
    full: Annotated[
        bool,
        typer.Option("--full", help="Also every signature, what counts and what not, and which gaps are lawful."),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an audit of this data folder ended or was broken off.")
    ] = False,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", metavar="FILE", help="Of a published log: who must have cosigned (C2SP tlog-policy)."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Prove that everything here is what was signed. Reads, and writes nothing there.

    Exit code 0: all of it holds. 1: something does not, and each such thing is a line. A full audit of a data folder
    needs its keys, anything else needs none. What no audit can see is a folder that was rolled back whole, to an
    older state that was true once, unless --resume remembers a longer log, or another: compare the printed heads.
    """
    if fast + deep + full > 1:
        raise OneDepth
    depth = "full" if full else "deep" if deep else "fast"
    path = session_of(context).folder if target is None else target.expanduser().absolute()
    found = _found(context, path, depth, resume=resume, policy=policy, own=target is None)
    if as_json:
        say_json(_told(found))
    else:
        _print(found)
    if found.findings:
        if target is None:
            leave_findings(path, tuple(found.findings))
        raise typer.Exit(EXIT_REFUSED)


def _found(context: typer.Context, path: Path, depth: str, *, resume: bool, policy: Path | None, own: bool) -> Found:
    if (path / EVENTS).exists():
        _check_asked("a data folder", **{"--policy": policy})
        found = _folder(context, path, depth, resume=resume)
        if depth == "full" and not found.findings:
            _add_full(context, found, None if own else path)
        return found
    if own:
        raise NoFolder(folder=str(path))
    if (path / CHECKPOINT).is_file():
        _check_asked("a published log", **{"--resume": resume})
        return _published(path, depth, policy)
    if path.is_file():
        _check_asked("a file", **{"--policy": policy, "--resume": resume})
        return _file(context, path, depth)
    raise NothingToVerify(path=str(path))


def _check_asked(what: str, **options: object) -> None:
    """Nothing that was asked goes unanswered. Raises OptionForOthers."""
    for option, given in options.items():
        if given:
            raise OptionForOthers(option=option, what=what)


def _folder(context: typer.Context, path: Path, depth: str, *, resume: bool) -> Found:
    events = path / EVENTS
    settings = session_of(context).settings
    kept = VerifiedFile(settings.state or state_folder(), events, deep=depth != "fast")
    since = kept.read() if resume else ()
    ended = ends_of(kept.ended, since)
    report = _audited(events, depth, since, ended, kept.keep)
    if since and not report.ok and not OTHERS & {each.code for each in report.findings}:
        remark(ALL_OVER)
        reached: list[Verified] = []
        report = _audited(events, depth, (), ended, reached.append)
        if not OTHERS & {each.code for each in report.findings}:
            kept.begin_anew(reached)
    other = [each for each in report.findings if each.code in OTHERS]
    gone = departed(ended, {(h.log, h.branch): h.size for h in report.heads})
    gone = [each for each in gone if each.log not in {known.log for known in other}]
    if report.ok and not gone:
        kept.ended = tuple(Ended(h.log, h.branch, h.size, h.root) for h in report.heads)
        kept.write()
    elif not gone and not other:  # Those are told each time, until an audit without --resume begins anew.
        kept.forget()
    heads = [
        {"space": h.space, "log": h.log, "branch": h.branch, "size": h.size, "root": h.root}
        for h in sorted(report.heads, key=lambda head: (head.log, head.branch))
    ]
    return Found(
        "folder",
        depth,
        report.entries,
        report.logs,
        heads,
        [*report.findings, *gone],
        spaces_of(events, {h.space for h in report.heads}),
        report.pending,
        resumed_after=report.resumed,
    )


def _audited(
    events: Path, depth: str, since: Sequence[Verified], ended: Sequence[Ended], keep: audit.Keep
) -> audit.Report:
    with progress("Verifying entries", audit.count(events)) as advance:
        return audit.verify(events, deep=depth != "fast", advance=advance, since=since, ended=ended, keep=keep)


def _add_full(context: typer.Context, found: Found, source: Path | None) -> None:
    """Verdicts, gaps and statements, by the keys that there are."""
    with evidence(context, source) as read:
        for space in read.present.spaces():
            found.spaces.append(audit_full.of_space(space, read.store))
            if space.kind != "author":
                continue
            for log in sorted({head.log for head in read.store.heads(space.id)}):
                said = [(each.index, each.said) for each in entered(space, log)]
                found.statements.append(audit_full.of_statements(log, said))
    found.findings += [each for one in found.statements for each in one.findings]


def _published(path: Path, depth: str, policy: Path | None) -> Found:
    first, point = audit_published.head_of(path)
    asked = None if policy is None else policies.parse(read_bytes(policy, policies.FILE_BYTES_MAX))
    with progress("Verifying entries", point.size) as advance:
        report = audit_published.verify(path, deep=depth != "fast", advance=advance)
    head = {"space": first.space, "log": report.log, "branch": 0, "size": report.size, "root": report.root}
    found = Found("published", depth, report.size, 1, [head], [*report.findings], others=report.others)
    found.beside, found.whose = report.beside, {first.space: f"the author's ledger, space {short(first.space)}"}
    if asked is not None:
        _cosigned(path, first, asked, found)
    if depth == "fast":
        return found
    said = list(audit_full.read_statements(report.statements))
    found.findings += _wrong_manifests(path, report.log, said)
    if depth == "full":
        statements = audit_full.of_statements(report.log, said)
        found.statements.append(statements)
        found.findings += statements.findings
    return found


def _wrong_manifests(path: Path, log: bytes, said: list[tuple[int, submission.Submission]]) -> list[Finding]:
    """The manifests beside the checkpoint are those in the log, in their order."""
    wanted = submission.encode(audit_full.manifests_among(said))
    try:
        held = from_folder(path)(MANIFESTS, submission.FILE_BYTES_MAX)
    except SourceLacks:
        held = b""
    if held == wanted:
        return []
    return [Finding(log, None, "manifests-differ", "the file manifests is not what the log says")]


def _cosigned(path: Path, first: Entry, asked: Policy, found: Found) -> None:
    """What the policy asks for, whatever the depth."""
    log, note = first.log, parse_note(read_bytes(path / CHECKPOINT, NOTE_BYTES_MAX))
    if first.genesis is not None and not asked.accepts_log(origin(first.space, log), first.genesis.key):
        found.findings.append(Finding(log, None, LogNotAccepted.code, str(LogNotAccepted())))
    try:
        cosigned = asked.cosigned(note, int(time.time()) + AHEAD_S)
    except Untrusted as error:
        found.findings.append(Finding(log, None, error.code, str(error)))
        return
    found.cosigned += sorted(each.decode("utf-8", "replace") for each in cosigned)
    if not asked.is_met(cosigned):
        what = "the witnesses that cosigned the head are no quorum"
        found.findings.append(Finding(log, None, "not-witnessed", what))


def _file(context: typer.Context, path: Path, depth: str) -> Found:
    """A space file is verified whole, whatever the depth: it comes from somebody else."""
    check_kind(path, SPACE)
    if not kind_of_file(path):
        raise NothingToVerify(path=str(path))
    try:
        with progress("Verifying entries", None):
            read = space_file(path, clock_us)
    except Untrusted as error:
        return Found("file", depth, 0, 0, [], [Finding(b"", None, error.code, str(error))])
    heads = [
        {"space": head.space, "log": head.log, "branch": head.branch, "size": head.size}
        for head in read.store.heads()
    ]
    logs = len({head["log"] for head in heads})
    whose = spaces_in(read.store, (head.space for head in read.store.heads()))
    found = Found("file", depth, read.store.last_pos(), logs, heads, [], whose)
    if depth == "full":
        _add_full(context, found, path)
    return found


def _told(found: Found) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ok": not found.findings, "kind": found.kind, "depth": found.depth, "entries": found.entries,
        "logs": found.logs, "pending": found.pending, "other_files": found.others, "beside": list(found.beside),
        "resumed_after": found.resumed_after, "heads": found.heads, "cosigned": found.cosigned,
        "findings": [msgspec.structs.asdict(each) for each in found.findings],
    } | {"cosigned": found.cosigned}  # fmt: skip
    if found.depth == "full":
        told["spaces"] = [
            msgspec.structs.asdict(each) | {"erasures": [msgspec.structs.asdict(one) for one in each.erasures]}
            for each in found.spaces
        ]
        told["statements"] = [
            {"ledger": each.ledger or None, "manifests": each.manifests, "signed": each.signed, "void": each.void}
            for each in found.statements
        ]
    return told


def _print(found: Found) -> None:
    for head in found.heads:  # To be compared with another's.
        branch = f" branch {head['branch']}" if head["branch"] else ""
        root = f"  root {head['root'].hex()}" if "root" in head else ""
        whose = f" of {found.whose[head['space']]}" if head["space"] in found.whose else ""
        say(f"log {short(head['log'])}{branch}{whose}  size {head['size']}{root}")
    for each in found.findings:
        at = f" entry {each.seq}" if each.seq is not None else ""
        where = f"log {each.log.hex()}{at}: " if each.log else ""
        say(f"{each.code}: {where}{each.what}")
    for space in found.spaces:
        _print_space(space)
    for one in found.statements:
        if one.ledger:
            said = f"{counted(one.signed, 'statement')} signed as they must be, {one.void} without effect"
            say(f"ledger {short(one.ledger)}: {counted(one.manifests, 'key manifest')}, {said}")
    if found.cosigned:
        say(f"cosigned by {', '.join(found.cosigned)}")
    if found.resumed_after:
        remark(RESUMED.format(entries=counted(found.resumed_after, "entry", "entries")))
    if found.pending:
        remark(f"{counted(found.pending, 'entry', 'entries')} that wait for earlier ones were not verified.")
    if found.others:
        where = ", ".join(found.beside[:BESIDE_MAX]) + (" ..." if len(found.beside) > BESIDE_MAX else "")
        remark(f"{counted(found.others, 'file was', 'files were')} not looked at, beside the log: {where}")
    if {each.code for each in found.findings} == {GUARD_MISSING}:
        remark("What was signed holds, but somebody else wrote to the file. The next command makes the guards anew.")
    elif found.findings:
        remark("This is not what was signed. Keep it as evidence, and restore a backup or copy it again.")
    else:
        logs = counted(found.logs, "log")
        say(f"Sound: {counted(found.entries, 'entry', 'entries')} in {logs}; {HOLDS[found.kind, found.depth]} hold.")


def _print_space(space: SpaceFound) -> None:
    void = ", ".join(f"{count} {reason}" for reason, count in sorted(space.void.items())) or "none"
    sealed = f", {space.sealed} sealed for this reader" if space.sealed else ""
    say(f"space {short(space.space)}: {counted(space.valid, 'entry', 'entries')} that count; void: {void}{sealed}")
    for each in space.erasures:
        keys = counted(each.keys, "key")
        say(f"  erased by {short(each.event)}, ground {each.ground}: {counted(each.parts, 'part')} under {keys} of "
            f"{each.subject.hex()}")  # fmt: skip
    if space.not_here:
        remark(NOT_HERE.format(space=short(space.space), parts=counted(space.not_here, "part")))
