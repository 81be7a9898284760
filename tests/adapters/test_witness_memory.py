"""What a witness cosigned: kept before it is said, once, in the one order that threads and processes agree on."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters import witness_folder
from scmanager.adapters.private_files import PrivateFileFailed
from scmanager.adapters.witness_folder import (
    LOGS_FILE,
    MEMORY_FILE,
    LogKeyUnusable,
    Purpose,
    WitnessFolder,
    WitnessKeyDamaged,
    WitnessMissing,
    WitnessNameUnusable,
    WitnessThere,
)
from scmanager.adapters.witness_memory import (
    REFUSED_MAX,
    WitnessMemory,
    WitnessMemoryDamaged,
    WitnessMemoryOther,
    WitnessRolledBack,
)
from scmanager.errors import ScManagerError
from scmanager.eventstore.file_faults import FileUnusable
from scmanager.eventstore.head_fork import HeadFork
from scmanager.master_ledger.cosignature import ML_DSA_44
from scmanager.master_ledger.log_list import BadLogList
from scmanager.master_ledger.policy import Vkey
from scmanager.master_ledger.witnessing import LogFrozen, NotConsistent, OldSizeDiffers, parse
from tests.support.witness import ShownLog, make_witness, opened, request

LOG = ShownLog()
NAME = sha256(LOG.origin.encode()).digest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_witness(tmp_path / "w", LOG)
    return tmp_path / "w"


def ask(held: WitnessFolder, old: int, size: int, left_at: int | None = None) -> bytes:
    return held.add_checkpoint(parse(LOG.asks(old, size, left_at)))


def outcome(held: WitnessFolder, *asked: Any) -> str:
    try:
        ask(held, *asked)
    except ScManagerError as error:
        return error.code
    return "cosigned"


def _in_a_process(folder: Path, act: Any) -> int:
    child = multiprocessing.get_context("fork").Process(target=act, args=(folder,))
    child.start()
    child.join(30)
    assert child.exitcode is not None
    return child.exitcode


def _dies_before_it_is_kept(folder: Path) -> None:
    held = opened(folder)
    held.cosign = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign,assignment,return-value]
    ask(held, 0, 5)


def _dies_before_it_is_said(folder: Path) -> None:
    held = opened(folder)
    held.memory._remember = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    ask(held, 0, 5)


def test_killed_before_it_is_kept_it_has_said_nothing(folder: Path) -> None:
    assert _in_a_process(folder, _dies_before_it_is_kept) == -signal.SIGKILL
    held = opened(folder)
    assert held.checkpoint(NAME) is None
    assert ask(held, 0, 7, 3)


def test_killed_before_it_is_said_it_is_kept_and_nothing_else_is_cosigned(folder: Path) -> None:
    assert _in_a_process(folder, _dies_before_it_is_said) == -signal.SIGKILL
    held = opened(folder)
    with pytest.raises(OldSizeDiffers, match="5 entries"):
        ask(held, 0, 7)
    assert outcome(held, 5, 7, 3) == NotConsistent.code
    again = opened(folder)
    assert again.evidence(NAME) is not None


def test_the_keeper_is_told_once_of_a_log_that_is_frozen(folder: Path) -> None:
    held, told = opened(folder), list[str]()
    held.memory.convicted = told.append
    ask(held, 0, 5)
    assert (told, held.memory.frozen()) == ([], [])
    for _ in range(2):
        assert outcome(held, 5, 7, 3) in (NotConsistent.code, LogFrozen.code)
        assert (told, held.memory.frozen()) == ([LOG.origin], [LOG.origin])
    assert opened(folder).memory.frozen() == [LOG.origin]


def _grows(folder: Path, left_at: int, said: Any) -> None:
    held = opened(folder)
    for size in range(6, 30):
        said.put((left_at, size, outcome(held, size - 1, size, left_at)))
    said.put(None)


def test_of_two_processes_that_are_shown_two_histories_one_history_is_cosigned(folder: Path) -> None:
    held = opened(folder)
    ask(held, 0, 5)
    context = multiprocessing.get_context("fork")
    said = context.Queue()
    children = [context.Process(target=_grows, args=(folder, left_at, said)) for left_at in (5, 1000)]
    for each in children:
        each.start()
    told, over = [], 0
    while over < 2:
        row = said.get(timeout=60)
        over += row is None
        told += [row] if row else []
    for each in children:
        each.join(30)
    by_size: dict[int, set[int]] = {}
    for left_at, size, what in told:
        if what == "cosigned":
            by_size.setdefault(size, set()).add(left_at)
    assert by_size
    assert len(set.union(*by_size.values())) == 1, by_size
    evidence = held.evidence(NAME)
    assert evidence is not None
    HeadFork.parse(evidence).verify(LOG.key.public)


def test_threads_move_forward_one_after_another(folder: Path) -> None:
    held = opened(folder)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda size: outcome(held, 0, size), range(1, 25)))
    assert found.count("cosigned") == 1
    assert set(found) == {"cosigned", OldSizeDiffers.code}


def test_every_head_that_was_cosigned_is_kept_as_its_log_signed_it(folder: Path) -> None:
    held = opened(folder)
    for old, size in [(0, 4), (4, 4), (4, 9), (9, 20)]:
        ask(held, old, size)
    kept = held.memory.history(LOG.origin)
    assert [each.size for each in kept] == [4, 9, 20]
    assert [each.note for each in kept] == [LOG.head(size) for size in (4, 9, 20)]


def test_heads_are_only_added(folder: Path) -> None:
    held = opened(folder)
    ask(held, 0, 4)
    held.close()
    with closing(sqlite3.connect(folder / MEMORY_FILE)) as file:
        for act in ("DELETE FROM head", "UPDATE head SET size = 9"):
            with pytest.raises(sqlite3.IntegrityError, match="only added"):
                file.execute(act)


def test_refused_heads_are_kept_up_to_a_number(folder: Path) -> None:
    held = opened(folder)
    ask(held, 0, 4)
    for size in range(5, 5 + REFUSED_MAX + 10):
        with pytest.raises(NotConsistent):
            held.add_checkpoint(parse(request(4, [bytes(32)], LOG.head(size))))
    with closing(sqlite3.connect(folder / MEMORY_FILE)) as file:
        assert file.execute("SELECT count(*) FROM head WHERE cosigned = 0").fetchone() == (REFUSED_MAX,)


def test_a_head_that_was_refused_is_half_of_an_evidence(folder: Path) -> None:
    held = opened(folder)
    ask(held, 0, 4)
    with pytest.raises(NotConsistent):
        held.add_checkpoint(parse(request(4, [bytes(32)], LOG.head(9, 2))))
    assert held.evidence(NAME) is None
    assert outcome(held, 4, 9) == "witness-log-frozen"
    assert held.evidence(NAME) is not None


def _copied(folder: Path, to: Path) -> None:
    with closing(sqlite3.connect(folder / MEMORY_FILE)) as one, closing(sqlite3.connect(to)) as other:
        one.backup(other)


def test_a_memory_that_was_put_back_is_noticed(folder: Path, tmp_path: Path) -> None:
    held = opened(folder)
    ask(held, 0, 4)
    _copied(folder, tmp_path / "copy")
    ask(held, 4, 9)
    held.close()
    shutil.copy(tmp_path / "copy", folder / MEMORY_FILE)
    with pytest.raises(WitnessRolledBack, match="2 heads were kept, and it knows 1"):
        opened(folder)
    (folder / MEMORY_FILE).unlink()
    with pytest.raises(WitnessRolledBack):
        opened(folder)


def test_it_is_noticed_while_it_runs(folder: Path, tmp_path: Path) -> None:
    held = opened(folder)
    ask(held, 0, 4)
    _copied(folder, tmp_path / "copy")
    ask(held, 4, 9)
    with closing(sqlite3.connect(tmp_path / "copy")) as one, closing(sqlite3.connect(folder / MEMORY_FILE)) as other:
        one.backup(other)
    with pytest.raises(WitnessRolledBack):
        ask(held, 4, 12, 4)


def test_another_key_has_another_memory(folder: Path, tmp_path: Path) -> None:
    opened(folder).close()
    make_witness(tmp_path / "v", LOG)
    shutil.copy(folder / MEMORY_FILE, tmp_path / "v" / MEMORY_FILE)
    with pytest.raises(WitnessMemoryOther):
        opened(tmp_path / "v")


def test_a_broken_memory_is_told(folder: Path) -> None:
    (folder / MEMORY_FILE).write_bytes(b"no database at all, but long enough to be one" * 90)
    with pytest.raises(WitnessMemoryDamaged):
        opened(folder)


def test_one_that_cannot_be_written_cosigns_nothing(folder: Path) -> None:
    held = opened(folder)
    ask(held, 0, 4)
    held.memory._file.execute("PRAGMA query_only = 1")
    with pytest.raises(FileUnusable):
        ask(held, 4, 9)


def test_without_its_mark_written_nothing_is_said(folder: Path) -> None:
    held = opened(folder)
    mark: Path = held.memory._mark
    mark.parent.mkdir()
    mark.mkdir()
    with pytest.raises(PrivateFileFailed):
        ask(held, 0, 4)
    mark.rmdir()
    assert ask(held, 4, 9)
    assert mark.read_bytes() == b"2"


def test_a_mark_that_is_none_is_no_reason_to_stop(folder: Path) -> None:
    held = opened(folder)
    ask(held, 0, 4)
    held.memory._mark.write_text("many")
    held.close()
    assert ask(opened(folder), 4, 5)


def test_a_witness_is_made_once_and_not_overwritten(folder: Path, tmp_path: Path) -> None:
    before = (folder / Purpose.WITNESS.key_file).read_bytes()
    with pytest.raises(WitnessThere):
        witness_folder.make(folder, "witness.example/other")
    assert (folder / Purpose.WITNESS.key_file).read_bytes() == before
    assert (folder / Purpose.WITNESS.key_file).stat().st_mode & 0o777 == 0o600
    for name in ("", "a b", "a+b", "n" * 256, "wïtness"):
        with pytest.raises(WitnessNameUnusable):
            witness_folder.make(tmp_path / "x", name)
    with pytest.raises(WitnessMissing):
        opened(tmp_path / "x")
    with pytest.raises(WitnessMissing):
        witness_folder.add_log(tmp_path, LOG.vkey, None)


def test_a_key_file_that_was_changed_is_told(folder: Path) -> None:
    (folder / Purpose.WITNESS.key_file).write_text("{}")
    with pytest.raises(WitnessKeyDamaged):
        opened(folder)


def test_logs_are_listed_once_with_as_many_keys_as_they_have(folder: Path) -> None:
    other = ShownLog(LOG.origin, "example.com/next-key")
    assert [witness_folder.add_log(folder, each.vkey, LOG.origin) for each in (LOG, other, other)] == [1, 1, 1]
    assert opened(folder).logs()[LOG.origin].keys == (LOG.vkey, other.vkey)
    with pytest.raises(LogKeyUnusable):
        witness_folder.add_log(folder, Vkey("x", ML_DSA_44, bytes(1312)), None)
    with pytest.raises(BadLogList):
        witness_folder.add_log(folder, LOG.vkey, "two\nlines")
    assert len(opened(folder).logs()) == 1
    (folder / LOGS_FILE).unlink()
    assert opened(folder).logs() == {}


def test_a_log_with_two_keys_is_convicted_by_the_one_that_signed_both(folder: Path) -> None:
    other = ShownLog(LOG.origin, "example.com/next-key")
    witness_folder.add_log(folder, other.vkey, LOG.origin)
    held = opened(folder)
    ask(held, 0, 7)
    forked = request(7, [], other.head(7, 2))
    with pytest.raises(NotConsistent):
        held.add_checkpoint(parse(forked))
    assert held.evidence(NAME) == LOG.head(7) + b"\n" + other.head(7, 2)  # No key signed both: the notes speak.


def test_the_memory_is_told_apart_from_others_by_its_keys_alone(tmp_path: Path) -> None:
    first = WitnessMemory(tmp_path / "m", tmp_path / "mark", ("a", "b"))
    first.close()
    WitnessMemory(tmp_path / "m", tmp_path / "mark", ("a", "b")).close()
    with pytest.raises(WitnessMemoryOther):
        WitnessMemory(tmp_path / "m", tmp_path / "mark", ("a",))
