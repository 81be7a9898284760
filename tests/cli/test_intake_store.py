"""`scm author intake-store`: an empty PostgreSQL database becomes the place of reports, by commands alone."""

import io
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.eventstore.postgres_install import SCHEMA_VERSION, Roles, install, standing
from tests.cli.conftest import Scm
from tests.cli.test_audit_verify import verified
from tests.support.ledger import ROOTS
from tests.support.postgres import fresh
from tests.support.stores import PASSWORD, dsn_of

pytestmark = pytest.mark.services
ROOT = [word for each in ROOTS[:1] for word in ("--root", each.public.hex())]


@pytest.fixture
def administrator(database: str, installed: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of an empty database, in a server where the roles log in already; nobody is there to be asked."""
    monkeypatch.setenv("SCM_INTAKE_ADMIN_DSN", database)
    monkeypatch.delenv("SCM_INTAKE_DSN", raising=False)
    return database


def test_an_empty_database_takes_a_log_by_what_the_commands_say(
    scm: Scm, administrator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scm("init").code == 0
    monkeypatch.setenv("SCM_INTAKE_DSN", dsn_of(administrator, Roles().writer))
    refused = scm("author", "intake-init", *ROOT)
    assert (refused.error, "scm author intake-store" in refused.err) == ("store-not-installed", True)
    monkeypatch.setenv("SCM_INTAKE_PASSWORD", PASSWORD)
    made = scm("author", "intake-store", "--new-password", "--json")
    assert made.code == 0, made.err
    told = made.json
    assert told["schema"] == f"scm_events, version {SCHEMA_VERSION}: made"
    assert told["scm_events_writer"] == "may log in, with the new password"
    assert "password" not in conninfo_to_dict(told["dsn"])
    assert PASSWORD not in made.out + made.err
    monkeypatch.setenv("SCM_INTAKE_DSN", told["dsn"])
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    begun = scm("author", "intake-init", *ROOT, "--json")
    assert begun.code == 0, begun.err
    again = scm("author", "intake-store", "--json")
    assert again.json["schema"] == f"scm_events, version {SCHEMA_VERSION}: there already"
    assert again.json["scm_events_writer"] == "may log in, its password as it was"
    assert scm("author", "intake-log", "--json").json == {"log": begun.json["log"], "size": 1}
    copy = scm("backup", tmp_path / "copy.scm-backup", "--plain")
    assert (copy.code, "lies in PostgreSQL and is not in it" in copy.err) == (0, True), copy.err


def test_a_second_database_leaves_the_passwords_of_the_server_alone(
    scm: Scm, administrator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCM_INTAKE_PASSWORD", "quite another one")
    monkeypatch.setenv("SCM_INTAKE_READER_PASSWORD", "quite another one")
    assert scm("author", "intake-store", "--reader").code == 0
    for role in (Roles().writer, Roles().reader):
        with psycopg.connect(dsn_of(administrator, role)) as connection:
            assert connection.execute("SELECT count(*) FROM scm_events.entry").fetchone() == (0,)
    monkeypatch.setenv("SCM_INTAKE_PASSWORD", "short")
    refused = scm("author", "intake-store", "--new-password")
    assert (refused.error, refused.code) == ("store-password-short", 1)


def test_who_may_not_is_told_and_nothing_is_changed(
    scm: Scm, administrator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCM_INTAKE_ADMIN_DSN", dsn_of(administrator, Roles().writer))
    refused = scm("author", "intake-store")
    assert (refused.error, refused.code) == ("store-install-refused", 3)
    with psycopg.connect(administrator) as connection:
        assert connection.execute("SELECT to_regnamespace('scm_events')").fetchone() == (None,)


def test_a_password_is_in_no_error(scm: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    for dsn in ("postgresql://ada:sec@ret@db.example/scm", "postgresql://ada:sec/ret@db.example/scm", "host='secret"):
        monkeypatch.setenv("SCM_INTAKE_ADMIN_DSN", dsn)
        refused = scm("author", "intake-store")
        assert refused.error == "store-dsn-unreadable", refused.err
        assert all(word not in refused.err for word in ("sec@", "sec/", "ret", "secret"))
        assert "%40" in refused.err


def test_where_nobody_can_be_asked_it_says_how_to_say_it_beforehand(
    scm: Scm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCM_INTAKE_ADMIN_DSN", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    refused = scm("author", "intake-store")
    assert (refused.error, "SCM_INTAKE_ADMIN_DSN" in refused.err) == ("unanswered", True)


def test_a_new_role_logs_in_with_the_password_that_it_was_given_and_without_one_not_at_all(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = Roles("test_store_owner", "test_store_writer", "test_store_reader")
    with fresh(postgres) as database:
        assert standing(database, roles).version == 0
        install(database, PASSWORD, None, roles)
        found = standing(database, roles)
        assert (found.version, found.logging_in) == (SCHEMA_VERSION, {roles.writer})
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        psycopg.connect(found.dsn(roles.writer)).close()
        with pytest.raises(psycopg.OperationalError, match=r"log in|password"):
            psycopg.connect(found.dsn(roles.reader))
        monkeypatch.setenv("PGPASSWORD", "another")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(found.dsn(roles.writer))
        monkeypatch.delenv("PGPASSWORD")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DROP SCHEMA scm_events CASCADE")
            for role in (roles.owner, roles.writer, roles.reader):
                connection.execute(f"DROP OWNED BY {role}".encode())
                connection.execute(f"DROP ROLE {role}".encode())


def test_a_log_that_lies_in_the_file_is_told_of_and_goes_on_where_one_says_so(
    scm: Scm, writer_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCM_INTAKE_DSN", raising=False)
    assert scm("init").code == 0
    first = scm("author", "intake-init", *ROOT, "--json").json["log"]
    monkeypatch.setenv("SCM_INTAKE_DSN", writer_dsn)
    for asked in (("author", "intake-log"), ("author", "intake-init", *ROOT), ("audit", "verify", "--intake")):
        refused = scm(*asked)
        assert (refused.error, refused.code) == ("intake-in-file", 3), refused.err
        assert all(word in refused.err for word in ("Nothing is damaged", "Unset SCM_INTAKE_DSN", "--further"))
    monkeypatch.delenv("SCM_INTAKE_DSN")
    assert scm("author", "intake-log", "--json").json == {"log": first, "size": 1}, "nothing was done to it"
    assert scm("author", "intake-init", *ROOT, "--further").error == "intake-there", "it lies nowhere else"
    monkeypatch.setenv("SCM_INTAKE_DSN", writer_dsn)
    further = scm("author", "intake-init", *ROOT, "--further", "--json")
    assert further.code == 0, further.err
    assert scm("author", "intake-log", "--json").json == {"log": further.json["log"], "size": 1}
    assert verified(scm, "--intake", "--full")["entries"] == 1
    monkeypatch.delenv("SCM_INTAKE_DSN")
    for asked in (("author", "intake-log"), ("author", "intake-init", *ROOT), ("audit", "verify", "--intake")):
        refused = scm(*asked)
        assert (refused.error, refused.code) == ("intake-in-database", 3), refused.err
        assert "Set SCM_INTAKE_DSN" in refused.err
    assert verified(scm, tmp_path / "a" / "intake")["entries"] == 1, "that log is there as it was"
    back = scm("author", "intake-init", *ROOT, "--further", "--json")
    assert back.code == 0, back.err
    assert scm("author", "intake-log", "--json").json == {"log": back.json["log"], "size": 1}
    assert len({first, further.json["log"], back.json["log"]}) == 3


def test_a_log_that_began_in_another_database_is_no_damage(
    scm: Scm,
    writer_dsn: str,
    postgres: PostgresServer,
    installed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert scm("init").code == 0
    monkeypatch.setenv("SCM_INTAKE_DSN", writer_dsn)
    assert scm("author", "intake-init", *ROOT).code == 0
    (tmp_path / "a" / "intake" / "place").unlink()  # As an earlier release left it.
    assert scm("author", "intake-log").code == 0
    with fresh(postgres, installed) as other:
        monkeypatch.setenv("SCM_INTAKE_DSN", dsn_of(other, Roles().writer))
        for asked in (("author", "intake-log"), ("audit", "verify", "--intake")):
            refused = scm(*asked)
            assert refused.error == "intake-in-database", refused.err
            assert "the database that SCM_INTAKE_DSN names does not hold it" in refused.err
