"""Whether what was recorded is what was signed: `scm audit verify`, on a data folder, a published log, a file.

An author's server keeps what it takes in a log of its own: --intake, in its folder or in PostgreSQL's tables.
"""

import errno
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters.evidence_files import space_file
from scmanager.adapters.folder_mark import FOLDER_ID_FILE
from scmanager.adapters.ledger_source import from_folder
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.space_file import FileUnreadable, read_bytes
from scmanager.adapters.verified_file import VerifiedFile
from scmanager.application import audit_full, audit_paged
from scmanager.auditing import leave_findings
from scmanager.author.intake import FOLDER as INTAKE
from scmanager.author.intake_place import check_place
from scmanager.cli.audit_found import Found, show, told
from scmanager.cli.audit_sources import Evidence, evidence, evidence_in
from scmanager.cli.audit_whose import spaces_in, spaces_of
from scmanager.cli.file_kinds import SPACE, check_kind, kind_of_file
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, progress, remark, say_json, short
from scmanager.cli.session import NoFolder, session_of
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore import audit, audit_published
from scmanager.eventstore.audit_chunk import Finding
from scmanager.eventstore.audit_judge import Ended, Verified, departed, ends_of
from scmanager.eventstore.audit_source import Source, SqliteSource, Tables
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, origin, parse_note
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.sqlite_read_only import ReadOnlySqliteStore
from scmanager.eventstore.store import Store
from scmanager.master_ledger import policy as policies
from scmanager.master_ledger import submission
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, SourceLacks
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.verification import LogNotAccepted
from scmanager.runtime import clock_us
from scmanager.spaces.ledger import entered

EVENTS = "events.db"
AHEAD_S = 26 * 3600
"""A cosignature from further in the future is none."""
OTHERS = {"log-shrunk", "log-replaced"}
"""Of a log that is not, or not all, of what was verified before."""
ALL_OVER = "Something does not hold together with what was verified before: all of it is verified anew."


class OneDepth(Refused):
    """An audit is fast, deep or full."""

    code = "audit-one-depth"
    hint = "Give one of --fast (the default), --deep, --full."


class OptionForOthers(Refused):
    """{option} says nothing about {what}."""

    code = "audit-option-for-others"
    hint = "--policy is for a published log or its mirror, --resume for a data folder. Leave it out here."


class IntakeIsHere(Refused):
    """The log of what was reported is that of the data folder in use; {path} was named as well."""

    code = "audit-intake-is-here"
    hint = "Leave out --intake to audit what was named, or name nothing: scm --data FOLDER audit verify --intake."


class NothingToVerify(Refused):
    """{path} is neither a data folder, nor a published log, nor a space file."""

    code = "audit-nothing-to-verify"
    hint = "Name a folder with events.db or with a checkpoint in it, or what scm space export wrote."


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
    intake: Annotated[
        bool, typer.Option("--intake", help="What was reported to this author, here or in SCM_INTAKE_DSN's tables.")
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
    if intake:
        if target is not None:
            raise IntakeIsHere(path=str(path))
        _check_asked("the intake log", **{"--policy": policy})
        found = _intake(context, path / INTAKE, depth, resume=resume)
    else:
        found = _found(context, path, depth, resume=resume, policy=policy, own=target is None)
    if as_json:
        say_json(told(found))
    else:
        show(found)
    if found.findings:
        if target is None:
            leave_findings(path, tuple(found.findings))
        raise typer.Exit(EXIT_REFUSED)


def _found(context: typer.Context, path: Path, depth: str, *, resume: bool, policy: Path | None, own: bool) -> Found:
    if (path / EVENTS).exists():
        _check_asked("a data folder", **{"--policy": policy})
        found = _folder(context, path, depth, resume=resume)
        if depth == "full" and not found.findings:
            with evidence(context, None if own else path) as read:
                _add_full(found, read)
        return found
    if own:
        raise NoFolder(folder=str(path))
    if (path / CHECKPOINT).is_file():
        _check_asked("a published log", **{"--resume": resume})
        return _published(path, depth, policy)
    if path.is_file():
        _check_asked("a file", **{"--policy": policy, "--resume": resume})
        return _file(context, path, depth)
    if not path.exists():
        raise FileUnreadable(path=str(path), reason=os.strerror(errno.ENOENT))
    raise NothingToVerify(path=str(path))


def _check_asked(what: str, **options: object) -> None:
    """Nothing that was asked goes unanswered. Raises OptionForOthers."""
    for option, given in options.items():
        if given:
            raise OptionForOthers(option=option, what=what)


def _intake(context: typer.Context, path: Path, depth: str, *, resume: bool) -> Found:
    """Its tables are read in place, in one state, and page by page: it grows by millions. It is in clear."""
    dsn, events = session_of(context).settings.intake_dsn, path / EVENTS
    if dsn is None:
        check_place(path, in_database=False, begun=False, held=0)
        if not events.exists():
            return _found(context, path, depth, resume=resume, policy=None, own=False)
        here = SqliteSource(str(events.resolve()))
        return _paged(context, path, here, lambda: ReadOnlySqliteStore(events), depth, resume)
    from scmanager.eventstore.audit_postgres import PostgresSource
    from scmanager.eventstore.postgres import PostgresStore

    tables = PostgresSource(dsn)
    check_place(path, in_database=True, begun=(path / FOLDER_ID_FILE).exists(), held=audit.count(tables))
    return _paged(context, path, tables, lambda: PostgresStore(dsn), depth, resume)


def _paged(
    context: typer.Context, path: Path, source: Source, opens: Callable[[], Store], depth: str, resume: bool
) -> Found:
    kind = "folder" if isinstance(source, SqliteSource) else "database"
    kept = _kept(context, source.name, depth)
    with source.whole() as (tables, same):
        found = _stored(kept, same, opens, kind, depth, resume=resume)
        if depth == "full" and not found.findings:
            _add_pages(context, path, tables, found, opens)
    return found


def _add_pages(context: typer.Context, path: Path, tables: Tables, found: Found, opens: Callable[[], Store]) -> None:
    """Verdicts and statements; what they need more for than a page at a time is read whole."""
    sizes = {(head["log"], head["branch"]): head["size"] for head in found.heads}
    with progress("Judging entries", sum(sizes.values())) as advance:
        judged, left = audit_paged.of_spaces(tables, sizes, clock_us(), advance)
    for space, statements in judged:
        found.spaces.append(space)
        _add_statements(found, statements)
    if left:
        with closing(opens()) as store:
            _add_full(found, evidence_in(context, path, store), left)


def _folder(context: typer.Context, path: Path, depth: str, *, resume: bool) -> Found:
    events = path / EVENTS
    kept = _kept(context, events, depth)
    return _stored(kept, events, lambda: ReadOnlySqliteStore(events), "folder", depth, resume=resume)


def _kept(context: typer.Context, events: Path | str, depth: str) -> VerifiedFile:
    return VerifiedFile(session_of(context).settings.state or state_folder(), events, deep=depth != "fast")


def _stored(
    kept: VerifiedFile, events: Path | Source, opens: Callable[[], Store], kind: str, depth: str, *, resume: bool
) -> Found:
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
        kind,
        depth,
        report.entries,
        report.logs,
        heads,
        [*report.findings, *gone],
        spaces_of(opens, {h.space for h in report.heads}),
        report.pending,
        resumed_after=report.resumed,
    )


def _audited(
    events: Path | Source, depth: str, since: Sequence[Verified], ended: Sequence[Ended], keep: audit.Keep
) -> audit.Report:
    with progress("Verifying entries", audit.count(events)) as advance:
        return audit.verify(events, deep=depth != "fast", advance=advance, since=since, ended=ended, keep=keep)


def _add_full(found: Found, read: Evidence, only: Sequence[bytes] | None = None) -> None:
    """Verdicts, gaps and statements, by the keys that there are; of all spaces, or of these."""
    for space in read.present.spaces():
        if only is not None and space.id not in only:
            continue
        found.spaces.append(audit_full.of_space(space, read.store))
        if space.kind != "author":
            continue
        for log in sorted({head.log for head in read.store.heads(space.id)}):
            said = [(each.index, each.said) for each in entered(space, log)]
            _add_statements(found, [audit_full.of_statements(log, said)])


def _add_statements(found: Found, statements: Sequence[audit_full.StatementsFound]) -> None:
    found.statements += statements
    found.findings += [each for one in statements for each in one.findings]


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
        _add_statements(found, [audit_full.of_statements(report.log, said)])
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
        with evidence(context, path) as whole:
            _add_full(found, whole)
    return found
