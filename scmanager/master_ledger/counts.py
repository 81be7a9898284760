"""Counts on their way into the ledger: a file of JSON Lines, one plugin a line, as the author's server writes it.

{"plugin": "org.example.mining", "downloads": 1200, "votes": 40, "rating_sum": 171, "until": 1767225600}
"""

from typing import Final

import msgspec

from scmanager.domain.counting import PluginCounted, flaw_of
from scmanager.errors import Untrusted
from scmanager.eventstore import content

LINES_MAX: Final = 1000
FILE_BYTES_MAX: Final = 1 << 20


class BadCounts(Untrusted):
    """This is no file of counts: {reason}."""

    code = "bad-counts"
    hint = "Each line has plugin, downloads, votes, rating_sum and until, and no more. Count anew."


_line = msgspec.json.Decoder(PluginCounted)


def parse(data: bytes) -> tuple[PluginCounted, ...]:
    """What a file counts, at least one plugin. Raises BadCounts and nothing else."""
    if len(data) > FILE_BYTES_MAX:
        raise BadCounts(reason="the file is too long")
    lines = data.rstrip(b"\n").split(b"\n")
    if len(lines) > LINES_MAX:
        raise BadCounts(reason=f"it has more than {LINES_MAX} lines")
    return tuple(_parse(number, line) for number, line in enumerate(lines, 1))


def counted_in(shared: bytes) -> PluginCounted | None:
    """What an entry counts, by its first part; None for another entry. Total."""
    said = content.read(shared)
    if said is None or said.type != PluginCounted.tag:
        return None
    try:
        return _line.decode(said.payload)
    except (msgspec.MsgspecError, ValueError):
        return None


def _parse(number: int, line: bytes) -> PluginCounted:
    try:
        said = _line.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadCounts(reason=f"line {number} cannot be read") from None
    if flaw := flaw_of(said, None):
        raise BadCounts(reason=f"line {number} cannot be: {flaw}")
    return said
