"""Whether a file is what the author released: `scm verify update` and `scm verify plugin`. Files are enough.

What a proof shows of the ledger is remembered: two proofs that exclude each other are told. So is what the author
said later, as far as this folder holds the ledger (ledger fetch --entries), or the source that is named shows it.
"""

from collections.abc import Callable
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import structs

from scmanager import __version__
from scmanager.adapters.ledger_source import Source
from scmanager.adapters.space_file import read_bytes
from scmanager.application import superseded
from scmanager.application.home_ledger import HomeLog, compared, home_logs, registry_of
from scmanager.application.proving import NotEntered
from scmanager.application.published import Published
from scmanager.application.published_registry import take_from
from scmanager.cli import author_files as files
from scmanager.cli.audit_sources import EVENTS_FILE
from scmanager.cli.author_statements import ArtefactArgument
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, remark, say, say_json, say_result
from scmanager.cli.session import Session, session_of
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, Trusting, followed, trusting
from scmanager.domain.ledger import Channel
from scmanager.errors import Refused, Unavailable
from scmanager.eventstore import head_fork
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.sqlite_read_only import ReadOnlySqliteStore
from scmanager.forensics.called import moment
from scmanager.master_ledger import proof, verification
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.fetching import CHECKPOINT, SourceLacks
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.seen import Judged, Seen, judged, signed_head
from scmanager.master_ledger.verification import Artefact, Here, Report

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
    artefact, source_of = files.artefact_of(file), None
    if source is None:
        beside = proof_file or file.with_name(file.name + proof.EXTENSION)
        if proof_file is None and not beside.exists():
            raise NoProofBeside(path=str(beside))
        held = read_bytes(beside, proof.FILE_BYTES_MAX)
    else:
        held, source_of = _fetched(Source(source), artefact, given)
    shown = source_of.head() if source_of else None

    def look(before: Seen) -> Judged:
        seen = given.seen(before)
        keys = seen.keys()
        homes = _at_home(session_of(context), keys)
        seen, known = structs.astuple(compared(seen, homes, shown))
        outcome = judged(seen, verify(artefact, held, keys, given.policy, here), given.policy, here.now_s)
        registry, log = registry_of(homes, keys, known), None
        if source_of:
            log, size = take_from(source_of, registry, known)
            known = {**known, log: size}
        beyond = registry_of(homes, keys)
        report = superseded.judged(outcome.report, registry, known, outcome.seen, log, beyond, here.now_s)
        return structs.replace(outcome, report=report)

    return given.memory.see(look).report


def _fetched(source: Source, artefact: Artefact, given: Trusting) -> tuple[bytes, Published]:
    """The proof, and the ledger of the source under one head, which was held against what was seen.

    The head is asked for once, after the proof: nobody shows one head to be compared and another to read from.
    """
    try:
        held = source.proof_of(cid(artefact.sha256))
    except (SourceLacks, NotEntered):
        held = b""
    head = cache(partial(source.read, CHECKPOINT))

    def read(path: str, bytes_max: int) -> bytes:
        return head(bytes_max) if path == CHECKPOINT else source.read(path, bytes_max)

    followed(given, read)
    if not held:
        raise NotInLedger
    return held, Published(read)


def _at_home(session: Session, keys: TrustedKeys) -> list[HomeLog]:
    """What the data folder holds of the ledger's logs; read without keys. Raises as its store."""
    if not (file := session.folder / EVENTS_FILE).exists():
        return []
    with closing(ReadOnlySqliteStore(file)) as store:
        return home_logs(store, keys.ledger_logs())


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
    return value.hex() if isinstance(value, bytes) else " ".join(value) if isinstance(value, list) else str(value)
