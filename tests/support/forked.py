"""Processes that die in a test: forked from one that has imported what they need, so that a death costs no start.

That one is started with the first of them and ends with the tests. It keeps nothing open and does nothing but fork;
where the system cannot fork, each is started anew. Coverage measures none of them: who is killed writes no report.
"""

import contextlib
import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
IMPORTED = ["pytest", "scmanager.serving", "tests.support.deadly", "tests.support.pieces", "tests.support.stores"]
"""What they need, or most of it: the module of the act is imported after the fork."""
TIMEOUT_S = 60.0

Say = Callable[[Any], None]


class Ended(msgspec.Struct, frozen=True):
    """The exit code, or minus the signal; and what was said until then."""

    code: int | None
    said: list[Any]


def ended(act: Callable[..., None], *arguments: Any) -> Ended:
    """A process of its own that does `act(say, *arguments)`, until it ends or dies."""
    context = _context()
    hears, says = context.Pipe(duplex=False)
    process: Any = context.Process(target=_do, args=(says, act, arguments), daemon=True)  # type: ignore[attr-defined] # typeshed: by subclasses
    process.start()
    says.close()
    said = []
    with contextlib.suppress(EOFError):
        while hears.poll(TIMEOUT_S):
            said.append(hears.recv())
    process.join(TIMEOUT_S)
    hears.close()
    return Ended(process.exitcode, said)


def unmeasured(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what makes coverage measure a process that is started in it."""
    known = os.environ if environment is None else environment
    return {name: value for name, value in known.items() if not name.startswith("COVERAGE_PROCESS")}


def _do(says: Any, act: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    try:
        act(says.send, *arguments)
    except BaseException:
        says.send(traceback.format_exc())
        raise


@cache
def _context() -> BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    with _environment(unmeasured() | {"PYTHONPATH": str(ROOT)}):
        forkserver.ensure_running()
    return context


@contextlib.contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
