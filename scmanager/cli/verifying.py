"""Whether a file is what the author released, without a network: `scm verify update` and `scm verify plugin`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from scmanager import __version__
from scmanager.adapters.space_file import read_bytes
from scmanager.cli import author_files as files
from scmanager.cli.author_files import ManifestsOption
from scmanager.cli.author_statements import ArtefactArgument, LedgerOption
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, remark, say, say_json
from scmanager.domain.ledger import Channel
from scmanager.master_ledger import manifest, proof, verification
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.verification import Here, Report

ProofOption = Annotated[
    Path | None, typer.Option("--proof", metavar="FILE", help=f"Its proof of logging; else FILE{proof.EXTENSION}.")
]
NeededPolicy = Annotated[
    Path, typer.Option("--policy", metavar="FILE", help="The witnesses to go by (C2SP tlog-policy).")
]
InstalledOption = Annotated[
    str, typer.Option("--installed", metavar="X.Y.Z", help="The version it would meet; else this one.")
]


def update(
    file: ArtefactArgument,
    manifests: ManifestsOption,
    ledger: LedgerOption,
    policy: NeededPolicy,
    proof_file: ProofOption = None,
    channel: Annotated[Channel, typer.Option("--channel", help="The channel that is followed.")] = Channel.STABLE,
    installed: InstalledOption = __version__,
    as_json: JsonFlag = False,
) -> None:
    """Prove that a file is an update that the author released, and newer than what is installed.

    Everything that is wrong is told. Nobody is asked: keys, proof and policy are files.
    """
    here = Here(installed, channel, files.now_s())
    _tell(_report(verification.verify_update, file, proof_file, manifests, ledger, policy, here), as_json=as_json)


def plugin(
    file: ArtefactArgument,
    manifests: ManifestsOption,
    ledger: LedgerOption,
    policy: NeededPolicy,
    proof_file: ProofOption = None,
    installed: InstalledOption = __version__,
    as_json: JsonFlag = False,
) -> None:
    """Prove that a file is a plugin that the author passed, and show what it may do."""
    here = Here(installed, Channel.STABLE, files.now_s())
    _tell(_report(verification.verify_plugin, file, proof_file, manifests, ledger, policy, here), as_json=as_json)


def _report(
    verify: Callable[..., Report],
    file: Path,
    proof_file: Path | None,
    manifests: Path,
    ledger: str,
    policy: Path,
    here: Here,
) -> Report:
    keys = manifest.walk(files.ledger_id(ledger), files.read_submissions(manifests))
    rules: Policy | None = files.read_policy(policy)
    beside = proof_file or file.with_name(file.name + proof.EXTENSION)
    return verify(files.artefact_of(file), read_bytes(beside, proof.FILE_BYTES_MAX), keys, rules, here)


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
        shown = value.hex() if isinstance(value, bytes) else " ".join(value) if isinstance(value, list) else value
        say(f"{name.ljust(21)}  {shown}")
    say("Good: signed by the author, in his ledger, and this very file.")
