"""`scm audit list`: what was noted, narrowed; and what waits for a space of one's own."""

from pathlib import Path

import pytest

from tests.cli.conftest import Scm


@pytest.mark.slow
def test_what_was_noted_waits_is_recorded_and_is_listed(scm: Scm) -> None:
    assert scm("init").code == 0
    (waits,) = scm("audit", "list", "--json").json
    assert (waits["id"], waits["type"], waits["severity"]) == (None, "instance-registered", "info")
    shown = scm("audit", "list")
    assert "instance-registered" in shown.out
    assert "waits outside of the log" in shown.err
    assert scm("character", "make", "Vesper").code == 0
    (one,) = scm("audit", "list", "--json").json
    assert (one["code"], one["count"], one["version"], len(one["salt"])) == ("instance-made", 1, "0.1.0", 64)
    assert "waits" not in scm("audit", "list").err


@pytest.mark.slow
def test_a_forged_file_is_noted_and_lists_are_narrowed(nova: Scm, tmp_path: Path) -> None:
    junk = tmp_path / "junk.scm"
    junk.write_bytes(b"no space file")
    assert nova("character", "make", "Vesper").code == 0
    for _ in range(3):
        assert nova("space", "import", junk).error == "space-file-damaged"
    (one,) = nova("audit", "list", "--severity", "warning", "--json").json
    assert (one["type"], one["code"], one["count"], one["source"]) == (
        "p2p-mismatch",
        "space-file-damaged",
        3,
        "space file",
    )
    assert [each["type"] for each in nova("audit", "list", "--json").json] == ["instance-registered", "p2p-mismatch"]
    assert nova("audit", "list", "--limit", 1, "--json").json == [one]
    assert nova("audit", "list", "--type", "p2p", "--days", 1, "--json").json == [one]
    assert nova("audit", "list", "--severity", "critical").err.endswith("scm audit list\n")
    unknown = nova("audit", "list", "--type", "bogus").err
    assert "No type begins with bogus. There are: " in unknown
    assert "p2p-mismatch" in unknown
    assert nova("audit", "list", "--severity", "bad").code == 2
