"""Access: all that is held about a person in one file, for that person and for nobody else."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters.outbox import Outbox
from scmanager.domain.consent import consent_hash
from scmanager.domain.consent_texts import Purpose
from tests.cli.conftest import Scm
from tests.cli.test_inbox import join


def exported(scm: Scm, folder: Path, *more: object, at: str = "a") -> Any:
    path = folder / f"{time.time_ns()}.json"
    told = scm("privacy", "export", "-o", path, *more, at=at)
    assert told.code == 0, told.err
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
    return json.loads(path.read_text(encoding="utf-8"))


def schemas(space: Any) -> set[str]:
    return {each["schema"] for each in space["events"]}


def test_the_owner_gets_his_events_words_consents_audit_events_and_what_was_sent(nova: Scm, tmp_path: Path) -> None:
    nova("character", "make", "Wren", "--background", "Born in a storm.")
    nova("privacy", "consent", "health", "--yes")
    outbox = Outbox(tmp_path / "a")
    outbox.put("health reports", "health", consent_hash(Purpose.HEALTH, 1), b'{"at":1}', int(time.time()))
    outbox.close()
    found = exported(nova, tmp_path)
    assert list(found) == ["index", "about", "spaces", "consents", "audit", "outbox", "sent"]
    assert {space["kind"] for space in found["spaces"]} == {"org", "personal"}
    org, own = sorted(found["spaces"], key=lambda each: str(each["kind"]))
    assert {"organisation.founded/1", "member.recorded/1"} <= schemas(org)
    (made,) = [each for each in own["events"] if each["schema"] == "character.made/1"]
    assert made["words"][0]["background"] == "Born in a storm."
    assert "consent.given/1" in schemas(own)
    assert [each["purpose"] for each in found["consents"] if each["stands"]] == ["health"]
    assert found["outbox"][0]["body"]["reports"] == [{"at": 1}]
    assert found["audit"]
    assert all(set(key) == {"key", "held"} for space in found["spaces"] for key in space["keys"])


def test_for_somebody_without_a_machine_whoever_may_speak_for_him_gets_it(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla", "--display-name", "Aýla 星")
    nova("member", "note", "Ayla", "Flies at night.")
    nova("member", "record", "Bodo")
    found = exported(nova, tmp_path, "--member", "Ayla")
    assert list(found) == ["index", "about", "spaces"]
    (space,) = found["spaces"]
    words = json.dumps(space["events"], ensure_ascii=False)
    assert "Aýla 星" in words
    assert "Flies at night." in words
    assert "Bodo" not in words
    nova("erase", "Ayla", "--yes")
    (space,) = exported(nova, tmp_path, "--member", space["member"])["spaces"]
    assert "Aýla" not in json.dumps(space, ensure_ascii=False)
    assert {"absent": "erased"} in [word for each in space["events"] for word in each["words"]]


@pytest.mark.slow
def test_nobody_else_gets_it(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla")
    join(nova, tmp_path)
    told = nova("privacy", "export", "-o", tmp_path / "x.json", "--member", "Ayla", at="b")
    assert told.error == "privacy-not-yours"
    assert nova("privacy", "export", "-o", tmp_path / "x.json", "--member", "Bess").error == "privacy-not-yours"
    assert not (tmp_path / "x.json").exists()
    assert exported(nova, tmp_path, at="b")["spaces"]
