"""Erasure of personal words: hidden at once, and then gone from every file of the database server."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scmanager.adapters.postgres_server import PrivateServer, remove, start
from scmanager.application import erasing, members
from scmanager.domain.document import Kind, subject_of
from scmanager.projections.erasure import FilesRecycled, MayNotCleanUp, clean_up
from scmanager.projections.matching import matching_key
from scmanager.projections.runner import Projector
from tests.support.books import Books, add_ship, name_ship, one, record
from tests.support.writers import OPERATION, Writers

pytestmark = pytest.mark.services

NEW = b"n" * 16
SECRET, NICK, NOTE = "Zaphod-Quillfeather", "Heart-of-Moonbeams", "owes-me-fortytwo-uec"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    folder = tmp_path_factory.mktemp("erasure")
    made = start(folder)
    assert isinstance(made, PrivateServer)
    yield made
    made.stop()
    remove(folder)


def files_with(folder: Path, words: str) -> list[str]:
    """The server's files that hold these words: as they are spelt, in lower case, or as search keeps them."""
    forms = {each.encode() for each in (words, words.lower(), matching_key(words))}
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            held = file.read_bytes()
            if any(form in held for form in forms):
                found.append(str(file.relative_to(folder)))
    return found


def filled(nova: Books, projector: Projector) -> None:
    nova.do(record(SECRET, NEW))
    nova.do(lambda desk: members.note(desk, member_id=NEW, text=NOTE))
    nova.do(add_ship(b"A" * 16))
    nova.do(name_ship(b"A" * 16, NICK))
    projector.catch_up()


def erase(nova: Books, who: bytes) -> None:
    nova.do(lambda desk: erasing.erase(desk, member_id=who))


def test_an_erased_members_words_are_hidden_at_once(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    filled(nova, projector)
    erase(nova, NEW)
    projector.catch_up()
    row = one(
        database,
        "select handle, handle_lower, display_name, note, profile_words, note_words from scm_read.member"
        " where id = %s",
        NEW,
    )
    assert row == (None, None, None, None, "erased", "erased")
    assert one(database, "select handle from scm_read.member where id = %s", nova.founder) == ("ada",)
    assert one(database, "select nickname from scm_read.ship") == (NICK,)
    projector.close()


def test_an_erased_owners_ship_loses_its_nickname(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    filled(nova, projector)
    erase(nova, nova.founder)
    projector.catch_up()
    assert one(database, "select nickname, nickname_words, model from scm_read.ship") == (
        None,
        "erased",
        "drak_cutlass_black",
    )
    projector.close()


def test_words_whose_key_is_not_here_are_not_here_and_come_with_it(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    filled(nova, projector)
    projector.close()
    hidden = dict(nova.keys._keys)
    for key in nova.keys.keys_of(nova.space, NEW):
        del nova.keys._keys[key]
    again = nova.projector(database)
    again.rebuild()
    assert one(database, "select handle, profile_words from scm_read.member where id = %s", NEW) == (None, "not-here")
    nova.keys._keys.update(hidden)
    nova.shelf.keys_came()
    again.catch_up()
    assert one(database, "select handle, profile_words from scm_read.member where id = %s", NEW) == (SECRET, "open")
    again.close()


def test_words_that_came_while_nobody_projected_are_shown_after_a_start(nova: Books, database: str) -> None:
    hidden = dict(nova.keys._keys)
    projector = nova.projector(database)
    filled(nova, projector)
    for key in (*nova.keys.keys_of(nova.space, NEW), *nova.keys.keys_of(nova.space, nova.founder)):
        hidden[key] = nova.keys._keys.pop(key)
    projector.rebuild()
    assert one(database, "select nickname from scm_read.ship") == (None,)
    projector.close()
    nova.keys._keys.update(hidden)
    again = nova.projector(database)
    again.catch_up()
    assert one(database, "select handle from scm_read.member where id = %s", NEW) == (SECRET,)
    assert one(database, "select nickname from scm_read.ship") == (NICK,)
    again.close()


def test_erased_words_are_gone_from_every_file_of_the_server(nova: Books, server: PrivateServer) -> None:
    projector = nova.projector(server.dsn)
    filled(nova, projector)
    projector.rebuild()  # A generation that was kept holds the words too.
    for words in (SECRET, NOTE, NICK):
        assert files_with(server.data_folder, words), "present before"
    erase(nova, NEW)
    erase(nova, nova.founder)
    projector.catch_up()
    assert files_with(server.data_folder, SECRET), "hiding alone leaves the bytes: else this test shows nothing"
    assert projector.clean_up_if_due()
    for words in (SECRET, NOTE, NICK):
        assert files_with(server.data_folder, words) == []
    assert not projector.clean_up_if_due(), "once is enough"
    assert one(server.dsn, "select count(*) from scm_read.member") == (2,)
    projector.close()


def test_of_an_erased_text_no_file_of_the_server_holds_what_search_keeps(nova: Books, server: PrivateServer) -> None:
    writers = Writers(nova, server.dsn)
    writers.edit(f"The {SECRET} knows.\n")
    writers.projector.catch_up()
    writers.projector.rebuild()
    kept = "select key from scm_read.document_text"
    assert one(server.dsn, kept) == (f" the {matching_key(SECRET)} knows ",)
    assert files_with(server.data_folder, SECRET), "present before"
    erase(nova, subject_of(OPERATION, Kind.BRIEFING))
    writers.projector.catch_up()
    assert writers.projector.clean_up_if_due()
    assert one(server.dsn, kept) is None
    assert files_with(server.data_folder, SECRET) == []
    writers.close()


def test_a_clean_up_that_a_crash_cut_short_is_still_due(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    filled(nova, projector)
    erase(nova, NEW)
    projector.catch_up()
    projector.close()
    again = nova.projector(database)
    again.catch_up()
    assert again.clean_up_if_due()
    again.close()


def test_a_server_that_recycles_its_log_is_refused(nova: Books, database: str) -> None:
    projector = nova.projector(f"{database} options='-c wal_recycle=on'")
    filled(nova, projector)
    erase(nova, NEW)
    projector.catch_up()
    with pytest.raises(FilesRecycled):
        projector.clean_up_if_due()
    projector.close()


def test_a_server_that_cannot_be_cleaned_still_serves_and_the_status_says_so(nova: Books, database: str) -> None:
    projector = nova.projector(f"{database} options='-c wal_recycle=on'")
    filled(nova, projector)
    erase(nova, NEW)
    projector.close()
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=projector.run, args=(stop, ready.set))
    thread.start()
    assert ready.wait(10)
    assert projector.status().error == FilesRecycled.code
    stop.set()
    thread.join(10)
    assert one(database, "select handle from scm_read.member where id = %s", NEW) == (None,)


def test_a_user_without_the_rights_is_told(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    filled(nova, projector)
    erase(nova, NEW)
    projector.catch_up()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create role plain")
        try:
            connection.execute("grant all on schema scm_read to plain")
            connection.execute("grant all on all tables in schema scm_read to plain")
            connection.execute("set role plain")
            with pytest.raises(MayNotCleanUp):
                clean_up(connection)
        finally:
            connection.execute("reset role")
            connection.execute("drop owned by plain")
            connection.execute("drop role plain")
    projector.close()
