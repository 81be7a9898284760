"""Search on the command line: any spelling, the best match first, a hint when there is none."""

from pathlib import Path

import pytest

from scmanager.adapters.document_guard import DocumentGuard
from scmanager.spaces.scribe import ScribeAway
from tests.cli.conftest import Scm


@pytest.mark.slow
def test_things_of_every_kind_are_found_by_a_part_of_their_name(nova: Scm) -> None:
    nova("member", "record", "Vélar")
    nova("fleet", "form", "Vela")
    nova("fleet", "form", "The Vela Watch")
    nova("contact", "record", "Anvela")
    rows = nova("search", "VELA", "--json").json
    assert [(row["name"], row["kind"], row["match"]) for row in rows] == [
        ("Vela", "fleet", "exact"),
        ("Vélar", "member", "prefix"),
        ("The Vela Watch", "fleet", "word"),
        ("Anvela", "contact", "substring"),
    ]
    assert rows[0]["in"] == "Nova Halcyon"
    assert len(nova("search", "vela", "--first", 2, "--json").json) == 2
    assert [row["name"] for row in nova("search", "vela", "--kind", "member", "--org", "NOVA", "--json").json] == [
        "Vélar"
    ]
    nova("fleet", "disband", "Vela")
    assert nova("search", "vela", "--kind", "fleet", "--json").json[0]["gone"] == "gone"


@pytest.mark.slow
def test_what_is_not_there_is_answered_with_a_hint(nova: Scm) -> None:
    told = nova("search", "zzz")
    assert (told.code, told.out) == (0, "")
    assert "A part is enough" in told.err
    assert "scm member list" in told.err
    assert nova("search", "\u200b").error == "nothing-to-search"


@pytest.mark.slow
def test_documents_are_found_by_what_they_say_after_all_names(nova: Scm, tmp_path: Path) -> None:
    text = tmp_path / "text.md"
    nova("operation", "plan", "Jumptown", "2955-11-30", "2955-12-01")
    nova("character", "make", "Kestrel")
    nova("fleet", "form", "Everus Watch")
    for thing, kind, said in (
        ("Jumptown", "briefing", "Meet at Évérus Harbor.\n海賊の拠点を攻撃する。\n"),
        ("NOVA", "charter", "Nobody came.\n"),
        ("Kestrel", "sheet", "Born on Everus, in a storm.\n"),
    ):
        text.write_text(said, encoding="utf-8")
        assert nova("document", "edit", thing, "--kind", kind, "--file", text).code == 0
    rows = nova("search", "everus", "--json").json
    assert [(row["name"], row["kind"], row["document"], row["match"], row["text"], row["in"]) for row in rows] == [
        ("Everus Watch", "fleet", "", "prefix", "", "Nova Halcyon"),
        ("Jumptown", "document", "briefing", "text", "Meet at Évérus Harbor. 海賊の拠点を攻撃する。", "Nova Halcyon"),
        ("Kestrel", "document", "sheet", "text", "Born on Everus, in a storm.", "personal"),
    ]
    assert len(nova("search", "everus", "--first", 1, "--json").json) == 1
    assert [row["document"] for row in nova("search", "拠点", "--kind", "document", "--json").json] == ["briefing"]
    assert nova("search", "everus", "--kind", "member", "--json").json == []
    assert [row["name"] for row in nova("search", "everus", "--org", "NOVA", "--json").json] == [
        "Everus Watch",
        "Jumptown",
    ]
    assert "Meet at Évérus Harbor." in nova("search", "harbor").out
    nova("document", "undo", "NOVA", "--kind", "charter")
    assert nova("search", "nobody came", "--json").json == []


@pytest.mark.slow
def test_where_texts_cannot_be_read_names_are_found_and_it_is_said(
    nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text.md"
    nova("fleet", "form", "Vela")
    text.write_text("Fly for Vela.\n", encoding="utf-8")
    nova("document", "edit", "NOVA", "--kind", "charter", "--file", text)

    def away(*_: object, **__: object) -> None:
        raise ScribeAway(why="no memory")

    monkeypatch.setattr(DocumentGuard, "bring", away)
    told = nova("search", "vela", "--json")
    assert [row["name"] for row in told.json] == ["Vela"]
    assert "Documents were not searched" in told.err
