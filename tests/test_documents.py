"""The documents that are made from the code say what the code says."""

import re

import pytest

from ops import documents
from scmanager.application.every_verb import VERBS
from scmanager.domain.audit_types import KINDS, AuditType
from scmanager.domain.event import CATALOGUE


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return documents.everything()


def test_the_made_documents_are_current(made: dict[str, str]) -> None:
    committed = {name: (documents.DOCS / name).read_text(encoding="utf-8") for name in made}
    assert committed == made, "write them anew with: python -m ops.documents"


def test_every_verb_and_every_event_is_in_its_document(made: dict[str, str]) -> None:
    assert all(f"### {verb}\n" in made["verbs.md"] for verb in VERBS)
    ours = [tag for tag, kind in CATALOGUE.items() if kind.__module__.startswith("scmanager.")]
    assert all(f"| `{tag}` |" in made["events.md"] for tag in ours)


def test_every_audit_type_is_raised_by_a_test_or_says_what_it_needs(made: dict[str, str]) -> None:
    lines = [line for line in made["audit-types.md"].splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == [type_.value for type_ in AuditType]
    for line, kind in zip(lines, KINDS.values(), strict=True):
        assert f"| {documents.OPEN}: needs {kind.needs} |" in line if kind.needs else "| `test_" in line


def test_a_verb_that_needs_a_right_says_which(made: dict[str, str]) -> None:
    removal = made["verbs.md"].partition("### member.remove\n")[2].partition("### ")[0]
    assert "- rights: `member.remove`\n" in removal
    assert "`grant.removed/1`" in removal
    own = made["verbs.md"].partition("### ship.name\n")[2].partition("### ")[0]
    assert "- rights: `ship.manage`, or none for what is one's own\n" in own


def test_the_page_of_troubles_names_codes_that_there_are(made: dict[str, str]) -> None:
    page = (documents.DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| (?:[^|]*?)`([a-z]+(?:-[a-z]+)+)`", page, re.MULTILINE)
    assert len(named) >= 10
    assert {code for code in named if f"| `{code}` |" not in made["errors.md"]} == set()
