"""The inbox on the command line: two machines, what one does and the other should know, read once for all."""

import re
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Scm


def join(nova: Scm, folder: Path) -> None:
    """Machine b joins the organisation of machine a as Bess."""
    nova("role", "define", "Officer", 2, "--rights", "operation.plan", "--rights", "operation.lead")
    assert nova("init", at="b").code == 0
    assert nova("member", "invite", "--output", folder / "i").code == 0
    assert nova("space", "request", folder / "i", "--output", folder / "r", at="b").code == 0
    assert nova("member", "admit", folder / "r", "--role", "Officer").code == 0
    carry(nova, folder, "a", "b")
    assert nova("member", "join", "--handle", "Bess", at="b").code == 0
    carry(nova, folder, "b", "a")


def carry(nova: Scm, folder: Path, source: str, target: str) -> None:
    path = folder / f"{time.time_ns()}.scm"
    assert nova("space", "export", "--output", path, at=source).code == 0
    assert nova("space", "import", path, at=target).code == 0


@pytest.mark.slow
def test_what_one_does_the_other_is_told_and_reads_once(nova: Scm, tmp_path: Path) -> None:
    told = nova("inbox")
    assert (told.code, told.out) == (0, "")
    assert "Nothing new" in told.err
    join(nova, tmp_path)
    nova("operation", "plan", "Jumptown", "2h", "4h")
    carry(nova, tmp_path, "a", "b")
    rows = nova("inbox", "--json", at="b").json
    assert [row["kind"] for row in rows] == ["operation-announced", "admitted"]
    assert re.fullmatch(r"Vesper planned Jumptown: \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", rows[0]["text"])
    assert nova("operation", "sign-up", "Jumptown", at="b").code == 0
    carry(nova, tmp_path, "b", "a")
    assert [row["text"] for row in nova("inbox", "--json").json] == [
        "Bess answered to Jumptown: accepted.",
        "Bess has joined.",
    ]
    assert rows[1]["text"] == "Vesper let you in, with rank 2."
    assert rows[0]["in"] == "Nova Halcyon"
    shown = nova("inbox", "--zone", "Asia/Tokyo", "--mark-read", "--first", 1, at="b")
    assert "JST" in shown.out
    assert "1 more" in shown.err
    assert [row["kind"] for row in nova("inbox", "--json", at="b").json] == ["admitted"]
    everything = nova("inbox", "--all", "--json", at="b").json
    assert [(row["kind"], row["unread"]) for row in everything] == [
        ("operation-announced", False),
        ("admitted", True),
    ]
    assert nova("notification", "mark-read", "--notifications", everything[1]["id"], at="b").code == 0
    assert nova("inbox", "--json", at="b").json == []
    assert nova("notification", "mark-read", at="b").code != 0
