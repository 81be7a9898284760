"""One log's copy at a mirror: entry bundles and tiles as files (C2SP tlog-tiles), and the checkpoint they lead to.

What lies there says itself how far it is: the first bundle that is not whole ends it. A bundle is written after its
hashes, one after the other, and the checkpoint last, when all below it is durable: whoever is killed in between goes
on from what lies there, and never has a checkpoint of more than that.
"""

import contextlib
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from scmanager.adapters.public_files import make_folder, read_public, sync_folders, write_public
from scmanager.application.published import BUNDLE_BYTES_MAX
from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, parse_note
from scmanager.eventstore.merkle import HASH_BYTES, leaf_hash, root_of
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import WIDTH, BadTile, TilePath, bundle, grown, parse_bundle, parse_tile
from scmanager.master_ledger.fetching import CHECKPOINT
from scmanager.master_ledger.uploading import Span
from scmanager.master_ledger.witnessing import Kept

_TRIES = 3
"""A partial file may give way to a larger one while it is looked for."""


class MirrorFull(Unavailable):
    """This mirror keeps {bytes_max} bytes of a log at most."""

    code = "mirror-log-full"
    hint = "Its keeper can give logs more room: scm mirror serve DIR --log-gigabytes N."


class CopyDamaged(Untrusted):
    """The copy in {folder} is not whole any more: {reason}."""

    code = "mirror-copy-damaged"
    hint = "Its keeper removes that folder while the mirror stands still; the log is uploaded anew."


class MirrorCopy:
    """The copy in a folder of its own. Whoever changes it holds `lock`; reading needs none."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self.folder, self.bytes_max = folder, bytes_max
        self.lock = threading.Lock()
        self._next: int | None = None
        self._bytes = 0

    def checkpoint(self) -> bytes | None:
        """The mirror's checkpoint with all lines; None while there is none."""
        return read_public(self.folder / CHECKPOINT, NOTE_BYTES_MAX)

    def size(self) -> int:
        """How many entries that has. Raises CopyDamaged."""
        note = self.checkpoint()
        try:
            return 0 if note is None else AnyCheckpoint.parse(parse_note(note).text).size
        except Untrusted as error:
            raise CopyDamaged(folder=str(self.folder), reason=str(error).rstrip(".")) from error

    def next_entry(self) -> int:
        """The first entry that is not there. Looked up once: nobody else writes here."""
        if self._next is None:
            number = size = self.size()
            number //= WIDTH
            while self._path(TilePath(None, number)).exists():
                number += 1
            found = number * WIDTH + max(self._widths(TilePath(None, number)), default=0)
            if found < size:
                raise CopyDamaged(folder=str(self.folder), reason=f"it has {found} entries, its checkpoint {size}")
            self._bytes = sum(self._counted(each) for each in self.folder.rglob("*"))
            self._next = found
        return self._next

    def leaves(self, span: Span, entries: Sequence[bytes]) -> list[bytes]:
        """The hashes of all entries of `[low, end)`, those before `start` as they lie there. Raises CopyDamaged."""
        fresh = [leaf_hash(each) for each in entries]
        if span.start == span.low:
            return fresh
        held = self.tile(TilePath(0, span.low // WIDTH, span.start - span.low))
        if held is None:
            raise CopyDamaged(folder=str(self.folder), reason="a tile is missing")
        return parse_tile(held, span.start - span.low) + fresh

    def keep(self, span: Span, leaves: Sequence[bytes], entries: Sequence[bytes]) -> int:
        """Keep what is proved, durable when this returns; how many entries were not there yet.

        Raises CopyDamaged, MirrorFull, PrivateFileFailed.
        """
        following = self.next_entry()
        if span.end <= following:
            return 0
        whole = list(entries)
        if span.start > span.low:
            held = self.tile(TilePath(None, span.low // WIDTH, span.start - span.low))
            if held is None:
                raise CopyDamaged(folder=str(self.folder), reason="a bundle is missing")
            whole = parse_bundle(held, span.start - span.low) + whole
        width = span.end - span.low
        self._write(
            {TilePath(0, span.low // WIDTH, width): b"".join(leaves)},
            {TilePath(None, span.low // WIDTH, width): bundle(whole)},
        )
        self._next = span.end
        return span.end - following

    def advance(self, head: Kept, note: bytes) -> None:
        """Have `note` as the checkpoint, once every hash under it lies there. Raises CopyDamaged, as `keep`."""
        size = self.size()
        fresh: dict[TilePath, bytes] = {}
        for path in grown(head.size, size):
            if path.level:
                fresh[path] = b"".join(self._roots(path, fresh))
        self._write(fresh)
        try:
            TileTree(head.size, head.root, self._fetch)
        except BadTile as error:
            raise CopyDamaged(folder=str(self.folder), reason=str(error).rstrip(".")) from error
        make_folder(self.folder)
        write_public(self.folder / CHECKPOINT, note)
        sync_folders({self.folder, self.folder.parent})
        for path in grown(head.size, size):
            self._prune(path)
            if path.level == 0:
                self._prune(TilePath(None, path.index, path.width))

    def tile(self, path: TilePath) -> bytes | None:
        """A tile or bundle, cut out of a larger one where that has taken its place; None where there is none."""
        for _ in range(_TRIES):
            wider = sorted(each for each in self._widths(path) if each >= path.width)
            for width in (*wider, WIDTH):
                there = TilePath(path.level, path.index, width)
                data = read_public(self._path(there), _bytes_max(there))
                if data is not None:
                    return data if width == path.width else _cut(path, width, data)
        return None

    def _fetch(self, path: TilePath) -> bytes:
        data = self.tile(path)
        if data is None:
            raise BadTile(reason="it is missing")
        return data

    def _roots(self, path: TilePath, fresh: dict[TilePath, bytes]) -> Iterator[bytes]:
        """Of the whole tiles below."""
        assert path.level
        for index in range(path.index * WIDTH, path.index * WIDTH + path.width):
            below = TilePath(path.level - 1, index)
            yield root_of(parse_tile(fresh.get(below) or self._fetch(below)))

    def _write(self, *batches: dict[TilePath, bytes]) -> None:
        """One batch is durable before the next one is begun."""
        size = sum(len(data) for each in batches for data in each.values())
        if self._bytes + size > self.bytes_max:
            raise MirrorFull(bytes_max=self.bytes_max)
        for batch in batches:
            folders: set[Path] = set()
            for tile, data in batch.items():
                path = self._path(tile)
                write_public(path, data)
                folders.update(each for each in path.parents if each.is_relative_to(self.folder.parent))
            sync_folders(folders)
        self._bytes += size

    def _counted(self, path: Path) -> int:
        """A file's bytes. What a killed process had begun to write is removed."""
        if path.name.startswith("."):
            path.unlink(missing_ok=True)
            return 0
        return path.stat().st_size if path.is_file() else 0

    def _prune(self, path: TilePath) -> None:
        """Partial files that larger ones have replaced."""
        whole = self._path(path.full())
        widths = self._widths(path)
        kept = WIDTH if whole.exists() else max(widths, default=0)
        for width in widths:
            if width < kept:
                file = self._path(TilePath(path.level, path.index, width))
                with contextlib.suppress(OSError):
                    self._bytes -= file.stat().st_size
                    file.unlink()
        if kept == WIDTH:
            shutil.rmtree(whole.with_name(f"{whole.name}.p"), ignore_errors=True)

    def _widths(self, path: TilePath) -> list[int]:
        """Of the partial files at this place."""
        whole = self._path(path.full())
        try:
            names = [each.name for each in whole.with_name(f"{whole.name}.p").iterdir()]
        except OSError:
            return []
        return [int(each) for each in names if each.isascii() and each.isdigit() and len(each) < 4]

    def _path(self, path: TilePath) -> Path:
        return self.folder.joinpath(*str(path).split("/"))


def _bytes_max(path: TilePath) -> int:
    return BUNDLE_BYTES_MAX if path.level is None else path.width * HASH_BYTES


def _cut(path: TilePath, width: int, data: bytes) -> bytes:
    if path.level is None:
        return bundle(parse_bundle(data, width)[: path.width])
    return data[: path.width * HASH_BYTES]
