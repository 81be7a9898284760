"""Connections: each has some seconds to say what it wants, and those that say nothing make room for those that do.

Any program on this machine may connect, also of other users and without the token; so waiting costs them their place.
A body has to keep up a pace (pace.py), whoever sends it. Where there is no room left for who asks, first those leave
that say nothing, then bodies under way, then those that do not take their answer; never who has shown the token.
"""

import asyncio
import contextlib
import re
import struct
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from scmanager.api.guard import ALLOWED, ROOM_FULL
from scmanager.api.listening import REQUESTS_MAX
from scmanager.api.pace import BODIES_MAX, UNTOLD_BYTES, Pace, first_to_leave
from scmanager.api.readers import address_of

ACCEPTED_MAX = 2 * REQUESTS_MAX
"""With those that came just now and have not said yet what they want."""
HEAD_S = 10.0
"""From connecting to the end of the first request's head."""
ABORT = "scm.abort"
"""What ends a connection at once, unsent bytes and all: for an app that gives answers a time."""
JUST_NOW_S = 1.0
"""Many may be accepted before the first of them is read."""
KEEP_ALIVE_S = 30
"""From an answer to the end of the next request's head."""
WATCH_S = 1.0
"""So often a websocket is looked at; one that is over has as long to take the last of what was said."""
SOCKET_UNSENT_MAX = 32 << 20
"""Bytes that a websocket does not take: who sends one ping after the other is answered each."""
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(/.*)?", re.IGNORECASE)


class Connection(H11Protocol):
    """One connection. What a head or a body dribbles does not put off its end."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.app = self._admit
        self._end: asyncio.TimerHandle | None = None
        self._pace: Pace | None = None
        self._check: asyncio.TimerHandle | None = None
        self._stuck_since: float | None = None
        self._left_bytes = 0
        self._beyond = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give it a place, which one that has been silent for a while may have to leave."""
        assert isinstance(transport, asyncio.Transport)
        if len(self.connections) >= REQUESTS_MAX:
            self._make_room(newcomers=len(self.connections) >= ACCEPTED_MAX, speakers=False)
        self._beyond = len(self.connections) >= REQUESTS_MAX
        super().connection_made(transport)
        self._wait(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._heard()
        self._body_over()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Notice when a request begins, which is when its head is whole, and how its body comes."""
        before, had = self.cycle, len(self.cycle.body) if self.cycle else 0
        super().handle_events()
        if self.cycle is not before:
            self._heard()
            self._body_over()
            if (
                self._body_comes()
            ):  # Looked at after the app's first step: then it has said whether this is the owner.
                self.loop.call_soon(self._body_begins, self.cycle)
        elif self._pace and self._body_comes():
            self._pace.heard(self.loop.time(), len(self.cycle.body) - had)
        else:
            self._body_over()
        self._closes()

    def _closes(self) -> None:
        """Whatever the library closes has an end, though nobody takes what was said before."""
        if self.transport.is_closing() and self._end is None and self in self.connections:
            self._wait(KEEP_ALIVE_S)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """A websocket has limits of its own. Whoever asks for one has taken what was said before."""
        if self._unsent():
            self._leave()
            return
        self._heard()
        super().handle_websocket_upgrade(event)
        self._watch(was_closing=False)

    def _watch(self, *, was_closing: bool) -> None:
        unsent, closing = self._unsent(), self.transport.is_closing()
        if unsent > SOCKET_UNSENT_MAX or (closing and (was_closing or not unsent)):
            self.transport.abort()
        else:
            self.loop.call_later(WATCH_S, lambda: self._watch(was_closing=closing))

    def on_response_complete(self) -> None:
        """It was answered, and may ask again. Where it may not, what was not sent yet is waited for as long."""
        self._body_over()
        if self._unsent() or not self.transport.is_closing():
            self._wait(KEEP_ALIVE_S)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """What is sent is not taken."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It is taken again."""
        self._stuck_since = None
        super().resume_writing()

    @property
    def silent(self) -> bool:
        """Whether nothing is being answered here, and the answer before was taken."""
        return self._end is not None and not self._unsent()

    @property
    def stuck_since(self) -> float | None:
        """Since when an answer is not taken, on the loop's clock; None: it is, or there is none."""
        if self._stuck_since is None and self._end is not None and self._unsent():
            return self._end.when() - KEEP_ALIVE_S
        return self._stuck_since

    @property
    def came_just_now(self) -> bool:
        """Whether it has never asked, and its words may be on their way."""
        return not self.cycle and bool(self._end and self._end.when() - self.loop.time() > HEAD_S - JUST_NOW_S)

    def patience(self) -> tuple[bool, bool, float]:
        """Smaller for whom to let go first: those that said nothing for a while, those that were answered and wait,
        those that came just now; of each the one that has waited longest."""
        return self.came_just_now, self.cycle is not None, self._end.when() if self._end else 0.0

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def _untaken(self) -> int:
        """With what lies in the system's buffer, where it tells: that takes much at once, and then long nothing."""
        unsent = self._unsent()
        if unsent and sys.platform == "linux":
            import fcntl
            import termios

            with contextlib.suppress(OSError):
                told = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
                unsent += struct.unpack("i", told)[0]
        return unsent

    def _wait(self, seconds: float) -> None:
        self._heard()
        self._left_bytes = self._untaken()
        self._end = self.loop.call_later(seconds, self._waited)

    def _waited(self) -> None:
        """Who took some of his answer meanwhile has as long again."""
        if self._unsent() and self._untaken() < self._left_bytes:
            self._wait(KEEP_ALIVE_S)
        else:
            self._leave()

    def _heard(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = None

    def _leave(self) -> None:
        self._heard()
        self._body_over()
        self.connections.discard(self)
        if self._unsent():  # To close is to wait until it is taken.
            self.transport.abort()
        else:
            self.transport.close()

    # Bodies

    def _body_comes(self) -> bool:
        return self.cycle is not None and self.cycle.more_body and not self.cycle.response_complete

    def _body_begins(self, cycle: object) -> None:
        if self.cycle is not cycle or not self._body_comes() or self.transport.is_closing():
            return
        self._pace = Pace(self.loop.time(), self._told_bytes() - len(self.cycle.body))
        self._look_again()
        if len(crowd := self._strangers(lambda each: each._pace is not None)) > BODIES_MAX:
            self._farthest(crowd)._leave()

    def _told_bytes(self) -> int:
        """How long the body is to be, as its head says; the library has seen that it is a number."""
        headers = dict(self.headers)
        said = headers.get(b"content-length", b"")
        return int(said[:18]) if said.isdigit() and b"transfer-encoding" not in headers else UNTOLD_BYTES

    def _look_again(self) -> None:
        assert self._pace is not None
        self._check = self.loop.call_at(self._pace.until_s, self._look)

    def _look(self) -> None:
        """Whether its time is over, or it was given more meanwhile."""
        if self._pace is None:
            return
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._pace.waited_for_us(self.loop.time())
        if self._pace.until_s > self.loop.time():
            self._look_again()
        else:
            self._leave()

    def _body_over(self) -> None:
        if self._check is not None:
            self._check.cancel()
        self._pace = self._check = None

    # Room

    def _make_room(self, *, newcomers: bool, speakers: bool) -> bool:
        """Whether one of the others left: one that says nothing, with `newcomers` also one that came just now; with
        `speakers` also one that was answered and waits, sends a body or does not take its answer."""
        silent = [each for each in self._others() if each.silent]
        silent = [each for each in silent if newcomers or not each.came_just_now]
        if silent := [each for each in silent if speakers or not each.cycle]:
            min(silent, key=Connection.patience)._leave()
        elif not speakers:
            return False
        elif bodies := self._strangers(lambda each: each._pace is not None):
            self._farthest(bodies)._leave()
        elif stuck := self._strangers(lambda each: each.stuck_since is not None):
            min(stuck, key=lambda each: each.stuck_since or 0.0)._leave()
        else:
            return False
        return True

    def _crowded(self) -> bool:
        """Whether more are here than there is room for; who came just now and said nothing yet takes none."""
        newcomers = sum(each.came_just_now for each in self._others())
        return len(self.connections) - newcomers > REQUESTS_MAX

    def _farthest(self, bodies: "list[Connection]") -> "Connection":
        left = ((address_of(dict(each.scope)), each._pace.left_bytes if each._pace else 0) for each in bodies)
        return bodies[first_to_leave(left)]

    def _strangers(self, which: "Callable[[Connection], bool]") -> "list[Connection]":
        """Those that have shown no token."""
        return [each for each in self._others() if which(each) and not each.scope.get(ALLOWED)]

    def _others(self) -> "list[Connection]":
        return [each for each in self.connections if isinstance(each, Connection)]

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        if whole := _ABSOLUTE.fullmatch(scope.get("raw_path", b"")):
            _take_host(scope, whole[1], whole[2] or b"/")
        while self._beyond and self._crowded() and self._make_room(newcomers=False, speakers=True):
            pass
        self._beyond = self._beyond and self._crowded()
        scope[ROOM_FULL] = self._beyond
        scope[ABORT] = self.transport.abort
        try:
            await self.config.loaded_app(scope, receive, send)
        finally:
            self.loop.call_soon(self._closes)


def _take_host(scope: Scope, host: bytes, path: bytes) -> None:
    """A target in absolute form says the host, and what the header says of it counts no more (RFC 9112, 3.2.2)."""
    others = [each for each in scope["headers"] if each[0] != b"host"]
    scope.update(raw_path=path, path=unquote(path.decode("ascii")), headers=[(b"host", host), *others])
