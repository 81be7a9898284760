"""The process that holds documents for a node: it may fail, loop or eat memory, and nothing else does.

It reads requests from standard input and answers on standard output, each as a length of four bytes and msgpack. It
ends by itself when nobody asked anything for a while, when its input ends, and after any failure of the library.
`python -m scmanager.adapters.document_child IDLE_S MEMORY_BYTES`
"""

import contextlib
import os
import queue
import sys
import threading
from collections import OrderedDict
from typing import BinaryIO, Final

import msgspec

from scmanager.domain.document import TYPED_MAX
from scmanager.spaces.scribe import DocumentFull, DocumentUnreadable, Draft, Forgotten, Reading, Told, Trouble

HELD_MAX: Final = 8
"""Documents at a time; the one that was asked for longest ago goes."""
PROCESSOR_S: Final = 3600
"""Of one process: an endless loop ends even if nobody is left to end it."""


class Bring(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """See Scribe.bring."""

    name: bytes
    told: tuple[Told, ...]
    anew: bool


class TextAt(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """See Scribe.text_at."""

    name: bytes
    heads: tuple[bytes, ...]


class Write(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """See Scribe.write."""

    name: bytes
    draft: Draft


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What a request led to: one of these."""

    reading: Reading | None = None
    text: str | None = None
    made: tuple[Told, ...] | None = None
    trouble: Trouble | None = None
    forgotten: bool = False
    typed: int | None = None
    """Of a document that is full."""


Request = Bring | TextAt | Write

requests: Final = msgspec.msgpack.Decoder(Request)
answers: Final = msgspec.msgpack.Decoder(Answer)
encode: Final = msgspec.msgpack.Encoder().encode


def send(stream: BinaryIO, message: msgspec.Struct) -> None:
    """Write one message."""
    data = encode(message)
    stream.write(len(data).to_bytes(4, "big") + data)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """One message's bytes; None at the end of the stream."""
    size = stream.read(4)
    if len(size) < 4:
        return None
    length = int.from_bytes(size, "big")
    data = stream.read(length)
    return data if len(data) == length else None


def limit(memory_bytes: int) -> None:
    """Have the system hold this process to its memory, where it can. No memory image is written when it dies."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


class Shelf:
    """The documents held, by name."""

    def __init__(self) -> None:
        from scmanager.adapters.automerge_text import TextDocument

        self._make = TextDocument
        self._held: OrderedDict[bytes, TextDocument] = OrderedDict()

    def answer(self, request: Request) -> Answer:
        """Do what is asked. Whatever the library raises, even what is no Exception, is an answer."""
        if isinstance(request, Bring) and request.anew:
            self._held[request.name] = self._make()
        held = self._held.get(request.name)
        if held is None:
            return Answer(forgotten=True)
        self._held.move_to_end(request.name)
        self._make_room()
        try:
            match request:
                case Bring():
                    omitted = held.take(request.told)
                    return Answer(reading=Reading(held.text(), tuple(sorted(held.heads)), omitted))
                case TextAt():
                    return Answer(text=held.text(request.heads))
                case Write():
                    return Answer(made=held.write(request.draft))
        except DocumentFull as error:
            return Answer(typed=int(str(error.facts["typed"])))
        except Forgotten:
            del self._held[request.name]
            return Answer(forgotten=True)
        except DocumentUnreadable as error:
            del self._held[request.name]
            return Answer(trouble=Trouble(str(error.facts["why"])))
        except BaseException:  # noqa: BLE001 - a panic of the library is no Exception
            return Answer(trouble=Trouble.LIBRARY_FAILED)

    def _make_room(self) -> None:
        """The others are together no larger than one can be."""
        others = sum(each.typed for each in self._held.values()) - next(reversed(self._held.values())).typed
        while len(self._held) > HELD_MAX or others > TYPED_MAX:
            others -= self._held.popitem(last=False)[1].typed


def main() -> None:
    """Answer until nobody asks."""
    idle_s, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    limit(memory_bytes)
    shelf = Shelf()
    asked: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def listen() -> None:
        while (data := receive(sys.stdin.buffer)) is not None:
            asked.put(data)
        asked.put(None)

    threading.Thread(target=listen, daemon=True).start()
    with contextlib.suppress(queue.Empty, BrokenPipeError):
        while (data := asked.get(timeout=idle_s)) is not None:
            answer = shelf.answer(requests.decode(data))
            send(sys.stdout.buffer, answer)
            if answer.trouble is Trouble.LIBRARY_FAILED:
                break
    sys.stdout.flush()
    os._exit(0)  # At once: after a panic the library may crash while it is put away.


if __name__ == "__main__":
    main()
