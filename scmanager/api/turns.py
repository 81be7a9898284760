"""Turns for questions about the past: they are long, so one is answered at a time, and few may wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from scmanager.errors import Unavailable

WAITING_MAX: Final = 4
"""Questions about the past that wait for their turn."""
T = TypeVar("T")


class ReplaysBusy(Unavailable):
    """Others have asked about earlier states, and wait for their answers."""

    code = "audit-replays-busy"
    hint = "Ask again in a few seconds, or ask the folder: scm audit replay."


class Turns:
    """One thread for all questions about the past, and a short queue before it. Used in the event loop only."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "replay")
        self._taken = 0

    async def take(self, act: Callable[[], T]) -> T:
        """Raises ReplaysBusy. A client that hangs up does not end it in the middle."""
        if self._taken > WAITING_MAX:
            raise ReplaysBusy
        self._taken += 1
        done = asyncio.get_running_loop().run_in_executor(self._thread, act)
        done.add_done_callback(self._left)
        return await asyncio.shield(done)

    def _left(self, _: Any) -> None:
        self._taken -= 1

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._thread.shutdown(wait=False, cancel_futures=True)
