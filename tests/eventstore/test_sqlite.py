"""The SQLite store: what the disk, the kernel and other programs may do to it."""

from pathlib import Path

from scmanager.eventstore.sqlite import SqliteStore
from tests.support.stores import commit, draft, new_log


def test_a_sqlite_store_opens_again_where_it_stopped(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "store.db")
    log = new_log(first)
    first.close()
    second = SqliteStore(tmp_path / "store.db")
    assert second.heads() == [log.head]
    log.add(draft("more"), log.hlc + 1)
    assert commit(second, log) == 5
    second.close()
