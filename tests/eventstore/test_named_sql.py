"""SQL lies in files of its own, in pieces with names."""

from pathlib import Path

import pytest

from scmanager.eventstore.named_sql import load


@pytest.mark.parametrize("file", ["postgres.sql", "originators-postgres.sql"])
def test_every_piece_has_its_name_and_neither_blanks_nor_a_semicolon_at_its_ends(file: str) -> None:
    pieces = load(file)
    assert b"CREATE TABLE" in pieces["tables"]
    for name, body in pieces.items():
        assert body
        assert body == body.strip()
        assert not body.endswith(b";"), name
        assert b"-- name:" not in body


def test_a_piece_is_the_text_between_its_name_and_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    text = "-- What the file is for.\n-- name: one\nSELECT 'é';\n\n-- name: two\nSELECT 2"
    (tmp_path / "sql" / "some.sql").write_text(text, encoding="utf-8")
    monkeypatch.setattr("scmanager.eventstore.named_sql.files", lambda _: tmp_path)
    assert load("some.sql") == {"one": "SELECT 'é'".encode(), "two": b"SELECT 2"}
