"""Who wants to hear that a store has grown: one thread waits for all of them, for as long as there are any.

It hears of everything: own commands, what was admitted, and what another machine wrote to a shared store.
"""

import threading

from scmanager.errors import Unavailable
from scmanager.eventstore.store import Store

LOOK_S = 1.0
"""How long after the last listener has left the thread may live."""
PAUSE_S = 0.05
"""After a wait in vain. A store that is closed answers at once, and would keep the thread busy."""


class Listeners:
    """Events to be set whenever the store has grown. Unavailable stores are asked again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._listeners: set[threading.Event] = set()
        self._left = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._listeners)

    def add(self, listener: threading.Event) -> None:
        """Set it for whatever is stored from now on."""
        with self._lock:
            self._listeners.add(listener)
            self._left.clear()
            if self._thread is None:
                reached = self._store.last_pos()
                self._thread = threading.Thread(target=self._wait, args=(reached,), name="store-tail", daemon=True)
                self._thread.start()

    def discard(self, listener: threading.Event) -> None:
        """No longer. Harmless twice."""
        with self._lock:
            self._listeners.discard(listener)
            if not self._listeners:
                self._left.set()

    def _wait(self, reached: int) -> None:
        while not self._over():
            try:
                if self._store.wait(reached, LOOK_S):
                    reached = self._store.last_pos()
                    self._wake()
                    continue
            except Unavailable:
                pass
            self._left.wait(PAUSE_S)

    def _over(self) -> bool:
        with self._lock:
            if not self._listeners:
                self._thread = None
            return not self._listeners

    def _wake(self) -> None:
        with self._lock:
            for listener in self._listeners:
                listener.set()
