"""Reading ahead: a second process opens entries while this one judges and folds those before them.

Opening an entry is a function of its bytes and its key, and costs more than half of following the store. What cannot
be opened there (a log's first entry, a key not given, a malformed part 0) or no process to be had is no error: it is
opened here, as few rows always are. Keys go through a pipe, never to disk; the process ends with this one, even
if this one is killed, for then its pipe ends.
"""

import base64
import binascii
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Self

import msgspec

from scmanager.eventstore import entry, parts
from scmanager.eventstore.store import Row, Store
from scmanager.spaces.opening import Found, KeyOf, read_shared

BULK_ROWS = 20_000
"""From here on the second process is worth its start, some 0.3 s."""
CHUNK_ROWS = 1_000

FIRST_ROWS = 250

_SEQ_0 = bytes(8)
_SEALED = b'"parts":[["'
_KEY_LETTERS = 44
_BEGIN = "import sys; sys.path[:] = sys.argv[1:]; from scmanager.spaces.ahead import serve; serve()"


class _Work(msgspec.Struct, array_like=True):
    rows: list[tuple[bytes, bytes]]
    keys: list[tuple[bytes, bytes]]


_encode = msgspec.msgpack.Encoder().encode
_work = msgspec.msgpack.Decoder(_Work)
_answer = msgspec.msgpack.Decoder(list[Found | None])

Page = tuple[Sequence[Row], Mapping[int, Found]]
"""Rows in order of pos, and by pos what was found of them."""


def pages(
    store: Store, after: int, key_of: KeyOf, *, bulk: int = BULK_ROWS, chunk: int = CHUNK_ROWS
) -> Iterator[Page]:
    """What the store has behind `after`, read ahead; nothing when it is less than `bulk` or no process can be had."""
    if store.last_pos() - after < bulk or (os.cpu_count() or 1) < 2:
        return
    try:
        reader = Reader()
    except OSError:
        return
    with reader:
        firsts: list[Row] = []
        while not reader.ready and (rows := store.tail(after, FIRST_ROWS)):
            after = rows[-1].pos  # While it starts, the first rows are opened here; it must know of their logs.
            firsts += [row for row in rows if row.data[36:44] == _SEQ_0]
            yield rows, {}
        yield from read(store, after, key_of, reader, firsts, chunk)


def read(
    store: Store, after: int, key_of: KeyOf, reader: "Reader", firsts: Sequence[Row], chunk: int
) -> Iterator[Page]:
    """The same by a reader that runs; `firsts` are first entries of logs that it has not seen."""
    reader.ask(firsts, key_of)
    reader.answer()
    rows = store.tail(after, chunk)
    reader.ask(rows, key_of)
    while rows:
        coming = store.tail(rows[-1].pos, chunk)
        found = reader.answer()
        # Never two questions at once: it would read the second only after somebody had read its first answer.
        reader.ask(coming, key_of)
        yield rows, {row.pos: each for row, each in zip(rows, found, strict=False) if each is not None}
        rows = coming


class Reader:
    """The second process. After any failure it answers nothing, and everything is opened here."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BEGIN, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._given: set[bytes] = set()
        self._alive = True
        self._starting = threading.Thread(target=self.answer, name="reader-start", daemon=True)
        self._starting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()  # It owns nothing that could be left half done.
        self.process.wait()
        self._starting.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @property
    def ready(self) -> bool:
        """Whether it has started, or never will."""
        return not self._starting.is_alive()

    def ask(self, rows: Sequence[Row], key_of: KeyOf) -> None:
        """Have these rows opened."""
        self._starting.join()
        if not self._alive:
            return
        fresh = _key_ids(rows) - self._given
        keys = [(each, key) for each in fresh if (key := key_of(each)) is not None]
        self._given.update(each for each, _ in keys)
        try:
            _send(self.process.stdin, _encode(_Work([(row.data, row.shared) for row in rows], keys)))
        except OSError:
            self._alive = False

    def answer(self) -> list[Found | None]:
        """What came of the rows asked for first."""
        try:
            return _answer.decode(_receive(self.process.stdout)) if self._alive else []
        except (OSError, EOFError, ValueError, msgspec.MsgspecError):
            self._alive = False
            return []


def _key_ids(rows: Sequence[Row]) -> set[bytes]:
    """The keys that part 0 of these rows names, from the bytes alone. A wrong guess does no harm."""
    letters = set()
    for row in rows:
        at = row.data.find(_SEALED, 116) + len(_SEALED)
        letters.add(row.data[at : at + _KEY_LETTERS])
    ids = set()
    for each in letters:
        with contextlib.suppress(binascii.Error):
            ids.add(base64.b64decode(each, validate=True))
    return ids


def _send(pipe: IO[bytes] | None, message: bytes) -> None:
    if pipe is None:
        raise EOFError
    pipe.write(len(message).to_bytes(8, "big") + message)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> bytes:
    """One message. Raises EOFError when the other side is gone."""
    head = pipe.read(8) if pipe else b""
    size = int.from_bytes(head, "big")
    message = pipe.read(size) if pipe and len(head) == 8 else b""
    if len(message) != size or not size:
        raise EOFError
    return message


# In the second process


def serve() -> None:
    """Open what is asked for on standard input until the asker is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The asker decides.
    keys: dict[bytes, bytes] = {}
    publics: dict[bytes, bytes] = {}
    with contextlib.suppress(OSError, EOFError):
        _send(sys.stdout.buffer, _encode([]))  # Ready.
        while True:
            work = _work.decode(_receive(sys.stdin.buffer))
            keys.update(work.keys)
            _send(sys.stdout.buffer, _encode([_found(data, stored, keys, publics) for data, stored in work.rows]))
    os._exit(0)  # Nothing is left to write, and nobody to write to.


def _found(data: bytes, stored: bytes, keys: dict[bytes, bytes], publics: dict[bytes, bytes]) -> Found | None:
    try:
        one = entry.parse(data)
    except entry.MalformedEntry:
        return None
    if one.genesis is not None:
        publics[one.log] = one.genesis.key
        return None
    sealed = one.parts[0].key
    if one.log not in publics or (sealed and sealed not in keys):
        return None
    if parts.part_hash(stored) != one.parts[0].hash:
        return None
    shared = read_shared(one, stored, publics[one.log], keys.get(sealed, b""))
    if shared is None:
        return None
    return Found(
        one.id, one.seq, one.hlc, one.deps, one.parts,
        shared.type, shared.by, shared.command, shared.cause, shared.entity, shared.saw, bytes(shared.payload),
    )  # fmt: skip
