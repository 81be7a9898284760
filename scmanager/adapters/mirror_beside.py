"""What lies beside a mirrored ledger: the hashes of the intake log, and the published statistics, a file a day.

Entries of the intake are nobody's to see: they lie at no source, and none is asked for. Each file is checked by the
keys of the ledger before it counts; a source can hold back what it likes, and nothing else.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from scmanager.adapters.ledger_source import ServerRefuses
from scmanager.adapters.mirror_folder import Mirrored, mirror
from scmanager.adapters.public_files import make_folder, read_public, sync_folders, write_public
from scmanager.application.releasing import BEHIND_MAX
from scmanager.domain.event import Id32
from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX
from scmanager.master_ledger import statistics_proof
from scmanager.master_ledger.fetching import CHECKPOINT, Read, SourceLacks
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.seen import signed_head
from scmanager.master_ledger.statistics_batch import PATH

INTAKE: Final = "intake"
STATISTICS: Final = PATH.strip("/")
LATE_DAYS: Final = 9
"""So many days may lack a release still; files of so many are fetched anew, for the cosignatures that came later."""

GAP_DAYS: Final = 2 * LATE_DAYS
"""So many days in a row that a source lacks end its statistics."""


class IntakeAmiss(Untrusted):
    """What the source has as the intake log is the ledger itself."""

    code = "mirror-intake-amiss"
    hint = "The ledger is copied. Mirror the rest from another source."


def mirror_intake(
    read: Read, keys: TrustedKeys, manifests: bytes, policy: Policy, folder: Path, ledger: Id32, until_s: int
) -> Mirrored | None:
    """The tiles of hashes and the checkpoint, below INTAKE of `folder`; None where the source has no intake log.

    `ledger`: the log of the ledger itself. `until_s`: up to when cosignatures may be dated, UTC seconds. Raises
    IntakeAmiss, LogNotListed, and as `mirror`.
    """

    def below(path: str, bytes_max: int) -> bytes:
        return read(f"{INTAKE}/{path}", bytes_max)

    try:
        note = below(CHECKPOINT, NOTE_BYTES_MAX)
    except SourceLacks:
        return None
    log, _, _ = signed_head(note, keys, policy)
    if log.log == ledger:
        raise IntakeAmiss
    return mirror(
        below, note, manifests, folder / INTAKE, witnesses=tuple(policy.witnesses.values()), until_s=until_s,
        log_key=log.key, entries=False,
    )  # fmt: skip


def mirror_statistics(read: Read, keys: TrustedKeys, policy: Policy, folder: Path, now_s: int, today: int) -> int:
    """Every release that the source has and that is not there, the newest first; how many files were written.

    `today`: days since 1970, UTC. Raises Untrusted for a release that does not hold, and as `read`.
    """
    laid, files, missing = folder.joinpath(*STATISTICS.split("/")), 0, 0
    oldest = today - BEHIND_MAX - LATE_DAYS

    @cache
    def asked(day: int) -> bytes | None:
        try:
            return read(f"{STATISTICS}/{day}", statistics_proof.FILE_BYTES_MAX)
        except (SourceLacks, ServerRefuses):
            return None

    newest = _newest(asked, today, oldest)
    for day in range(oldest if newest is None else newest, oldest, -1):
        held = read_public(laid / str(day), statistics_proof.FILE_BYTES_MAX)
        if held is not None and newest is not None and day <= newest - LATE_DAYS:
            missing = 0
            continue
        proof = asked(day)
        missing = 0 if proof is not None else missing + 1
        if missing == GAP_DAYS:
            break  # Each day has a release, from the first one on; a source may have lost some.
        if proof is None:
            continue
        statistics_proof.verify(proof, day, keys, policy, now_s)
        if proof != held:
            make_folder(laid)
            write_public(laid / str(day), proof)
            files += 1
    if files:
        sync_folders({laid, *(each for each in laid.parents if each.is_relative_to(folder))})
    return files


def _newest(asked: Callable[[int], bytes | None], today: int, oldest: int) -> int | None:
    """The last day of which the source has a release, however long ago its author stopped; None: it has none.

    The last days one by one, then one in LATE_DAYS: whoever mirrors what has no statistics asks some fifty times, and
    misses those of an author who published them for fewer days than that, long ago.
    """
    for day in range(today, today - LATE_DAYS, -1):
        if asked(day) is not None:
            return day
    for day in range(today - LATE_DAYS, oldest, -LATE_DAYS):
        if found := [each for each in range(day + LATE_DAYS - 1, day - 1, -1) if asked(day) and asked(each)]:
            return found[0]
    return None
