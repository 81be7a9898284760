"""A SQLite store between threads: closing it while others read, and threads that come and go."""

import sys
import threading
from pathlib import Path

import pytest

from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import StoreBusy
from tests.support.library import found_log


def test_a_store_closed_while_others_read_refuses_them_and_lives(tmp_path: Path) -> None:
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for attempt in range(20):
            store = SqliteStore(tmp_path / f"{attempt}.db")
            found_log(store)
            refused = []

            def read(store: SqliteStore = store, refused: list[StoreBusy] = refused) -> None:
                try:
                    while True:
                        store.tail(0, 10)
                except StoreBusy as error:
                    refused.append(error)

            threads = [threading.Thread(target=read) for _ in range(4)]
            for thread in threads:
                thread.start()
            store.last_pos()
            store.close()
            for thread in threads:
                thread.join()
            assert len(refused) == 4
    finally:
        sys.setswitchinterval(switch)


def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    store.close()
    store.close()
    with pytest.raises(StoreBusy, match="closed"):
        found_log(store)


def test_threads_that_come_and_go_leave_no_connections_behind(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    for _ in range(20):
        thread = threading.Thread(target=store.last_pos)
        thread.start()
        thread.join()
    assert store._readers.idle == 1
    store.close()
