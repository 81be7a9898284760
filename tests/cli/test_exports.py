"""`scm export` and `scm import` of what it made, as people type them."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Scm, served

pytestmark = pytest.mark.services


@pytest.fixture
def exported(nova: Scm, tmp_path: Path) -> Path:
    """An archive of NOVA, made with no node running, after a second machine was let in."""
    assert nova("init", at="b").code == 0
    assert nova("device", "invite", "-o", tmp_path / "i").code == 0
    assert nova("device", "request", tmp_path / "i", "-o", tmp_path / "r", at="b").code == 0
    assert nova("device", "enrol", tmp_path / "r").code == 0
    assert nova("member", "record", "Ayla").code == 0
    said = nova("export", tmp_path / "nova.zip", "--json")
    assert (said.code, said.json["bytes"]) == (0, (tmp_path / "nova.zip").stat().st_size), said.err
    return tmp_path / "nova.zip"


def test_what_one_machine_exports_another_of_ones_own_takes_in(nova: Scm, exported: Path, tmp_path: Path) -> None:
    told = nova("import", exported, "--json", at="b").json
    assert [(each["acts"], each["closed"]) for each in told] == [(True, 0)]
    assert {each["handle"] for each in nova("member", "list", "--json", at="b").json} == {"Vesper", "Ayla"}
    heads = [nova("log", "verify", "--json", at=at).json["heads"] for at in ("a", "b")]
    assert {(each["log"], each["root"]) for each in heads[0]} == {(each["log"], each["root"]) for each in heads[1]}
    with zipfile.ZipFile(exported) as archive:
        archive.extractall(tmp_path / "x")
    (entries,) = (tmp_path / "x").glob("*/entries.jsonl")
    for again in (tmp_path / "x", entries, exported):
        assert [each["entries"] for each in nova("import", again, "--json", at="b").json] == [0]
    assert "closed" in nova("import", exported, at="b").out


def test_a_folder_is_whole_or_not_there(nova: Scm, tmp_path: Path) -> None:
    assert nova("export", tmp_path / "out", "--org", "NOVA", "--bom").code == 0
    told = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    for each in told["files"]:
        assert (tmp_path / "out" / each["name"]).stat().st_size == each["bytes"]
    assert (tmp_path / "out" / "README.txt").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert nova("export", tmp_path / "out").error == "target-taken"
    assert nova("export", tmp_path / "none", "--org", "TALLOW").code == 1
    assert not (tmp_path / "none").exists()


def test_a_running_node_exports_and_takes_in(nova: Scm, tmp_path: Path) -> None:
    with served(tmp_path, "a"):
        assert nova("export", tmp_path / "nova.zip", "--without-csv", "--without-keys").code == 0
        assert [each["entries"] for each in nova("import", tmp_path / "nova.zip", "--json").json] == [0]
    with zipfile.ZipFile(tmp_path / "nova.zip") as archive:
        assert not [name for name in archive.namelist() if name.endswith(".csv")]


def test_hostile_archives_are_refused_with_a_hint(nova: Scm, tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(b"PK\x03\x04noise")
    assert nova("import", file).error == "archive-damaged"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../org-0123456789ab/entries.jsonl", "x")
        archive.writestr("/etc/x", "x")
    assert nova("import", file).error == "import-no-spaces"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("org-0123456789ab/entries.jsonl", '{"format":"scm-space/1"')
    said = nova("import", file)
    assert (said.code, said.error) == (1, "space-file-damaged")
    (tmp_path / "empty").mkdir()
    assert nova("import", tmp_path / "empty").error == "import-no-spaces"
