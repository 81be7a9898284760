"""A database made ready for the intake log, on the real thing; and a log that was begun elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from scmanager.author.intake import IntakeInFolder
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.postgres_connections import StoreNotInstalled
from scmanager.eventstore.postgres_install import install
from tests.cli.conftest import Scm
from tests.support.intake import Site
from tests.support.stores import PASSWORD

pytestmark = pytest.mark.services


@pytest.fixture
def bare(database: str) -> Iterator[str]:
    """An empty database; the names that belong to its server get their usual words back."""
    yield database
    install(database, PASSWORD, PASSWORD)


def test_an_empty_database_is_set_up_and_the_log_begun_in_it(scm: Scm, tmp_path: Path, bare: str) -> None:
    with pytest.raises(StoreNotInstalled) as refused:
        PostgresStore(bare)
    assert "scm author intake-store" in refused.value.hint
    told = scm("author", "intake-store", bare, "--json").json
    site = Site(tmp_path)
    site.settings = replace(site.settings, intake_dsn=told["writer"])
    with site.make().open() as intake:
        assert intake.head().size == 1
    with psycopg.connect(told["reader"]) as reader:
        assert reader.execute("SELECT count(*) FROM scm_events.entry").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM scm_events.entry")
    again = scm("author", "intake-store", bare, "--json").json
    assert again["writer"] != told["writer"]


def test_a_log_that_was_begun_in_the_folder_is_not_looked_for_in_a_database(tmp_path: Path, writer_dsn: str) -> None:
    site = Site(tmp_path).make()
    here = site.settings
    site.settings = replace(here, intake_dsn=writer_dsn)
    with pytest.raises(IntakeInFolder):
        site.open()
    site.settings = here
    with site.open() as intake:
        assert intake.head().size == 1
