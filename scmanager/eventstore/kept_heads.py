"""Heads kept elsewhere: what `scm log verify` printed once, held against the entries that are here now.

A tree says nothing about a folder that was rolled back whole; a root that was written down does. A log may have grown
since: then its tree at the size that was written down must have that root.
"""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import msgspec

from scmanager.errors import Refused, Untrusted
from scmanager.eventstore import merkle
from scmanager.eventstore.audit import branches_of
from scmanager.eventstore.audit_chunk import CHUNK_ENTRIES, Branch, rows_of
from scmanager.eventstore.audit_source import connect
from scmanager.eventstore.sqlite_faults import damaged, told

TEXT_BYTES_MAX = 16 << 20
_LINE = re.compile(r"log ([0-9a-f]{12,64})(?: branch [0-9]{1,9})?\s+size ([0-9]{1,15})\s+root ([0-9a-f]{64})\s*")


class HeadUnreadable(Untrusted):
    """This is no head as `scm log verify` prints it: {line}."""

    code = "head-unreadable"
    hint = "Give a whole line such as: log 0123456789ab  size 7  root <64 digits>; or the file that --json wrote."


class HeadDiffers(Untrusted):
    """Log {log} is another one up to entry {size} than the head kept elsewhere says."""

    code = "head-differs"
    hint = "Do not use it: it was changed, or belongs to another history. Take another backup, or ask another member."


class HeadNotReached(Refused):
    """Log {log} ends here after {held} entries; the head kept elsewhere says {size}."""

    code = "head-not-reached"
    hint = "It is older than that head. Take a newer backup, or leave the head out and exchange with a member after."


class KeptHead(msgspec.Struct, frozen=True):
    """A size and a root (32 bytes) that a log had once."""

    log: str
    """The log's id in hex: its first twelve digits, or more."""
    size: int
    root: bytes


class _Told(msgspec.Struct, frozen=True):
    log: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    root: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Report(msgspec.Struct, frozen=True):
    heads: tuple[_Told, ...]


def parse_heads(text: bytes) -> tuple[KeptHead, ...]:
    """Heads as `scm log verify` prints them, as lines or as JSON; at least one. Raises HeadUnreadable alone."""
    if text.lstrip()[:1] == b"{":
        try:
            told = msgspec.json.decode(text, type=_Report).heads
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise HeadUnreadable(line="JSON without heads") from error
        heads = [KeptHead(each.log, each.size, bytes.fromhex(each.root)) for each in told]
    else:
        lines = [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
        heads = [_parsed(line) for line in lines if not line.startswith("Sound:")]
    if not heads:
        raise HeadUnreadable(line="nothing")
    return tuple(heads)


def _parsed(line: str) -> KeptHead:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise HeadUnreadable(line=line[:80])
    return KeptHead(found[1], int(found[2]), bytes.fromhex(found[3]))


def check_heads(path: Path, kept: Iterable[KeptHead]) -> None:
    """Hold an audited events file against heads kept elsewhere.

    Raises HeadDiffers, HeadNotReached, StoreDamaged, FileUnusable.
    """
    with told(path, damaged), closing(connect(path)) as db:
        branches = branches_of(db)
        for head in kept:
            _check(db, [each for each in branches if each.log.hex().startswith(head.log)], head)


def _check(db: sqlite3.Connection, branches: list[Branch], head: KeptHead) -> None:
    """Of a forked log one branch is enough: the head was true once, and stands there still."""
    held = max((each.size for each in branches), default=0)
    if held < head.size:
        raise HeadNotReached(log=head.log[:12], size=head.size, held=held)
    if not any(_root(db, each, head.size) == head.root for each in branches if each.size >= head.size):
        raise HeadDiffers(log=head.log[:12], size=head.size)


def _root(db: sqlite3.Connection, branch: Branch, size: int) -> bytes:
    tree = merkle.CompactRange()
    for first in range(0, size, CHUNK_ENTRIES):
        end = min(first + CHUNK_ENTRIES, size)
        tree = tree.extend(merkle.leaf_hash(data) for _, data, _, _ in rows_of(db, branch, first, end))
    return tree.root()
