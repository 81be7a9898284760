"""`scm ledger mirror`: a copy of the ledger that anybody may keep and serve; nothing in it needs to be believed."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters.ledger_source import Source
from scmanager.adapters.mirror_beside import mirror_intake, mirror_statistics
from scmanager.adapters.mirror_folder import mirror
from scmanager.cli import author_files as files
from scmanager.cli.output import JsonFlag, progress, remark, say_result
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, followed, trusting
from scmanager.domain.statistics import DAY_S
from scmanager.errors import Unavailable
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, parse_note
from scmanager.master_ledger import submission
from scmanager.master_ledger.fetching import CHECKPOINT
from scmanager.master_ledger.seen import signed_head


def mirror_ledger(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="An address, or a folder: the author's or a mirror's.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is not there; later only added to.")],
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """Copy the ledger, or what is new of it; every file is checked against the signed head. Then: scm ledger serve.

    With it come the published statistics, and of the log of reports the hashes; its entries are nobody's to see.
    What was broken off goes on where it was. Others may mirror the mirror, and verify files with it (--from).
    """
    given = trusting(context, ledger, manifests, policy)
    read = cache(Source(source).read)
    held = followed(given, read)
    note = read(CHECKPOINT, NOTE_BYTES_MAX)
    log, _, _ = signed_head(note, held.keys(), given.policy)
    size = Checkpoint.parse(parse_note(note).text).size

    def fresh(path: str, bytes_max: int) -> bytes:
        return Source(source).read(path, bytes_max)  # Each file has its time, and all of them as long as they take.

    with progress("Copying entries", size) as advance:
        done = mirror(
            fresh, note, submission.encode(held.manifests), folder, advance,
            witnesses=tuple(given.policy.witnesses.values()), until_s=files.now_s(),
            log_key=log.key,
        )  # fmt: skip
    told: dict[str, Any] = {"folder": str(folder), "size": done.size, "files": done.files}
    beside = submission.encode(held.manifests), given.policy
    lacking: Unavailable | None = None
    try:
        intake = mirror_intake(fresh, held.keys(), *beside, folder, log.log, files.now_s())
        told |= {"intake": intake.size, "files": told["files"] + intake.files} if intake else {"intake": 0}
        now_s = files.now_s()
        told["files"] += mirror_statistics(fresh, held.keys(), given.policy, folder, now_s, now_s // DAY_S)
    except Unavailable as error:  # The ledger is whole without it.
        lacking = error
    say_result(told, as_json=as_json)
    if lacking:
        remark(f"The ledger is copied; of what lies beside it not all: {lacking} Run this again later.")
    if given.policy.quorum is None:
        remark("The policy asks for no witness: nobody but the log vouches that others are shown the same.")
