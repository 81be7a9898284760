"""Law on the command line: where one is, which duties follow from it, and a draft when something happened."""

from pathlib import Path

import msgspec
import pytest

from scmanager.adapters import territories
from scmanager.adapters.territories import KeptRegion, kept_region, suggested
from scmanager.auditing import leave
from scmanager.domain.audit_types import AuditType
from tests.cli.conftest import Scm


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCM_REGION", raising=False)


def test_where_nobody_said_where_all_duties_are_told_with_their_sources(scm: Scm) -> None:
    scm("init")
    told = scm("privacy", "duties")
    assert "Regulation (EU) 2016/679, OJ L 119" in told.out
    assert "Regulation (EU) 2022/2065" in told.out
    assert "strictest" in told.err
    assert "no legal advice" in told.err


def test_a_region_is_kept_as_a_hash_and_read_on_this_machine_alone(scm: Scm, tmp_path: Path) -> None:
    scm("init")
    assert scm("privacy", "region", "gb", "--json").json["region"] == "GB"
    raw = (tmp_path / "a" / territories.FILE_NAME).read_bytes()
    assert b"GB" not in raw
    assert b"Kingdom" not in raw
    assert territories.table().version.encode() in raw
    found = scm("privacy", "duties", "--json").json
    assert found["region"] == "GB"
    assert {law["key"] if "key" in law else law["law"] for each in found["duties"] for law in each["by"]} == {
        "uk-gdpr", "pecr",
    }  # fmt: skip
    assert kept_region(tmp_path / "a", bytes(32)) is None
    assert scm("privacy", "region", "none", "--json").json["region"] == "unknown"
    assert not (tmp_path / "a" / territories.FILE_NAME).exists()


def test_what_the_owner_named_in_his_settings_counts(scm: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    scm("init")
    monkeypatch.setenv("SCM_REGION", "US")
    told = scm("privacy", "duties")
    assert (told.out, "no law for United States" in told.err) == ("", True)
    assert scm("privacy", "duties", "--region", "DE", "--json").json["region"] == "DE"
    assert scm("privacy", "region", "XX").error == "region-unknown"


def test_the_systems_settings_are_a_suggestion_and_no_more(scm: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    scm("init")
    monkeypatch.setenv("LC_ALL", "de_AT.UTF-8")
    found = scm("privacy", "region", "--json").json
    assert found == {"region": "unknown", "suggested": "AT"}
    assert scm("privacy", "region", "--yes").out.split()[1] == "AT"
    assert scm("privacy", "region", "--json").json["region"] == "AT"


def test_a_language_without_a_country_leaves_the_time_zone() -> None:
    assert suggested({"LANG": "C.UTF-8", "TZ": "Europe/Berlin"}) in ("DE", None)  # None: no zone table here.
    assert suggested({"LANG": "pt_BR.UTF-8@x", "TZ": "Europe/Berlin"}) == "BR"
    assert suggested({"LANG": "x_ZZ", "TZ": "Nowhere/At_All"}) is None


def test_a_region_file_of_another_table_is_asked_for_again_and_a_broken_one_told(scm: Scm, tmp_path: Path) -> None:
    scm("init")
    scm("privacy", "region", "GB")
    path = tmp_path / "a" / territories.FILE_NAME
    kept = msgspec.json.decode(path.read_bytes(), type=KeptRegion)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(kept, table=bytes(32))))
    assert scm("privacy", "region", "--json").json["region"] == "unknown"
    path.write_bytes(b"noise")
    assert scm("privacy", "duties").error == "region-file-damaged"


def test_a_breach_is_drafted_from_what_was_noted(nova: Scm, tmp_path: Path) -> None:
    nova("character", "make", "Wren")
    leave(tmp_path / "a", AuditType.INTEGRITY_FAILURE, "entry-changed", "own folder", "log of Vesper was changed")
    nova("audit", "list")
    told = nova("privacy", "breach", "--region", "DE")
    assert "# Notice to the supervisory authority (Art. 33(3))" in told.out
    assert "integrity-failure (entry-changed), 1 times, severity critical" in told.out
    assert told.out.count("(to be filled in)") == 9
    assert "log of Vesper" not in told.out
    assert nova("privacy", "breach", "--region", "DE", "-o", tmp_path / "draft.md").code == 0
    assert (tmp_path / "draft.md").read_text().startswith("# Notice to")
    told = nova("privacy", "breach", "--region", "US", "--days", "1")
    assert "no law" in told.err
