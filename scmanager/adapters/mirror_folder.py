"""A mirror: a ledger's published files copied from anywhere, each checked against the signed head before it counts.

What lies there already and is right is not fetched again, so a copy that was broken off goes on where it was. The
checkpoint comes last, as when the author publishes, and never goes back: whoever reads a mirror at any moment finds
every hash under it. A source can hold back what is new, and nothing else: what witnesses said of the head that lies
there is neither lost nor made older by it.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from scmanager.adapters.folder_lock import FolderLock, Holder
from scmanager.adapters.public_files import make_folder, read_public, sync_folders, write_public
from scmanager.adapters.tile_folder import LOCK_FILE
from scmanager.application.published import BUNDLE_BYTES_MAX
from scmanager.errors import Untrusted
from scmanager.eventstore import entry, parts
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, parse_note
from scmanager.eventstore.merkle import HASH_BYTES, leaf_hash
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import WIDTH, BadTile, TilePath, bundle, grown, parse_bundle
from scmanager.master_ledger.cosignature import TIME_MAX_S, Witness
from scmanager.master_ledger.cosigning import by_the_log, kept
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, SHARED, Read, SourceLacks, tiles_from


class MirrorOfOther(Untrusted):
    """What lies in {folder} is no earlier copy of this ledger: {reason}."""

    code = "mirror-of-other"
    hint = "Mirror it into a folder of its own. If it was a copy of this ledger, its log has shown two histories."


class MirrorUnreadable(Untrusted):
    """The checkpoint in {folder} cannot be read: {reason}."""

    code = "mirror-unreadable"
    hint = "Remove that file and repeat the command: what else lies there, and is right, is not fetched again."


class Mirrored(msgspec.Struct, frozen=True):
    """How many entries lie there now, and how many files were written."""

    size: int
    files: int


def mirror(
    read: Read, note: bytes, manifests: bytes, folder: Path, advance: Callable[[int], None] = lambda _: None, *,
    witnesses: Sequence[Witness] = (), until_s: int = TIME_MAX_S, log_key: bytes | None = None,
    entries: bool = True,
) -> Mirrored:  # fmt: skip
    """Bring the folder up to the head in `note`; `advance` is told how many entries are there.

    `witnesses`: whose lines of a head that lies there already give way to later ones that hold, dated up to `until_s`
    (UTC seconds); those of others stay as they came, as nobody here can tell which is right.

    `log_key`: which the log signs with; lines of its name by other keys are left out. `entries`: they are copied too,
    or the hashes only.

    The caller has checked note and manifests: that they are the ledger's, and go on from what was seen. Raises
    BadTile and what else is wrong with a file of the source, MirrorOfOther, FolderInUse, PrivateFileFailed, and as
    `read`.
    """
    point = Checkpoint.parse(parse_note(note).text)
    tree = TileTree(point.size, point.root, tiles_from(read))
    make_folder(folder)
    with FolderLock(folder / LOCK_FILE, Holder.COMMAND):
        held = read_public(folder / CHECKPOINT, NOTE_BYTES_MAX)
        since = _since(held, point, tree, folder)
        folders, files = {folder}, 0
        bundles = _bundles(read, tree, folder, since, advance) if entries else iter(())
        for name, data in chain(bundles, _tiles(tree, folder, since)):
            files += _wrote(folder, name, data, folders)
        files += _wrote(folder, MANIFESTS, manifests, folders)
        sync_folders(folders)
        note = note if log_key is None else by_the_log(note, log_key)
        fresh = _with_lines(held if since == point.size else None, note, witnesses, until_s)
        files += _wrote(folder, CHECKPOINT, fresh, folders)
        sync_folders({folder})
        return Mirrored(point.size, files)


def _since(held: bytes | None, point: Checkpoint, tree: TileTree, folder: Path) -> int:
    """How many entries lie there."""
    if held is None:
        return 0
    try:
        was = Checkpoint.parse(parse_note(held).text)
    except Untrusted as error:
        raise MirrorUnreadable(folder=str(folder), reason=str(error).rstrip(".")) from error
    if was.origin != point.origin:
        raise MirrorOfOther(folder=str(folder), reason="it is of another log")
    if was.size > point.size:
        raise MirrorOfOther(folder=str(folder), reason=f"it has {was.size} entries, the source {point.size}")
    if tree.root(was.size) != was.root:
        raise MirrorOfOther(folder=str(folder), reason="its entries are others")
    return was.size


def _bundles(
    read: Read, tree: TileTree, folder: Path, since: int, advance: Callable[[int], None]
) -> Iterator[tuple[str, bytes]]:
    """The bundles that differ from those of size `since` and are not there, by their paths; all of them checked."""
    for number in range(since // WIDTH, -(-tree.size // WIDTH)):
        path = TilePath(None, number, min(WIDTH, tree.size - number * WIDTH))
        leaves = [tree.leaf(number * WIDTH + place) for place in range(path.width)]
        entries = yield from _checked(read, folder, path, str(path), partial(_check_leaves, leaves))
        shared = str(path).replace("tile/entries", SHARED, 1)
        yield from _checked(read, folder, path, shared, partial(_check_parts, entries))
        advance(path.width)


def _tiles(tree: TileTree, folder: Path, since: int) -> Iterator[tuple[str, bytes]]:
    """The tiles of hashes that differ and are not there."""
    for tile in grown(tree.size, since):
        if read_public(folder.joinpath(*str(tile).split("/")), tile.width * HASH_BYTES) != (data := tree.tile(tile)):
            yield str(tile), data


def _checked(
    read: Read, folder: Path, path: TilePath, name: str, check: Callable[[Sequence[bytes]], None]
) -> Generator[tuple[str, bytes], None, list[bytes]]:
    """The entries of a bundle that stands the check: as it lies there, else as the source has it."""
    held = read_public(folder.joinpath(*name.split("/")), BUNDLE_BYTES_MAX)
    if held is not None:
        with suppress(Untrusted):
            said = parse_bundle(held, path.width)
            check(said)
            return said
    said = bundle_at(read, name, path.width)
    check(said)
    yield name, bundle(said)
    return said


def bundle_at(read: Read, name: str, width: int) -> list[bytes]:
    """The entries of a bundle, or its first ones where it has grown meanwhile. Raises BadTile, and as `read`."""
    try:
        return parse_bundle(read(name, BUNDLE_BYTES_MAX), width)
    except SourceLacks:
        if width == WIDTH:
            raise
    whole = name.rpartition(".p/")[0]  # It has grown meanwhile.
    return parse_bundle(read(whole, BUNDLE_BYTES_MAX), WIDTH)[:width]


def _check_leaves(leaves: Sequence[bytes], entries: Sequence[bytes]) -> None:
    if [leaf_hash(each) for each in entries] != leaves:
        raise BadTile(reason="an entry is not the leaf at its place")


def _check_parts(entries: Sequence[bytes], shared: Sequence[bytes]) -> None:
    for said, data in zip(shared, entries, strict=True):
        one = entry.parse(data)
        if one.parts:
            parts.check(one.parts[0], said, 0)
        elif said:
            raise BadTile(reason="a part that no entry names")


def _with_lines(held: bytes | None, note: bytes, witnesses: Sequence[Witness], until_s: int) -> bytes:
    """The same head with the cosignatures of both, where they fit."""
    return kept(held or note, note, witnesses, until_s)


def _wrote(folder: Path, name: str, data: bytes, folders: set[Path]) -> int:
    """1 where that made a difference."""
    path = folder.joinpath(*name.split("/"))
    if read_public(path, len(data)) == data:
        return 0
    write_public(path, data)
    folders.update(each for each in path.parents if each.is_relative_to(folder))
    return 1
