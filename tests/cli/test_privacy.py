"""Privacy on the command line: what is asked, and that nothing is consented to without a yes."""

import pytest

from scmanager.domain.consent_texts import Purpose
from tests.cli.conftest import Scm


def test_nothing_is_consented_to_and_each_text_can_be_read(scm: Scm) -> None:
    assert scm("init").code == 0
    rows = scm("privacy", "show", "--json").json
    assert [(row["purpose"], row["consented"], row["you"]) for row in rows] == [
        (purpose.value, False, "not asked yet") for purpose in Purpose
    ]
    told = scm("privacy", "show", "health")
    assert "Every five minutes" in told.out
    assert "scm privacy withdraw health" in told.out
    assert "You: not asked yet." in told.out


def test_the_text_is_shown_first_and_only_a_yes_counts(scm: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    scm("init")
    told = scm("privacy", "consent", "health")
    assert told.code != 0
    assert told.out.startswith("Health of the installation (health, version 1)")
    assert not any(row["consented"] for row in scm("privacy", "show", "--json").json)
    assert scm("privacy", "consent", "health", "--yes").code == 0
    rows = {row["purpose"]: row for row in scm("privacy", "show", "--json").json}
    assert [each for each, row in rows.items() if row["consented"]] == ["health"]
    assert scm("privacy", "withdraw", "health").code == 0
    assert "You: withdrawn." in scm("privacy", "show", "health").out
    assert scm("privacy", "show", "nothing").code == 2
