"""`scm audit export`: what a folder holds as Parquet, without a word about anybody unless that is asked for."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from tests.cli.conftest import Answer, Scm
from tests.cli.test_audit_explain import carry, let_in
from tests.cli.test_audit_replay import files_in


def tables(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


def texts(frame: pl.DataFrame) -> str:
    """Everything that is text in a table."""
    kinds = (pl.String, pl.Categorical)
    return "\n".join(
        str(frame[name].cast(pl.String).to_list()) for name in frame.columns if frame[name].dtype in kinds
    )


def exported(scm: Scm, folder: Path, *more: object) -> Answer:
    told = scm("audit", "export", "-o", folder, *more)
    assert told.code == 0, told.err
    return told


def test_every_entry_is_there_typed_and_in_order(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla 星")
    before = files_in(tmp_path)
    exported(nova, tmp_path / "out")
    assert {path: each for path, each in files_in(tmp_path).items() if path.parent != tmp_path / "out"} == before
    entries = tables(tmp_path / "out")["entries"]
    shown = nova("log", "show", "--json", "--limit", 100).json
    assert entries["event"].str.slice(0, 64).to_list() == [each["id"] for each in shown]
    assert entries["type"].cast(pl.String).to_list() == [
        None if each["type"] == "first entry of a log" else each["type"] for each in shown
    ]
    assert entries.schema["time"] == pl.Datetime("us", "UTC")
    assert (entries.schema["valid"], entries.schema["hlc"]) == (pl.Boolean, pl.Int64)
    assert entries["hlc"].is_sorted()
    assert entries["valid"].all()
    assert entries["time"].dt.strftime("%Y-%m-%d %H:%M:%S").to_list() == [each["time"] for each in shown]
    recorded = entries.filter(pl.col("type") == "member.recorded/1")
    assert msgspec.json.decode(recorded["payload"][0]).keys() <= {"over"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}


def test_words_are_in_it_only_where_they_are_asked_for_with_a_warning(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla 星")
    nova("organisation", "describe", "We fly on Saturdays")
    told = exported(nova, tmp_path / "plain")
    assert "no names" in told.err
    every = "\n".join(map(texts, tables(tmp_path / "plain").values()))
    assert [word for word in ("Ayla", "Vesper", "Saturdays") if word in every] == []
    told = exported(nova, tmp_path / "revealed", "--reveal")
    assert "delete it when it has served" in told.err
    entries = tables(tmp_path / "revealed")["entries"]
    assert "handle Ayla 星" in entries["words"].to_list()
    assert "Vesper" in entries["author_name"].cast(pl.String).to_list()
    nova("member", "erase", "Ayla 星")
    exported(nova, tmp_path / "revealed", "--reveal", "--replace")
    words = tables(tmp_path / "revealed")["entries"]["words"].to_list()
    assert "(erased)" in words
    assert "Ayla" not in str(words)


def test_what_is_there_is_not_overwritten_unless_it_is_ours_and_that_is_said(nova: Scm, tmp_path: Path) -> None:
    exported(nova, tmp_path / "out")
    assert nova("audit", "export", "-o", tmp_path / "out").error == "target-taken"
    nova("fleet", "form", "Home")
    exported(nova, tmp_path / "out", "--replace")
    assert "fleet.formed/1" in tables(tmp_path / "out")["entries"]["type"].cast(pl.String).to_list()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert nova("audit", "export", "-o", tmp_path / "mine", "--replace").error == "target-taken"
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "out" / "notebook.ipynb").write_text("three days of work")
    refused = nova("audit", "export", "-o", tmp_path / "out", "--replace")
    assert refused.error == "target-taken"
    assert "notebook.ipynb" in refused.err
    assert (tmp_path / "out" / "notebook.ipynb").read_text() == "three days of work"
    assert not list(tmp_path.glob(".*new*"))


@pytest.mark.parametrize(
    "manifest",
    [
        b"[]",
        b"null",
        b"\xff\xfe",
        b"",
        b'{"format":7}',
        b'{"format":"another"}',
        b"[" * 100_000,
        b'{"format":"\xff"}',
    ],
)
def test_whatever_lies_there_as_a_manifest_is_not_replaced(nova: Scm, tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "audit.json").write_bytes(manifest)
    assert nova("audit", "export", "-o", tmp_path / "mine", "--replace").error == "target-taken"
    assert (tmp_path / "mine" / "audit.json").read_bytes() == manifest


def test_a_verdict_names_its_cause(nova: Scm, tmp_path: Path) -> None:
    member = let_in(nova, tmp_path)
    nova("member", "remove", member, "conduct")
    nova("fleet", "form", "In vain", at="b")
    carry(nova, tmp_path, "b", "a")
    exported(nova, tmp_path / "out")
    found = tables(tmp_path / "out")
    (void,) = found["verdicts"].filter(~pl.col("valid")).to_dicts()
    assert (void["reason"], void["because_type"]) == ("cut-by-removal", "grant.removed/1")
    author = found["entries"].filter(pl.col("type") == "grant.removed/1")["author"][0]
    assert void["because_by"] == author
    assert found["entries"].filter(pl.col("event") == void["event"])["author"][0] == member


def test_what_is_closed_has_a_row_that_says_nothing(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla")
    assert nova("space", "export", "-o", tmp_path / "space").code == 0
    exported_by_nobody = nova("audit", "export", "--from", tmp_path / "space", "-o", tmp_path / "out", at="nobody")
    assert exported_by_nobody.code == 0
    entries = tables(tmp_path / "out")["entries"]
    assert len(entries) == len(nova("log", "show", "--json", "--limit", 100).json)
    closed = entries.filter(pl.col("seq") > 0)
    assert closed["type"].null_count() == closed["valid"].null_count() == len(closed)


def test_audit_events_are_there_with_their_details_where_they_are_asked_for(nova: Scm, tmp_path: Path) -> None:
    assert nova("character", "make", "Nyx").code == 0
    (tmp_path / "forged").write_bytes(b'{"format":"scm-space/1","space":"')
    assert nova("space", "import", tmp_path / "forged").code == 1
    noted = [each for each in nova("audit", "list", "--json").json if each["id"]]
    exported(nova, tmp_path / "out")
    exported(nova, tmp_path / "revealed", "--reveal")
    events: list[dict[str, Any]] = tables(tmp_path / "out")["audit_events"].to_dicts()
    assert {(each["entity"], each["type"], each["count"]) for each in events} == {
        (each["id"], each["type"], each["count"]) for each in noted
    }
    assert "p2p-mismatch" in {each["type"] for each in events}
    assert all("detail" not in each for each in events)
    assert any(each["detail"] for each in tables(tmp_path / "revealed")["audit_events"].to_dicts())


@pytest.mark.slow
def test_nothing_else_loads_the_library() -> None:
    check = "import sys, scmanager.cli.audit_export, scmanager.serving; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
