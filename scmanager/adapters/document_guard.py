"""The guard: documents are read and written by a child process with limits, started when one is first needed.

Whatever a change does to the library, the node goes on: the child is stopped, the document cannot be shown, and the
next request starts another. Requests wait for each other.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

import scmanager
from scmanager.adapters import document_child as child
from scmanager.adapters.document_child import Answer, Bring, Request, TextAt, Write
from scmanager.domain.document import TYPED_MAX
from scmanager.spaces.scribe import (
    DocumentFull,
    DocumentUnreadable,
    Draft,
    Forgotten,
    Reading,
    ScribeAway,
    Told,
    Trouble,
)

IDLE_S: Final = 30.0
"""Then the child ends, and its memory is free."""
MEMORY_BYTES: Final = 1 << 30
"""Of addresses; a text of 1 MiB that was typed and taken out again needs 880 MB."""
DEADLINE_S: Final = 60.0
"""For one request: taking out a text of 1 MiB took 16 s."""
DEADLINE_CHANGE_S: Final = 0.01
"""More for each change that is told."""


class DocumentGuard:
    """Fulfils Scribe. May be asked from any thread; `close` ends the child."""

    def __init__(
        self, *, deadline_s: float = DEADLINE_S, memory_bytes: int = MEMORY_BYTES, idle_s: float = IDLE_S
    ) -> None:
        self._deadline_s, self._memory_bytes, self._idle_s = deadline_s, memory_bytes, idle_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def bring(self, name: bytes, told: Sequence[Told], *, anew: bool) -> Reading:
        """See Scribe."""
        reading = self._ask(Bring(name, tuple(told), anew), len(told)).reading
        if reading is None:
            raise DocumentUnreadable(why=Trouble.LIBRARY_FAILED)
        return reading

    def text_at(self, name: bytes, heads: Sequence[bytes]) -> str:
        """See Scribe."""
        text = self._ask(TextAt(name, tuple(heads))).text
        if text is None:
            raise DocumentUnreadable(why=Trouble.LIBRARY_FAILED)
        return text

    def write(self, name: bytes, draft: Draft) -> tuple[Told, ...]:
        """See Scribe."""
        answer = self._ask(Write(name, draft))
        if answer.typed is not None:
            raise DocumentFull(typed=answer.typed, most=TYPED_MAX)
        if answer.made is None:
            raise DocumentUnreadable(why=Trouble.LIBRARY_FAILED)
        return answer.made

    @property
    def pid(self) -> int | None:
        """The child's, while one runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def close(self) -> None:
        """End the child, whatever it is doing. The next request starts another."""
        if (process := self._process) is not None:
            process.kill()
        with self._lock:
            self._end()

    def _ask(self, request: Request, changes: int = 0) -> Answer:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._end()
                if not (isinstance(request, Bring) and request.anew):
                    raise Forgotten
                self._process = self._start()
            answer = self._exchange(self._process, request, self._deadline_s + changes * DEADLINE_CHANGE_S)
            if answer.trouble is Trouble.LIBRARY_FAILED:
                self._end()
        if answer.forgotten:
            raise Forgotten
        if answer.trouble is not None:
            raise DocumentUnreadable(why=answer.trouble)
        return answer

    def _exchange(self, process: subprocess.Popen[bytes], request: Request, deadline_s: float) -> Answer:
        """One request and its answer; a child that gives none in time is stopped."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(deadline_s, stop)
        watch.daemon = True
        watch.start()
        data = None
        try:
            if process.stdin is not None and process.stdout is not None:
                with contextlib.suppress(OSError):
                    child.send(process.stdin, request)  # type: ignore[arg-type] # a pipe's file is a BinaryIO
                    data = child.receive(process.stdout)  # type: ignore[arg-type]
        finally:
            watch.cancel()
        with contextlib.suppress(msgspec.DecodeError):
            if data is not None:
                return child.answers.decode(data)
        process.kill()
        idle = process.wait() == 0 and not late.is_set()
        self._end()
        if idle:
            return Answer(forgotten=True)  # It ended by itself just as it was asked.
        return Answer(trouble=Trouble.TOO_SLOW if late.is_set() else Trouble.LIBRARY_STOPPED)

    def _start(self) -> subprocess.Popen[bytes]:
        where = str(Path(scmanager.__file__).parent.parent)
        known = os.environ.get("PYTHONPATH")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([where, *([known] if known else [])])}
        try:
            return subprocess.Popen(
                [sys.executable, "-m", child.__name__, str(self._idle_s), str(self._memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # A panic tells of what it was reading.
                env=environment,
                start_new_session=True,  # Ctrl+C in the terminal is for the node alone.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise ScribeAway(why=error.strerror or type(error).__name__) from error

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
