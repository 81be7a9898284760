"""Witnesses asked over HTTP, all at once: each has its time and a largest answer, and none does harm to another."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scmanager import __version__
from scmanager.adapters.folder_lock import FolderLock, Holder
from scmanager.adapters.ledger_source import base_of, from_folder, is_local
from scmanager.adapters.private_files import PrivateFileFailed, sync_folder
from scmanager.adapters.public_files import write_public
from scmanager.adapters.tile_folder import LOCK_FILE
from scmanager.domain.ledger import KeysPublished
from scmanager.errors import Conflict, ScManagerError, Unavailable, Untrusted
from scmanager.eventstore.any_checkpoint import AnyCheckpoint
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, parse_note
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.tile_tree import TileTree
from scmanager.master_ledger import submission
from scmanager.master_ledger.cosignature import Witness
from scmanager.master_ledger.cosigning import (
    ANSWER_BYTES_MAX,
    FORBIDDEN,
    Answer,
    WitnessNonsense,
    WitnessRefuses,
    WitnessSawOther,
    conversation,
    merged,
)
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, Read, tiles_from
from scmanager.master_ledger.policy import Policy

if TYPE_CHECKING:
    import httpx

STEP_S: Final = 10.0
"""For connecting, and for each piece."""
WITNESS_S: Final = 30.0
"""For all that is said with one witness."""
AT_ONCE: Final = 32
LOOK_S: Final = 0.2
"""How often is looked whether anybody still wants to know."""


class WitnessSilent(Unavailable):
    """It cannot be asked: {reason}."""

    code = "witness-silent"
    hint = "Try again later; the others were asked all the same."


class PublishedMeanwhile(Conflict):
    """Another head was published meanwhile."""

    code = "ledger-published-meanwhile"
    hint = "Repeat the command: the new head is to be cosigned too."


class Word(msgspec.Struct, frozen=True):
    """What came of asking one address."""

    address: str
    names: tuple[str, ...]
    """Of its witnesses in the policy."""
    lines: bytes = b""
    problem: ScManagerError | None = None
    evidence: str = ""
    """Where it serves what convicts the log: two heads that the log's own key signed."""


def by_address(policy: Policy) -> dict[str, dict[str, Witness]]:
    """The witnesses that a policy has addresses for. Several keys of one address are asked once."""
    found: dict[str, dict[str, Witness]] = {}
    for name, address in policy.addresses.items():
        found.setdefault(address, {})[name.decode("utf-8", "replace")] = policy.witnesses[name]
    return found


def ask_all(
    note: bytes,
    tree: TileTree,
    asked: Mapping[str, Mapping[str, Witness]],
    until_s: int,
    over: threading.Event | None = None,
) -> list[Word]:
    """Each address about the head in this note, in any order. Raises what is wrong with note or tree.

    `over`: once it is set nobody is waited for, and there are no words.
    """
    return asyncio.run(_unless(over, _all(note, tree, asked, until_s)))


AskAll = Callable[[bytes, TileTree, Mapping[str, Mapping[str, Witness]], int], list[Word]]
"""As `ask_all`."""


def cosign_folder(folder: Path, policy: Policy, until_s: int, ask: AskAll = ask_all) -> tuple[bytes, list[Word]]:
    """Have the head that lies in a published folder cosigned, and write it with all lines that hold.

    Raises SourceLacks, BadNote, BadCheckpoint, BadTile, PublishedMeanwhile, FolderInUse, PrivateFileFailed.
    """
    read = from_folder(folder)
    note = read(CHECKPOINT, NOTE_BYTES_MAX)
    point = Checkpoint.parse(parse_note(note).text)
    tree = TileTree(point.size, point.root, tiles_from(read))
    words = with_evidence(ask(note, tree, by_address(policy), until_s), note, read)
    return write_lines(folder, note, b"".join(each.lines for each in words)), words


def write_lines(folder: Path, note: bytes, lines: bytes) -> bytes:
    """Add these lines to the head that lies there, which this note is of; what lies there then.

    Raises SourceLacks, PublishedMeanwhile, FolderInUse, PrivateFileFailed.
    """
    read = from_folder(folder)
    with FolderLock(folder / LOCK_FILE, Holder.COMMAND):
        held = read(CHECKPOINT, NOTE_BYTES_MAX)
        if parse_note(held).text != parse_note(note).text:
            raise PublishedMeanwhile
        fresh = merged(held, lines)
        if fresh != held:
            write_public(folder / CHECKPOINT, fresh)
            try:
                sync_folder(folder)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise PrivateFileFailed(path=str(folder), act="written", reason=reason) from error
    return fresh


def cosigned_head(
    folder: Path, held: bytes | None, newest: bytes, policy: Policy, until_s: int
) -> tuple[bytes | None, list[Word]]:
    """The newest head with the lines of its witnesses, once a quorum has cosigned it; its tiles are read here.

    None: the checkpoint that lies there stays. Raises SourceLacks, BadNote, BadCheckpoint, BadTile.
    """
    point = Checkpoint.parse(parse_note(newest).text)
    read = from_folder(folder)
    tree = TileTree(point.size, point.root, tiles_from(read))
    words = with_evidence(ask_all(newest, tree, by_address(policy), until_s), newest, read)
    fresh = merged(newest, b"".join(each.lines for each in words))
    met = policy.is_met(policy.cosigned(parse_note(fresh), until_s))
    return (fresh if met or newest == held else None), words


def with_evidence(words: list[Word], note: bytes, read: Read, over: threading.Event | None = None) -> list[Word]:
    """These words, where witnesses that refuse the head were asked for what convicts its log.

    One that answers 403 may have seen two histories, or list another key. Its evidence counts by the key that signed
    this head, as the key manifests beside it tell; without them nobody is accused. `over` as for `ask_all`.
    """
    if not any(_may_convict(each) for each in words) or (key := _key_of(note, read)) is None:
        return words

    async def all_of_them() -> list[Word]:
        return list(await asyncio.gather(*(_convicting(each, note, key) for each in words)))

    return asyncio.run(_unless(over, all_of_them())) or words


def _may_convict(word: Word) -> bool:
    refuses = isinstance(word.problem, WitnessRefuses) and word.problem.facts["status"] == FORBIDDEN
    return refuses or isinstance(word.problem, WitnessSawOther)


def _key_of(note: bytes, read: Read) -> bytes | None:
    """Of the log that signed this head, as the manifests have it that lie beside it."""
    parsed = parse_note(note)
    try:
        manifests = submission.parse(read(MANIFESTS, submission.FILE_BYTES_MAX))
    except (Unavailable, Untrusted):
        return None
    for key in {log.key for each in manifests if isinstance(each, KeysPublished) for log in each.statement.logs}:
        with contextlib.suppress(Untrusted):
            parsed.signature_by(Checkpoint.parse(parsed.text).origin, key)
            return key
    return None


async def _convicting(word: Word, note: bytes, key: bytes) -> Word:
    if not _may_convict(word):
        return word
    origin = Checkpoint.parse(parse_note(note).text).origin
    try:
        base = base_of(word.address)
        address = f"{base}/{sha256(origin.encode()).hexdigest()}/fork"
        async with asyncio.timeout(STEP_S), asking(base, STEP_S) as client:
            proof = HeadFork.parse((await answered(client, "GET", address)).body)
        proof.verify(key)
    except (TimeoutError, ScManagerError):
        return word
    if proof.origin != origin:
        return word
    size = AnyCheckpoint.parse(parse_note(proof.first).text).size
    return msgspec.structs.replace(word, problem=WitnessSawOther(size=size), evidence=address)


async def _unless(over: threading.Event | None, asking: Coroutine[Any, Any, list[Word]]) -> list[Word]:
    if over is None:
        return await asking
    task = asyncio.create_task(asking)
    while not over.is_set():
        done, _ = await asyncio.wait({task}, timeout=LOOK_S)
        if done:
            return await task
    task.cancel()
    return []


async def _all(note: bytes, tree: TileTree, asked: Mapping[str, Mapping[str, Witness]], until_s: int) -> list[Word]:
    room, trees = asyncio.Semaphore(AT_ONCE), asyncio.Lock()

    async def one(address: str, witnesses: Mapping[str, Witness]) -> Word:
        async with room:
            names = tuple(witnesses)
            try:
                async with asyncio.timeout(WITNESS_S):
                    return Word(
                        address, names, await _talk(address, note, tree, tuple(witnesses.values()), until_s, trees)
                    )
            except TimeoutError:
                return Word(address, names, problem=WitnessSilent(reason="it takes too long"))
            except ScManagerError as error:
                return Word(address, names, problem=error)
            except Exception as error:  # noqa: BLE001 - this witness's alone; the words of the others count
                return Word(address, names, problem=WitnessNonsense(reason=type(error).__name__))

    return list(await asyncio.gather(*(one(*each) for each in asked.items())))


async def _talk(
    address: str, note: bytes, tree: TileTree, witnesses: Sequence[Witness], until_s: int, trees: asyncio.Lock
) -> bytes:
    base, talk = base_of(address), conversation(note, tree, witnesses, until_s)
    async with asking(base, STEP_S) as client:
        body = next(talk)
        while True:
            answer = await posted(client, f"{base}/add-checkpoint", body)
            async with trees:  # Its tiles are read by one at a time.
                try:
                    body = talk.send(answer)
                except StopIteration as done:
                    return bytes(done.value)


@asynccontextmanager
async def asking(base: str, step_s: float) -> "AsyncIterator[httpx.AsyncClient]":
    """Who asks a witness or a mirror at this address, each step within its time. Raises WitnessSilent."""
    import httpx  # A fifth of the start; most commands ask nobody.

    headers = {"Accept-Encoding": "identity", "User-Agent": f"sc-manager/{__version__}"}
    try:
        async with httpx.AsyncClient(
            follow_redirects=False, timeout=step_s, headers=headers, trust_env=not is_local(base)
        ) as client:
            yield client
    except httpx.HTTPError as error:
        raise WitnessSilent(reason=(str(error) or type(error).__name__).rstrip(".")) from error


async def posted(
    client: "httpx.AsyncClient", address: str, body: bytes | AsyncIterator[bytes], headers: Mapping[str, str] = {}
) -> Answer:
    """As `answered`, for what is sent."""
    return await answered(client, "POST", address, content=body, headers=headers)


async def answered(client: "httpx.AsyncClient", method: str, address: str, **more: Any) -> Answer:
    """What is answered, read no further than an answer goes. Raises WitnessNonsense, httpx.HTTPError."""
    data = bytearray()
    async with client.stream(method, address, **more) as answer:
        async for piece in answer.aiter_raw():
            data += piece
            if len(data) > ANSWER_BYTES_MAX:
                raise WitnessNonsense(reason="more than any witness or mirror says")
        media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(answer.status_code, media, bytes(data))
