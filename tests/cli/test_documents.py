"""Documents on the command line: written from a file, shown as they were, compared, taken back, merged from two."""

import io
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Scm


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return tmp_path / "text.md"


@pytest.mark.slow
def test_a_briefing_is_written_shown_compared_and_taken_back(nova: Scm, text: Path) -> None:
    nova("operation", "plan", "Jumptown", "2955-11-30", "2955-12-01")
    about = ("Jumptown", "--kind", "briefing")
    assert "scm document edit" in nova("document", "show", *about).err
    assert nova("document", "show", *about, "--json").json["text"] == ""
    text.write_text("Meet at Everus.\nFly.\n", encoding="utf-8")
    assert nova("document", "edit", *about, "--file", text).code == 0
    first = nova("document", "history", *about, "--json").json[0]["change"]
    text.write_text("Meet at Everus.\nFly \x1b[31m\u202elow.\n", encoding="utf-8")
    assert len(nova("document", "edit", *about, "--file", text, "--json").json["changes"]) == 1
    shown = nova("document", "show", *about)
    assert shown.out == "Meet at Everus.\nFly \\x1b[31m\\u202elow.\n"
    assert nova("document", "show", *about, "--at", first[:8]).out == "Meet at Everus.\nFly.\n"
    assert nova("document", "show", *about, "--at", "2020-01-01").out.strip() == ""
    compared = nova("document", "diff", *about, "--since", first[:8]).out.splitlines()
    assert compared[:2] == ["  Meet at Everus.", "- Fly."]
    acts = [each["act"] for each in nova("document", "diff", *about, "--since", first, "--json").json]
    assert acts == ["kept", "removed", "added"]
    assert nova("document", "undo", *about).code == 0
    assert nova("document", "show", *about).out == "Meet at Everus.\nFly.\n"
    (row,) = nova("document", "list", "--json").json
    assert (row["kind"], row["changes"], len(row["authors"])) == ("briefing", 3, 1)
    assert "Vesper" in nova("document", "history", *about).out
    things = nova("audit", "replay", "--json").json["things"]
    assert [each["brief"] for each in things if each["kind"] == "document"] == ["briefing: 3 changes"]


@pytest.mark.slow
def test_an_operation_names_its_documents_and_the_only_one_needs_no_kind(nova: Scm) -> None:
    nova("operation", "plan", "Ore Run", "2955-11-30", "2955-12-01", "--objective", "Quantanium")
    none = nova("document", "show", "Ore Run")
    assert (none.error, "It has: none" in none.err) == ("document-kind-unsaid", True)
    written = nova("document", "edit", "Ore Run", "--kind", "briefing", "--text", "Meet early.")
    assert (written.code, "scm operation describe 'Ore Run' --objective TEXT" in written.err) == (0, True)
    told = nova("operation", "show", "Ore Run").out
    assert "objective (holds), by Vesper: Quantanium" in told
    assert "briefing document (1 change): scm document show 'Ore Run' --kind briefing" in told
    assert nova("operation", "show", "Ore Run", "--json").json["documents"] == [{"kind": "briefing", "changes": 1}]
    assert nova("document", "show", "Ore Run").out == "Meet early.\n"
    assert nova("operation", "start", "Ore Run").code == 0
    reported = nova("document", "edit", "Ore Run", "--kind", "report", "--text", "Full holds.")
    assert (reported.code, "objective" in reported.err) == (0, False)
    several = nova("document", "show", "Ore Run")
    assert several.error == "document-kind-unsaid"
    assert "briefing" in several.err
    assert "report" in several.err


@pytest.mark.slow
def test_what_cannot_be_done_says_why(nova: Scm, text: Path) -> None:
    text.write_bytes(b"\xff\xfe")
    charter = ("NOVA", "--kind", "charter")
    assert nova("document", "edit", *charter, "--file", text).error == "document-file-unreadable"
    assert nova("document", "edit", *charter, "--file", text.with_name("none")).error == "document-file-unreadable"
    text.write_text("x" * ((1 << 20) + 1), encoding="utf-8")
    assert nova("document", "edit", *charter, "--file", text).error == "words-unusable"
    text.write_text("We fly.", encoding="utf-8")
    assert nova("document", "edit", *charter, "--file", text).code == 0
    assert nova("document", "show", *charter, "--at", "soon").error == "document-change-not-named"
    assert nova("document", "undo", *charter, "--change", "ffff").error == "document-change-not-named"
    assert nova("document", "edit", "Nothing", "--kind", "treaty", "--file", text).error == "name-unknown"


@pytest.mark.slow
def test_a_sheet_is_written_in_the_personal_space(nova: Scm, text: Path) -> None:
    nova("character", "make", "Kestrel")
    assert "--kind sheet" in nova("document", "list", "--personal").err
    text.write_text("Born in a storm.\n", encoding="utf-8")
    assert nova("document", "edit", "Kestrel", "--kind", "sheet", "--file", text).code == 0
    assert nova("document", "show", "Kestrel", "--kind", "sheet").out == "Born in a storm.\n"
    assert nova("document", "list", "--json").json == []
    (row,) = nova("document", "list", "--personal", "--json").json
    assert (row["kind"], row["thing"]["name"], row["changes"]) == ("sheet", "Kestrel", 1)
    assert nova("document", "undo", "Kestrel", "--kind", "sheet").code == 0
    assert nova("document", "show", "Kestrel", "--kind", "sheet", "--json").json["text"] == ""


@pytest.mark.slow
def test_who_is_erased_is_told_before_that_shared_texts_stay(nova: Scm, text: Path) -> None:
    text.write_text("We fly.\n", encoding="utf-8")
    nova("document", "edit", "NOVA", "--kind", "charter", "--file", text)
    asked = nova("erase", "Vesper")
    assert asked.code != 0, asked
    assert "1 shared document stays; their name goes" in asked.err
    assert nova("erase", "Vesper", "--yes", "--at-once").code == 0
    assert nova("document", "show", "NOVA", "--kind", "charter").out == "We fly.\n"
    assert "Vesper" not in nova("document", "history", "NOVA", "--kind", "charter").out


@pytest.mark.slow
def test_a_text_is_emptied_only_when_that_is_said(nova: Scm, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    charter = ("NOVA", "--kind", "charter")
    assert "scm document edit NOVA --kind charter --file FILE" in nova("document", "show", *charter).err
    assert "scm document edit NOVA --kind charter --file FILE" in nova("document", "history", *charter).err
    assert "--kind KIND" in nova("document", "list").err
    assert nova("document", "edit", *charter, "--text", "We fly.").code == 0
    text.write_text("\ufeff\r\n", encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert nova("document", "edit", *charter).error == "document-text-unsaid"
    assert nova("document", "edit", *charter, "--file", text, "--text", "x").error == "document-text-unsaid"
    assert nova("document", "edit", *charter, "--file", "-").error == "document-text-empty"
    assert nova("document", "edit", *charter, "--file", text).error == "document-text-empty"
    assert nova("document", "show", *charter).out == "We fly.\n"
    assert nova("document", "edit", *charter, "--text", "").code == 0
    emptied = nova("document", "show", *charter)
    assert emptied.out == ""
    assert emptied.err.endswith("Write it: scm document edit NOVA --kind charter --file FILE\n")


@pytest.mark.slow
def test_what_is_left_out_is_shown_with_who_and_why_and_can_be_taken_in(nova: Scm) -> None:
    charter = ("NOVA", "--kind", "charter")
    nova("document", "edit", *charter, "--text", "We fly.\n")
    nova("document", "edit", *charter, "--text", "We fly.\nWe steal.\n")
    wrong = nova("document", "history", *charter, "--json").json[1]["change"]
    assert nova("document", "leave-out", *charter).error == "document-nothing-to-leave-out"
    assert nova("document", "leave-out", *charter, "--change", "ffff").error == "document-change-not-named"
    assert nova("document", "leave-out", *charter, "--change", wrong[:8], "--why", "We do not.").code == 0
    assert nova("document", "show", *charter).out == "We fly.\n"
    assert " by Vesper: We do not." in " ".join(nova("document", "history", *charter).out.split())
    left = nova("document", "history", *charter, "--json").json[1]["left_out"]["left"]
    assert nova("document", "take-in", "NOVA", "ffff", "--kind", "charter").error == "document-leaving-unknown"
    assert nova("document", "take-in", "NOVA", left[:8], "--kind", "charter").code == 0
    assert nova("document", "show", *charter).out == "We fly.\nWe steal.\n"
    assert nova("document", "leave-out", *charter, "--author", "Vesper", "--since", "2020-01-01").code == 0
    assert nova("document", "show", *charter).out == ""
