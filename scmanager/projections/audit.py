"""The audit trail: one row an entry with what it said, who said it, and whether it counts."""

from collections.abc import Mapping, Sequence

from scmanager.domain.event import Id32
from scmanager.domain.records import Reason, Standing, Verdict
from scmanager.projections.copy_text import NULL, ident, text
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
    spell = _Spelling(space)
    verdicts = space.verdicts.entries
    return "".join(
        [spell.line(each, verdict) for each in entries if (verdict := verdicts.get(each.entry.id32)) is not None]
    )


class _Spelling:
    """What many rows share is spelt once: logs, authors, types. Lives no longer than the shelf's lock is held."""

    def __init__(self, space: Space) -> None:
        self._grants: Mapping[Id32, Standing] = space.verdicts.grants
        self._space = "\\\\x" + space.id.hex()
        self._logs: dict[bytes, str] = {}
        self._authors: dict[Id32, tuple[str, str]] = {b"": (NULL, NULL)}
        self._types: dict[str, str] = {}

    def line(self, opened: Opened, verdict: Verdict) -> str:
        """One row."""
        one, shared = opened.entry, opened.shared
        where = self._logs.get(one.log) or self._log(one.log)
        if shared is None:
            (rank, member), said = self._authors[b""], f"{NULL}\t{NULL}\t{NULL}"
        else:
            by = b"" if verdict.reason in _VOICELESS else shared.by
            rank, member = self._authors.get(by) or self._author(by)
            kind = self._types.get(shared.type) or self._type(shared.type)
            said = f"{kind}\t\\\\x{shared.entity.hex()}\t\\\\x{shared.command.hex()}"
        place = f"{rank}\t{'t' if verdict.valid else 'f'}\t{where}\t\\\\x{one.id32.hex()}\t{member}"
        return f"{opened.pos}\t{one.seq}\t{one.hlc}\t{opened.branch}\t{place}\t{said}\t{_why(verdict)}\n"

    def _log(self, log: bytes) -> str:
        spelt = self._logs[log] = f"{self._space}\t{ident(log)}"
        return spelt

    def _author(self, by: Id32) -> tuple[str, str]:
        standing = self._grants.get(by)
        spelt = (str(standing.grant.rank), ident(standing.grant.member)) if standing else self._authors[b""]
        self._authors[by] = spelt
        return spelt

    def _type(self, tag: str) -> str:
        spelt = self._types[tag] = text(tag)
        return spelt


def _why(verdict: Verdict) -> str:
    return f"{NULL}\t{NULL}" if verdict.valid else f"{verdict.reason or NULL}\t{ident(verdict.cause)}"
