"""`scm audit verify --intake`: what was reported to an author, in his folder or in PostgreSQL's tables, in place."""

from pathlib import Path

import psycopg
import pytest

from scmanager.application.sequencing import Reports
from tests.cli.conftest import Scm
from tests.cli.test_audit_verify import DEPTHS, verified
from tests.cli.test_log import flip
from tests.support.intake import Site, reported


def taken(site: Site) -> None:
    """Two batches, of 3 reports and of 2, after the log's first entry."""
    with site.make().taking() as taking:
        for number, count in enumerate((3, 2)):
            taking.sequencer.submit(Reports(bytes([number]) * 16, reported(count))).result(20)


def test_in_the_folder_it_is_the_file_and_nothing_else_is_named(scm: Scm, tmp_path: Path) -> None:
    taken(Site(tmp_path))
    told = verified(scm, "--intake", "--full", at="data")
    assert (told["ok"], told["kind"], told["entries"], told["spaces"][0]["valid"]) == (True, "folder", 6, 6)
    assert scm("audit", "verify", tmp_path, "--intake", at="data").error == "audit-intake-is-here"
    flip(tmp_path / "data" / "intake" / "events.db", 3, column="data", place=40)
    assert not verified(scm, "--intake", at="data")["ok"]


@pytest.mark.services
def test_on_postgresql_it_is_the_tables_in_every_depth_and_goes_on_where_it_ended(
    scm: Scm, tmp_path: Path, writer_dsn: str, events_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(Site(tmp_path, writer_dsn))
    monkeypatch.setenv("SCM_INTAKE_DSN", writer_dsn)
    for depth in DEPTHS:
        told = verified(scm, "--intake", depth, at="data")
        assert (told["ok"], told["kind"], told["depth"], told["entries"]) == (True, "database", depth[2:], 6)
    assert told["spaces"][0]["valid"] == 6
    assert "Sound: 6 entries in 1 log; entries, parts, chains" in scm("audit", "verify", "--intake", "--deep",
        at="data").out  # fmt: skip
    with psycopg.connect(events_database, autocommit=True) as thief:
        thief.execute("SET search_path = scm_events")
        thief.execute("ALTER TABLE entry DISABLE TRIGGER stays")
        shown = scm("audit", "verify", "--intake", at="data")
        assert "guard-missing: the trigger stays of entry" in shown.out
        assert "who rules over the database took away what guards it" in shown.err
        thief.execute("ALTER TABLE entry ENABLE ALWAYS TRIGGER stays")
        assert verified(scm, "--intake", at="data")["ok"]
        for table in ("entry", "note", "head", "position"):
            thief.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        thief.execute("DELETE FROM entry WHERE seq > 3")
        thief.execute("DELETE FROM note WHERE size > 4")
        thief.execute("UPDATE head SET size = 4, id = decode(repeat('00', 64), 'hex')")
    (kept,) = (tmp_path / "data.state").glob("verified-*")
    assert "postgresql host=" in kept.read_text()
    assert "password" not in kept.read_text()
    told = verified(scm, "--intake", "--resume", at="data")
    assert "log-shrunk" in {each["code"] for each in told["findings"]}
