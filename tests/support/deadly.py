"""A store's writing connection that ends the process, with SIGKILL, at a statement of one's choice."""

import os
import signal
from typing import Any

from scmanager.eventstore.sqlite import SqliteStore


class Deadly:
    """Kills before or after the nth statement that begins with the words of `step`; `left` 0: none."""

    def __init__(self, real: Any, step: str, when: str, left: int) -> None:
        self.real, self.step, self.when, self.left = real, step, when, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def execute(self, sql: str, *more: Any) -> Any:
        return self._run(self.real.execute, sql, *more)

    def executemany(self, sql: str, *more: Any) -> Any:
        return self._run(self.real.executemany, sql, *more)

    def _run(self, call: Any, sql: str, *more: Any) -> Any:
        hit = self.left > 0 and (sql.strip() + " ").startswith(self.step + " ")
        self.left -= hit
        dies = hit and self.left == 0
        if dies and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(sql, *more)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def deadly(store: SqliteStore, step: str, when: str, left: int) -> Deadly:
    """Its writing connection from now on."""
    store._writer = made = Deadly(store._writer, step, when, left)  # type: ignore[assignment] # as good as a connection
    return made
