"""Mirrors that a log is uploaded to over HTTP, several at once: each has its time, and none does harm to another."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scmanager.adapters.ledger_source import base_of, from_folder
from scmanager.adapters.mirror_folder import bundle_at
from scmanager.adapters.witness_client import WitnessSilent, Word, asking, cosign_folder, posted, write_lines
from scmanager.errors import Conflict, ScManagerError, Unavailable
from scmanager.eventstore.checkpoint import Checkpoint
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import WIDTH, TilePath
from scmanager.master_ledger.cosignature import Witness
from scmanager.master_ledger.cosigning import Answer, WitnessNonsense
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.upload_talk import ADD_CHECKPOINT, Bundle, Request, Talk, upload

if TYPE_CHECKING:
    import httpx

STEP_S: Final = 60.0
"""For connecting, and for each piece: a mirror writes a package to its disk before it takes the next."""
REQUEST_S: Final = 600.0
"""For one request and its answer: 512 MB at most."""
PACKAGE_S: Final = 2.0
"""For each 256 entries of the log, beside that: all that is said with one mirror."""
AT_ONCE: Final = 4


def upload_folder(
    folder: Path, policy: Policy, until_s: int, advance: Callable[[int], None] = lambda _: None
) -> tuple[bytes, list[Word]]:
    """Have what lies in a published folder mirrored, and write its head with all lines of mirrors that hold.

    Each mirror's are written when it is done: those who are slow keep nobody's word from readers. `advance` is told
    how many packages were sent. Raises as `cosign_folder`.
    """
    read = from_folder(folder)

    def entries(path: TilePath) -> list[bytes]:
        return bundle_at(read, str(path), path.width)

    def written(note: bytes, lines: bytes) -> None:
        with contextlib.suppress(Conflict, Unavailable):  # At the end all are written, and it is told.
            write_lines(folder, note, lines)

    return cosign_folder(folder, policy, until_s, partial(upload_all, entries, advance, written))


def readers_of(head: str, words: Iterable[Word]) -> list[str]:
    """Where those mirrors serve the log of this head that hold it: addresses that `Source` takes."""
    name = sha256(Checkpoint.parse(head).origin.encode()).hexdigest()
    return [f"{base_of(each.address)}/{name}" for each in words if each.lines]


def upload_all(
    entries: Bundle,
    advance: Callable[[int], None],
    written: Callable[[bytes, bytes], None],
    note: bytes,
    tree: TileTree,
    asked: Mapping[str, Mapping[str, Witness]],
    until_s: int,
) -> list[Word]:
    """To each address all that is under the head in this note, and what came of it, in any order.

    `written` is given the note and a mirror's lines as soon as they are there.
    """

    async def all_of_them() -> list[Word]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(address: str, mirror: Mapping[str, Witness]) -> Word:
            async with room:
                try:
                    talk = upload(note, tree, entries, tuple(mirror.values()), until_s)
                    async with asyncio.timeout(REQUEST_S + PACKAGE_S * tree.size / WIDTH):
                        lines = await _talked(address, talk, advance)
                    written(note, lines)
                    return Word(address, tuple(mirror), lines)
                except TimeoutError:
                    problem: ScManagerError = WitnessSilent(reason="it takes too long")
                except ScManagerError as error:
                    problem = error
                except Exception as error:  # noqa: BLE001 - this mirror's alone; the words of the others count
                    problem = WitnessNonsense(reason=type(error).__name__)
                return Word(address, tuple(mirror), problem=problem)

        return list(await asyncio.gather(*(one(*each) for each in asked.items())))

    return asyncio.run(all_of_them())


async def _talked(address: str, talk: Talk, advance: Callable[[int], None]) -> bytes:
    base = base_of(address)
    async with asking(base, STEP_S) as client:
        request = next(talk)
        while True:
            async with asyncio.timeout(REQUEST_S):
                answer = await _posted(client, base, request)
            advance(request.packages)
            try:
                request = talk.send(answer)
            except StopIteration as done:
                return bytes(done.value)


async def _posted(client: "httpx.AsyncClient", base: str, request: Request) -> Answer:
    plain = request.path == ADD_CHECKPOINT
    headers = {} if plain else {"content-type": "application/octet-stream", "content-encoding": "gzip"}
    content = b"".join(request.pieces) if plain else _sent(_packed(request.pieces))
    return await posted(client, f"{base}/{request.path}", content, headers)


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packing = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    for each in pieces:
        yield packing.compress(each)
    yield packing.flush()


async def _sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for each in pieces:
        if each:
            yield each
