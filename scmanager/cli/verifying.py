"""Whether a file is what the author released: `scm verify update` and `scm verify plugin`. Files are enough.

What a proof shows of the ledger is remembered: two proofs that exclude each other are told. So is what the author
said later, as far as this folder holds the ledger (ledger fetch --entries), or the source that is named shows it.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache, partial
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from msgspec import structs

from scmanager import __version__
from scmanager.adapters.ledger_source import Source
from scmanager.adapters.space_file import read_bytes
from scmanager.application import superseded
from scmanager.application.home_ledger import HomeLog, compared, home_logs, registry_of
from scmanager.application.proving import NotEntered
from scmanager.application.published import Head, Published
from scmanager.application.published_registry import take_from
from scmanager.cli import author_files as files
from scmanager.cli.audit_sources import EVENTS_FILE
from scmanager.cli.author_statements import ArtefactArgument
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, progress, remark, say, say_json, say_result
from scmanager.cli.session import Session, session_of
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, Trusting, looked_at, trusting
from scmanager.domain.ledger import Channel, LogKind
from scmanager.errors import Refused, ScManagerError, Unavailable, utc
from scmanager.eventstore import head_fork
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, parse_origin
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.sqlite_read_only import ReadOnlySqliteStore
from scmanager.forensics.called import moment
from scmanager.master_ledger import proof, verification
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.fetching import CHECKPOINT, SourceLacks
from scmanager.master_ledger.registry import Registry
from scmanager.master_ledger.seen import Judged, LedgerRolledBack, Outcome, Seen, judged, signed_head
from scmanager.master_ledger.verification import Artefact, Here, Report

BEHIND: Final = (
    "This source shows {size} entries of its log, {behind} fewer than were seen here."
    " What it lacks lies in this folder."
)
ASKED: Final = " That log was last asked {when}."

ProofOption = Annotated[
    Path | None, typer.Option("--proof", metavar="FILE", help=f"Its proof of logging; else FILE{proof.EXTENSION}.")
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="FROM", help="Fetch keys, head and proof there: an address, or a folder."),
]
InstalledOption = Annotated[
    str, typer.Option("--installed", metavar="X.Y.Z", help="The version it would meet; else this one.")
]


class NotInLedger(Refused):
    """That source knows no statement about this file."""

    code = "file-not-in-ledger"
    hint = "Do not use it, unless another source proves it: the author releases nothing beside his ledger."


class NotInThisLog(NotInLedger):
    """That source shows a log that knows no statement about this file. The ledger has older: {logs}."""

    code = "file-not-in-log"
    hint = (
        "Ask for that one, where it was published: --from OLD. Do not use the file, unless its proof is found there."
    )


class NoProofBeside(Unavailable):
    """No proof of logging lies beside the file: there is no {path}."""

    code = "proof-not-beside"
    hint = "Put it there as it was published, name it (--proof FILE), or have it fetched (--from ADDRESS)."


def update(
    context: typer.Context,
    file: ArtefactArgument,
    manifests: ManifestsChoice = None,
    ledger: LedgerChoice = None,
    policy: PolicyChoice = None,
    proof_file: ProofOption = None,
    source: FromOption = None,
    channel: Annotated[Channel, typer.Option("--channel", help="The channel that is followed.")] = Channel.STABLE,
    installed: InstalledOption = __version__,
    as_json: JsonFlag = False,
) -> None:
    """Prove that a file is an update that the author released, and newer than what is installed.

    Everything that is wrong is told. Without --from nobody is asked: proof and keys are files, or were seen before.
    """
    here = Here(installed, channel, files.now_s())
    given = trusting(context, ledger, manifests, policy)
    _tell(_report(context, verification.verify_update, file, proof_file, source, given, here), as_json=as_json)


def plugin(
    context: typer.Context,
    file: ArtefactArgument,
    manifests: ManifestsChoice = None,
    ledger: LedgerChoice = None,
    policy: PolicyChoice = None,
    proof_file: ProofOption = None,
    source: FromOption = None,
    installed: InstalledOption = __version__,
    as_json: JsonFlag = False,
) -> None:
    """Prove that a file is a plugin that the author passed, and show what it may do."""
    here = Here(installed, Channel.STABLE, files.now_s())
    given = trusting(context, ledger, manifests, policy)
    _tell(_report(context, verification.verify_plugin, file, proof_file, source, given, here), as_json=as_json)


def fork(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The proof, as scm ledger fork writes it.")],
    manifests: ManifestsChoice = None,
    ledger: LedgerChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """Check the proof that a log of the author's signed two histories. Nobody is asked, and nothing is kept."""
    given = trusting(context, ledger, manifests, policy)
    evidence = HeadFork.parse(read_bytes(file, head_fork.PROOF_BYTES_MAX))
    log, point, _ = signed_head(evidence.first, given.seen(given.memory.read()).keys(), given.policy)
    evidence.verify(log.key)
    say_result({"log": log.log.hex(), "size": point.size}, as_json=as_json)
    if not as_json:
        say("Proved: the key of this log signed two histories that exclude each other.")


def _report(
    context: typer.Context,
    verify: Callable[..., Report],
    file: Path,
    proof_file: Path | None,
    source: str | None,
    given: Trusting,
    here: Here,
) -> Report:
    artefact, source_of, behind = files.artefact_of(file), None, None
    if source is None:
        beside = proof_file or file.with_name(file.name + proof.EXTENSION)
        if proof_file is None and not beside.exists():
            raise NoProofBeside(path=str(beside))
        held = read_bytes(beside, proof.FILE_BYTES_MAX)
    else:
        held, source_of, behind = _fetched(context, Source(source), artefact, given)
    shown = source_of.head() if source_of else None

    def look(before: Seen) -> Judged:
        seen = given.seen(before)
        keys = seen.keys()
        homes = _at_home(session_of(context), seen)
        seen, known = structs.astuple(compared(seen, homes, shown))
        outcome = judged(seen, verify(artefact, held, keys, given.policy, here), given.policy, here.now_s)
        registry, log = registry_of(homes, keys, known), None
        beyond = registry_of([each for each in homes if not each.log.final or each.log.log in known], keys)
        if source_of and shown:
            log, size = _take_all(source_of, shown, registry, known)
            known = {**known, log: size}
        report = superseded.judged(outcome.report, registry, known, outcome.seen, log, beyond, here.now_s)
        told = (*report.remarks, behind) if behind else report.remarks
        return structs.replace(outcome, report=structs.replace(report, remarks=told))

    return given.memory.see(look).report


def _fetched(
    context: typer.Context, source: Source, artefact: Artefact, given: Trusting
) -> tuple[bytes, Published, str | None]:
    """The proof, and the ledger of the source under one head, which was held against what was seen; a remark.

    The head is asked for once, after the proof: nobody shows one head to be compared and another to read from.
    """
    try:
        held = source.proof_of(cid(artefact.sha256))
    except (SourceLacks, NotEntered):
        held = b""
    head = cache(partial(source.read, CHECKPOINT))

    def read(path: str, bytes_max: int) -> bytes:
        return head(bytes_max) if path == CHECKPOINT else source.read(path, bytes_max)

    outcome, published = looked_at(given, read), Published(read)
    behind = _behind(context, outcome.problem, published.head(), given) if outcome.problem else None
    if not held:
        shown, _, _ = signed_head(read(CHECKPOINT, NOTE_BYTES_MAX), keys := outcome.seen.keys(), given.policy)
        older = takewhile(lambda log: log != shown, keys.manifest.logs)
        if names := ", ".join(each.log.hex()[:16] for each in older if each.kind is LogKind.LEDGER):
            raise NotInThisLog(logs=names)
        raise NotInLedger
    return held, published, behind


def _behind(context: typer.Context, problem: ScManagerError, shown: Head, given: Trusting) -> str:
    """What to say of a source that shows less than was seen, where what it lacks lies at home, and agrees with it.

    Raises the problem where it does not, or is another one; evidence against the log is kept.
    """
    if not isinstance(problem, LedgerRolledBack):
        raise problem
    log, most = parse_origin(shown.point.origin)[1], problem.facts["seen"]
    assert isinstance(most, int)

    def look(before: Seen) -> Outcome:
        homes = _at_home(session_of(context), before)
        found = compared(before, homes, shown)
        agrees = any(each.log.log == log and each.root(shown.point.size) == shown.point.root for each in homes)
        return Outcome(found.seen, None if agrees and found.known.get(log, 0) >= most else problem)

    outcome = given.memory.see(look)
    if outcome.problem:
        raise outcome.problem
    asked_s = outcome.seen.asked_of(log)
    told = BEHIND.format(size=shown.point.size, behind=most - shown.point.size)
    return told + ASKED.format(when=utc(asked_s)) if asked_s else told


def _take_all(source: Published, shown: Head, registry: Registry, known: Mapping[bytes, int]) -> tuple[bytes, int]:
    """As `take_from`, which may take a while."""
    new = shown.point.size - known.get(parse_origin(shown.point.origin)[1], 0)
    with progress("Reading the ledger", max(new, 0)) as advance:
        return take_from(source, registry, known, advance)


def _at_home(session: Session, seen: Seen) -> list[HomeLog]:
    """What the data folder holds of the ledger's logs; read without keys. Raises as its store."""
    if not (file := session.folder / EVENTS_FILE).exists():
        return []
    with closing(ReadOnlySqliteStore(file)) as store:
        return home_logs(store, seen.keys().ledger_logs(), seen)


def _tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        say_json(_told(report))
    else:
        _print(report)
    if not report.ok:
        raise typer.Exit(EXIT_REFUSED)


def _told(report: Report) -> dict[str, Any]:
    problems = [{"code": each.code, "message": str(each), "hint": each.hint} for each in report.problems]
    said = msgspec.to_builtins(report.said, builtin_types=(bytes,)) if report.said else None
    return {"ok": report.ok, "problems": problems, "remarks": list(report.remarks), "statement": said}


def _print(report: Report) -> None:
    for problem in report.problems:
        say(f"{problem.code}: {problem}")
        remark(problem.hint)
    for each in report.remarks:
        remark(each)
    if not report.ok:
        remark("Do not use this file.")
        return
    for name, value in _told(report)["statement"].items():
        say(f"{name.ljust(21)}  {_spelt(name, value)}")
    say("Good: signed by the author, in his ledger, and this very file.")


def _spelt(name: str, value: Any) -> str:
    """Seconds as a time."""
    if name.endswith("_at") and isinstance(value, int):
        return str(moment(value))
    if isinstance(value, list | tuple):
        return " ".join(value) or "none"
    return value.hex() if isinstance(value, bytes) else str(value)
