"""A sequencer and its publisher that are killed at a named step: `python -m tests.support.intake_process DIR STEP...`

Each step has a folder below DIR, by its number, with a line in `acknowledged` for each receipt: batch, first index,
last event_id. A step is `before` or `after`, and what an SQL statement begins with or what the publisher writes; the
process dies at its third time after the first batch. `full disk`: no file may grow while the second batch comes.
Where SCM_INTAKE_DSN names a PostgreSQL store, all of them write into it, each its own log and batches of its own.
"""

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from scmanager.adapters import tile_folder
from scmanager.application.sequencing import Reports
from scmanager.author import taking as taking_module
from scmanager.errors import ScManagerError
from scmanager.master_ledger.reports import Receipt
from tests.support.intake import Site, reported

armed = threading.Event()
left = 3


def hit() -> None:
    global left
    if armed.is_set():
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """The writing connection; ends the process before or after one kind of statement."""

    def __init__(self, real: Any, when: str, step: str) -> None:
        self.real, self.when, self.step = real, when, step

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def _run(self, call: Any, sql: Any, *more: Any, **how: Any) -> Any:
        mine = (sql.decode() if isinstance(sql, bytes) else str(sql)).strip().startswith(self.step)
        if mine and self.when == "before":
            hit()
        if mine and self.when == "during":
            threading.Timer(0.0005, hit).start()
        done = call(sql, *more, **how)
        if mine and self.when == "after":
            hit()
        return done

    def execute(self, sql: Any, *more: Any, **how: Any) -> Any:
        return self._run(self.real.execute, sql, *more, **how)

    def executemany(self, sql: str, *more: Any) -> Any:
        return self._run(self.real.executemany, sql, *more)


def watch(when: str, step: str) -> None:
    """The publisher's acts: each file it writes, and the checkpoint."""
    real = tile_folder.write_public

    def write(path: Path, data: bytes) -> None:
        mine = step == "file" or (step == "checkpoint" and path.name == "checkpoint")
        if mine and when == "before":
            hit()
        real(path, data)
        if mine and when == "after":
            hit()

    tile_folder.write_public = write  # type: ignore[assignment]


def limit(size_bytes: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))


def live(site: Site, first: int, when: str, step: str) -> None:
    """`first`: the number of its first batch."""
    watch(when, step)
    taking_module.EVERY_S = 0.01  # type: ignore[misc]
    with site.taking() as taking:
        store: Any = taking._intake.store
        for number in range(first, first + (30 if when != "full" else 3)):
            if number == first + 1:  # PostgreSQL's has a writing connection from the first batch on.
                store._writer = Deadly(store._writer, when, step)
                armed.set()
            if when == "full" and number == first + 1:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                limit(4096)
            batch = Reports(number.to_bytes(16, "big"), reported(40))
            try:
                receipt = msgspec.json.decode(taking.sequencer.submit(batch).result(20), type=Receipt)
                say(site, number, receipt.first, receipt.last.hex())
            except ScManagerError as error:
                say(site, "refused", error.code)
                limit(resource.RLIM_INFINITY)
            time.sleep(0.02)


def say(site: Site, *words: object) -> None:
    with (site.folder / "acknowledged").open("a") as file:
        print(*words, file=file)


def main() -> int:
    """Each step in a fork of its own, on a folder of its own. Nothing else runs here, so forking is safe."""
    global left
    for number, step in enumerate(sys.argv[2:]):
        left = 3
        child = os.fork()
        if child == 0:
            dsn = os.environ.get("SCM_INTAKE_DSN")
            site = Site(Path(sys.argv[1]) / str(number), dsn).make()
            site.keep()
            live(site, 100 * number if dsn else 0, *step.split(" ", 1))
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        (Path(sys.argv[1]) / str(number) / "ended").write_text(str(code))
    return 0


if __name__ == "__main__":
    sys.exit(main())
