"""A log as static files that any web server can hand out: checkpoint, tiles, entry bundles (C2SP tlog-tiles).

Beside them lies what that page has no word for: `shared/<N>`, the first parts of the entries, which the entries name
by their hashes; paths and framing are those of entry bundles. All else is durable before the checkpoint says so, and
the checkpoint never goes back: whoever fetches at any moment finds every hash under it.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import msgspec

from scmanager.adapters.folder_lock import FolderLock, Holder
from scmanager.adapters.public_files import make_folder, read_public, sync_folders, write_public
from scmanager.application.proving import head_in
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.tiles import WIDTH, TilePath, bundle, grown
from scmanager.master_ledger.fetching import CHECKPOINT, SHARED

LOCK_FILE = ".publishing"
_NOTHING: Mapping[str, bytes] = MappingProxyType({})


class Published(msgspec.Struct, frozen=True):
    """What lies in the folder now, and how many files were written for it."""

    size: int
    files: int
    is_newest: bool = True
    """Whether the checkpoint there is that of the tree's head."""


Settle = Callable[[bytes | None, bytes], bytes | None]
"""The checkpoint that lies there and the newest head (the same one where nothing came) to what is to lie there then.

All that is under the newest head lies there when it is called. None: that which lies there stays.
"""


def at_once(_: bytes | None, newest: bytes) -> bytes | None:
    """The newest head, whatever lies there."""
    return newest


def publish(
    tree: LogTree,
    folder: Path,
    advance: Callable[[int], None] = lambda _: None,
    beside: Mapping[str, bytes] = _NOTHING,
    *,
    entries: bool = True,
    settle: Settle = at_once,
) -> Published:
    """Bring the folder up to the tree's head; `advance` is told how many entries were written.

    `beside`: whole files by name, replaced where they differ, before the checkpoint says anything new. Without
    `entries` the hashes alone are for everybody; of such a log, which grows all the time, partial tiles are removed
    once the whole one is there. `settle` may add cosignatures to the newest head, or leave the one that lies there.
    A head that lies there already is left as it is, with its cosignatures. Raises what `settle` raises, Untrusted for
    a checkpoint there that is not of this log's past (`head_in`), FolderInUse while another publishes,
    PrivateFileFailed.
    """
    make_folder(folder)
    with FolderLock(folder / LOCK_FILE, Holder.COMMAND):
        held = read_public(folder / CHECKPOINT, NOTE_BYTES_MAX)
        since = None if held is None else head_in(tree, held).size
        others = {name: data for name, data in beside.items() if read_public(folder / name, len(data)) != data}
        for name, data in others.items():
            write_public(folder / name, data)
        sync_folders({folder} if others else set())
        size, files, newest = tree.head.size, len(others), held
        if newest is None or since != size:
            files += _bring(tree, folder, since or 0, advance, entries=entries)
            newest = tree.note()
        settled = settle(held, newest)
        if settled is None:
            return Published(since or 0, files, since == size)
        if settled != held:
            write_public(folder / CHECKPOINT, settled)
            sync_folders({folder})
            files += 1
        if not entries and since != size:
            _prune(folder, since or 0, size)
        return Published(size, files)


def _bring(tree: LogTree, folder: Path, since: int, advance: Callable[[int], None], *, entries: bool) -> int:
    """Write all that is under the head and not under that of size `since`; how many files that were."""
    folders, files = {folder}, 0
    for name, data in chain(_entries(tree, since, advance) if entries else (), _hashes(tree, since)):
        path = folder.joinpath(*name.split("/"))
        write_public(path, data)
        folders.update(each for each in path.parents if each.is_relative_to(folder))
        files += 1
    sync_folders(folders)
    return files


def _prune(folder: Path, since: int, size: int) -> None:
    """Partial tiles that a whole one has replaced: readers ask for that when one is gone (C2SP tlog-tiles)."""
    for path in grown(size, since):
        if path.width == WIDTH:
            whole = folder.joinpath(*str(path).split("/"))
            shutil.rmtree(whole.with_name(f"{whole.name}.p"), ignore_errors=True)


def _entries(tree: LogTree, since: int, advance: Callable[[int], None]) -> Iterator[tuple[str, bytes]]:
    """Bundles that differ from those of size `since`, by their paths."""
    size = tree.head.size
    for first in range(since - since % WIDTH, size, WIDTH):
        rows = list(tree.rows(first, min(first + WIDTH, size)))
        path = str(TilePath(None, first // WIDTH, len(rows)))
        yield path, bundle(row.data for row in rows)
        yield path.replace("tile/entries", SHARED, 1), bundle(row.shared for row in rows)
        advance(len(rows))


def _hashes(tree: LogTree, since: int) -> Iterator[tuple[str, bytes]]:
    """Tiles of hashes that differ from those of size `since`, by their paths."""
    for tile in grown(tree.head.size, since):
        yield str(tile), tree.tile(tile)
