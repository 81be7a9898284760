"""Space files that carry a log without its beginning."""

from pathlib import Path

from scmanager.adapters.space_reading import SpaceFile, write_space
from scmanager.eventstore.log_copy import LogCopy, copy_of
from scmanager.runtime import Node
from tests.support.space_files import read_whole


def size_of(node: Node, log: bytes) -> int:
    return next(head.size for head in node.store.heads() if head.log == log)


def piece_of(node: Node, log: bytes, first: int) -> LogCopy:
    """A log from `first` on."""
    return copy_of(node.store, next(head for head in node.store.heads() if head.log == log), first)


def write_pieces(node: Node, space: bytes, firsts: dict[bytes, int], path: Path) -> SpaceFile:
    """A file with these logs, each from the seq that is said, and nothing else."""
    write_space(path, space, [piece_of(node, log, first) for log, first in firsts.items()], None)
    return read_whole(path)
