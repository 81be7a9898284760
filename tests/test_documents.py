"""The documents that are made from the code say what the code says."""

import re

import pytest

from ops import documents
from scmanager.application.every_verb import VERBS
from scmanager.domain.event import CATALOGUE

MADE = documents.everything()


@pytest.mark.parametrize("name", MADE)
def test_a_made_document_is_current(name: str) -> None:
    committed = (documents.DOCS / name).read_text(encoding="utf-8")
    assert committed == MADE[name], "write it anew with: python -m ops.documents"


def test_every_verb_and_every_event_is_in_its_document() -> None:
    assert all(f"### {verb}\n" in MADE["verbs.md"] for verb in VERBS)
    ours = [tag for tag, kind in CATALOGUE.items() if kind.__module__.startswith("scmanager.")]
    assert all(f"| `{tag}` |" in MADE["events.md"] for tag in ours)


def test_a_verb_that_needs_a_right_says_which() -> None:
    removal = MADE["verbs.md"].partition("### member.remove\n")[2].partition("### ")[0]
    assert "- rights: `member.remove`\n" in removal
    assert "`grant.removed/1`" in removal
    own = MADE["verbs.md"].partition("### ship.name\n")[2].partition("### ")[0]
    assert "- rights: `ship.manage`, or none for what is one's own\n" in own


def test_the_page_of_troubles_names_codes_that_there_are() -> None:
    page = (documents.DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| (?:[^|]*?)`([a-z]+(?:-[a-z]+)+)`", page, re.MULTILINE)
    assert len(named) >= 10
    assert {code for code in named if f"| `{code}` |" not in MADE["errors.md"]} == set()
