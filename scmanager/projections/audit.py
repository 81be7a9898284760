"""The audit trail: one row an entry with what it said, who said it, and whether it counts."""

from collections.abc import Mapping, Sequence

from scmanager.domain.event import Id32
from scmanager.domain.records import Reason, Standing, Verdict
from scmanager.projections.copy_text import NULL, text
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

NAME = "audit"
COLUMNS = (
    "pos", "seq", "hlc", "branch", "rank", "valid", "space", "log", "entry", "member", "type", "entity", "command",
    "reason", "cause",
)  # fmt: skip

_VOICELESS = {Reason.UNKNOWN_GRANT, Reason.VOID_GRANT, Reason.FOREIGN_LOG, Reason.UNCOUNTED, Reason.MALFORMED}
"""Void so early that the grant it names says nothing about its author."""


def lines(space: Space, entries: Sequence[Opened]) -> str:
    """The rows of these entries for COPY; those that nobody judged yet (a gap before them) are left out."""
    verdicts, grants = space.verdicts.entries, space.verdicts.grants
    where = "\\\\x" + space.id.hex()
    return "".join(
        [
            _line(where, each, verdict, grants)
            for each in entries
            if (verdict := verdicts.get(each.entry.id32)) is not None
        ]
    )


def _line(space: str, opened: Opened, verdict: Verdict, grants: Mapping[Id32, Standing]) -> str:
    one, shared = opened.entry, opened.shared
    head = f"{opened.pos}\t{one.seq}\t{one.hlc}\t{opened.branch}\t"
    place = f"{space}\t\\\\x{one.log.hex()}\t\\\\x{one.id32.hex()}\t"
    if shared is None:
        said, rank, member = f"{NULL}\t{NULL}\t{NULL}\t", NULL, NULL
    else:
        said = f"{text(shared.type)}\t\\\\x{shared.entity.hex()}\t\\\\x{shared.command.hex()}\t"
        rank, member = _author(shared.by, verdict, grants)
    if verdict.valid:
        return f"{head}{rank}\tt\t{place}{member}\t{said}{NULL}\t{NULL}\n"
    cause = "\\\\x" + verdict.cause.hex() if verdict.cause else NULL
    return f"{head}{rank}\tf\t{place}{member}\t{said}{verdict.reason or NULL}\t{cause}\n"


def _author(by: Id32, verdict: Verdict, grants: Mapping[Id32, Standing]) -> tuple[str, str]:
    standing = None if verdict.reason in _VOICELESS else grants.get(by)
    if standing is None:
        return NULL, NULL
    return str(standing.grant.rank), "\\\\x" + standing.grant.member.hex()
