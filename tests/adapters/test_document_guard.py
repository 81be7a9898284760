"""The process that holds documents: whatever a change does to it, the node goes on and other documents work."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from scmanager.adapters.automerge_change import ChangeUnusable, parse
from scmanager.adapters.document_guard import DocumentGuard
from scmanager.spaces.scribe import DocumentUnreadable, Draft, Forgotten, Told, Trouble
from tests.support.changes import SPARE, body_of, conversation, in_order, poison, retold, sealed
from tests.support.effort import examples
from tests.support.forked import unmeasured

TOLD = in_order(conversation()[0])
GOOD, BAD = b"a good one", b"a bad one"


@pytest.fixture
def guard() -> Iterator[DocumentGuard]:
    made = DocumentGuard()
    yield made
    made.close()


def trouble(guard: DocumentGuard, told: list[Told], name: bytes = BAD) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        guard.bring(name, told, anew=True)
    return str(caught.value.facts["why"])


def test_nothing_runs_until_a_document_is_asked_for_and_nothing_after_it_was_idle() -> None:
    guard = DocumentGuard(idle_s=0.2)
    assert guard.pid is None
    guard.bring(GOOD, TOLD[:1], anew=True)
    assert guard.pid is not None
    deadline = time.monotonic() + 10
    while guard.pid is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert guard.pid is None
    with pytest.raises(Forgotten):
        guard.bring(GOOD, TOLD[1:2], anew=False)
    assert guard.bring(GOOD, TOLD[:2], anew=True).omitted == ()
    guard.close()


def test_a_node_does_not_load_the_library() -> None:
    code = "import sys, scmanager.runtime, scmanager.api.app; print('automerge' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_poison_change_ends_the_process_and_other_documents_work_again_at_once(guard: DocumentGuard) -> None:
    guard.bring(GOOD, TOLD, anew=True)
    assert trouble(guard, [poison(TOLD[0])]) == Trouble.LIBRARY_FAILED
    with pytest.raises(Forgotten):
        guard.text_at(GOOD, ())
    assert guard.bring(GOOD, TOLD, anew=True).omitted == ()


def test_a_process_that_is_killed_in_the_middle_is_told_of_and_started_again(guard: DocumentGuard) -> None:
    guard.bring(GOOD, TOLD, anew=True)
    assert guard.pid is not None
    psutil.Process(guard.pid).suspend()
    os.kill(guard.pid, signal.SIGKILL)
    with pytest.raises((DocumentUnreadable, Forgotten)):
        guard.bring(GOOD, (), anew=False)
    assert guard.bring(GOOD, TOLD, anew=True).omitted == ()


def test_what_takes_too_long_is_stopped(guard: DocumentGuard) -> None:
    hasty = DocumentGuard(deadline_s=3)  # Its process has to start within that, too, on whatever else is going on.
    first = hasty.bring(GOOD, (), anew=True)
    assert hasty.pid is not None
    child = psutil.Process(hasty.pid)
    child.suspend()  # As good as an endless loop.
    started = time.monotonic()
    with pytest.raises(DocumentUnreadable) as caught:
        hasty.write(GOOD, Draft(first.heads, "x", b"a" * 16, 1, SPARE))
    assert caught.value.facts["why"] == Trouble.TOO_SLOW
    assert time.monotonic() - started < 10
    assert not child.is_running()
    assert hasty.bring(GOOD, TOLD, anew=True).omitted == ()
    hasty.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold a process to its memory")
def test_what_eats_memory_is_stopped() -> None:
    small = DocumentGuard(memory_bytes=64 << 20)
    first = small.bring(GOOD, (), anew=True)
    with pytest.raises(DocumentUnreadable) as caught:
        small.write(
            GOOD, Draft(first.heads, "".join(random.Random(1).choices("ab \n", k=1 << 20)), b"a" * 16, 1, SPARE)
        )
    assert caught.value.facts["why"] in (Trouble.LIBRARY_STOPPED, Trouble.LIBRARY_FAILED)
    assert small.bring(GOOD, TOLD, anew=True).omitted == ()
    small.close()


def test_fuzzing_through_the_parser_never_harms_more_than_one_document(
    guard: DocumentGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes with changed bytes, sealed again so that they read well: some are poison, and all are survived."""
    for name in set(os.environ) - set(unmeasured()):  # Many processes, each of them killed.
        monkeypatch.delenv(name)
    rng = random.Random(7)
    good = guard.bring(GOOD, TOLD, anew=True).text
    seen: set[str] = set()
    for _ in range(examples(300)):
        base = rng.randrange(1, len(TOLD))
        body = bytearray(body_of(TOLD[base].data))
        for _ in range(rng.randrange(1, 3)):
            body[rng.randrange(33, len(body))] = rng.randrange(256)
        told = retold(TOLD[base], sealed(bytes(body)))
        try:
            header = parse(told.data)
        except ChangeUnusable:
            continue
        told = Told(told.change, header.actor, header.number, header.deps, told.data)
        try:
            seen.update(each.why for each in guard.bring(BAD, [*TOLD[:base], told], anew=True).omitted)
        except DocumentUnreadable as error:
            seen.add(str(error.facts["why"]))
        try:
            assert guard.bring(GOOD, (), anew=False).text == good
        except Forgotten:
            assert guard.bring(GOOD, TOLD, anew=True).text == good
    assert seen, "nothing that reads well was poison: change other bytes"


def test_it_can_be_closed_while_it_works(guard: DocumentGuard) -> None:
    first = guard.bring(GOOD, (), anew=True)
    text = "".join(random.Random(2).choices("ab \n", k=1 << 20))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(guard.write, GOOD, Draft(first.heads, text, b"a" * 16, 1, SPARE))
        time.sleep(0.1)
        guard.close()
        with pytest.raises(DocumentUnreadable):
            asked.result(10)
    assert guard.bring(GOOD, TOLD, anew=True).omitted == ()
