"""Whether the author took back later what a proof shows: by all that a machine knows of the ledger.

A proof shows what was said once, and that it was in the ledger then. Whoever keeps an old proof keeps it for ever.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import Final

import msgspec

from scmanager.domain.ledger import LedgerLog, Plugin, Update
from scmanager.errors import ScManagerError, Untrusted, utc
from scmanager.master_ledger.registry import Registered, Registry
from scmanager.master_ledger.seen import DAY_S, Seen
from scmanager.master_ledger.verification import Report

NOT_KNOWN: Final = "What the author said of it later is not known here. Fetch it: scm ledger fetch FROM --entries"


ASKED: Final = (
    "{log}, another log of the ledger, {asked}. What the author took back there since is not known."
    " Fetch it: scm ledger fetch FROM --entries"
)


class UpdateReplaced(Untrusted):
    """The author put another file in its place: by entry {index} of the ledger {version} is that one."""

    code = "update-replaced"
    hint = "Fetch this version again: what was released first is withdrawn."


class PluginTakenBack(Untrusted):
    """The author took it back: by entry {index} of the ledger {id} is {status}."""

    code = "plugin-taken-back"
    hint = "Do not install it, and remove it where it is. Only a plugin that the author has passed runs."


class LedgerHeldBack(Untrusted):
    """The source shows {size} entries of a log that has more, and holds back what the author said in them."""

    code = "ledger-held-back"
    hint = "Fetch from another source."


class LedgerLogUnknown(Untrusted):
    """Not all of {log} is known here, another log of the ledger: the author may have taken it back there."""

    code = "ledger-log-unknown"
    hint = "Fetch that log once, from where it lies: scm ledger fetch FROM --entries."


def judged(
    report: Report,
    registry: Registry,
    held: Mapping[bytes, int],
    seen: Seen,
    shown: bytes | None = None,
    beyond: Registry | None = None,
    now_s: int = 0,
) -> Report:
    """The report with what was said later. `held`: of each log so many entries stand in the registry.

    `shown`: the log that a source shows, which was asked for all of it. Who has its key alone enters old statements
    again there; so what the logs before it say has to be known, of those after it what was seen, and all where they
    were closed. Of a later one that nobody saw yet there may be nothing. `beyond`: what may take something back, and
    lets nothing pass. `now_s`: with `shown`, the age of what is known of the other open logs is told.
    """
    if report.said is None:
        return report
    problems, remarks = report.problems, report.remarks
    later = registry.taken_back(report.said) or (beyond.taken_back(report.said) if beyond else None)
    if later:
        problems = (*problems, _problem(later))
    logs = seen.keys().ledger_logs()
    short = [log.log for log in logs if held.get(log.log, 0) < _size(log, seen)]
    if shown in short:
        problems = (*problems, LedgerHeldBack(size=held[shown]))
    before = set(takewhile(lambda log: log != shown, (log.log for log in logs)))
    begun = before | {log.log for log in logs if log.final or seen.heads_of(log.log)}
    wanted = [log for log in short if shown and log != shown and log in begun]
    problems = (*problems, *(LedgerLogUnknown(log=log.hex()[:16]) for log in wanted))
    if set(short) - {shown, *wanted}:
        remarks = (*remarks, NOT_KNOWN)
    others = [] if shown is None else [log.log for log in logs if not log.final and log.log not in (shown, *short)]
    for log in others:
        if (asked_s := seen.asked_of(log)) < now_s - DAY_S:
            asked = f"was last asked {utc(asked_s)}" if asked_s else "was never asked from here"
            remarks = (*remarks, ASKED.format(log=log.hex()[:16], asked=asked))
    return msgspec.structs.replace(report, problems=problems, remarks=remarks)


def _size(log: LedgerLog, seen: Seen) -> int:
    """How many entries of a log have to be known: up to its end, or as was seen. One that founds it says nothing."""
    if log.final is not None:
        return log.final.size if log.final.size > 1 else 0
    return max((each.size for each in seen.heads_of(log.log)), default=1)


def _problem(later: Registered) -> ScManagerError:
    match later.said.statement:
        case Update() as update:
            return UpdateReplaced(index=later.index, version=update.version)
        case Plugin() as plugin:
            return PluginTakenBack(index=later.index, id=plugin.id, status=plugin.audit_status.value)
