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
    assert scm("privacy", "export", "-o", path, *more, at=at).error == "target-taken"
    assert scm("privacy", "export", "-o", path, *more, "--replace", at=at).code == 0
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
    return json.loads(path.read_text(encoding="utf-8"))


def schemas(space: Any) -> set[str]:
    return {each["schema"] for each in space["events"]}


def test_the_owner_gets_his_events_words_consents_audit_events_and_what_was_sent(nova: Scm, tmp_path: Path) -> None:
    nova("character", "make", "Wren", "--background", "Born in a storm.")
    nova("privacy", "consent", "health", "--yes")
    outbox = Outbox(tmp_path / "a")
    outbox.put("health reports", "health", consent_hash(Purpose.HEALTH, 2), b'{"at":1}', int(time.time()))
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


def test_what_others_say_of_his_ships_and_loans_is_his_but_not_the_words_of_who_has_them_now(
    nova: Scm, tmp_path: Path
) -> None:
    for name in ("Ayla", "Bodo"):
        nova("member", "record", name)
    nova("fleet", "form", "Home Fleet")
    nova("ship", "add", "DRAK_Corsair", "--owner", "Ayla", "--nickname", "Rocinante")
    nova("ship", "assign", "DRAK_Corsair", "Home Fleet")
    nova("ship", "add", "AEGS_Gladius", "--owner", "Bodo", "--nickname", "Of Bodo")
    nova("ship", "lend", "AEGS_Gladius", "Ayla")
    nova("ship", "return", "AEGS_Gladius", "--borrower", "Ayla")
    found = exported(nova, tmp_path, "--member", "Ayla")["spaces"][0]
    assert {"ship.added-for/1", "ship.named-for/1", "ship.assigned-for/1", "ship.lent-for/1"} <= schemas(found)
    assert "ship.returned-for/1" in schemas(found)
    words = json.dumps(found["events"])
    assert ("Rocinante" in words, "Of Bodo" in words) == (True, False)
    nova("ship", "transfer", "DRAK_Corsair", "--owner", "Bodo")
    nova("ship", "name", "DRAK_Corsair", "Bodos own")
    later = json.dumps(exported(nova, tmp_path, "--member", "Ayla")["spaces"][0]["events"])
    assert ("Rocinante" in later, "Bodos own" in later) == (True, False)
    assert "Bodos own" in json.dumps(exported(nova, tmp_path, "--member", "Bodo")["spaces"])


@pytest.mark.services
def test_the_export_has_every_entry_whose_words_an_erasure_takes(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla", "--display-name", "Aila")
    nova("member", "note", "Ayla", "Flies at night.")
    nova("ship", "add", "DRAK_Corsair", "--owner", "Ayla", "--nickname", "Rocinante")
    nova("ship", "name", "DRAK_Corsair", "Donnager")
    before = exported(nova, tmp_path, "--member", "Ayla")["spaces"][0]
    nova("erase", "Ayla", "--yes")
    assert nova("export", tmp_path / "out", "--without-csv").code == 0
    (path,) = (tmp_path / "out").glob("*/events.jsonl")
    every = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    gone = {each["id"] for each in every if {"absent": "erased"} in each["words"]}
    assert len(gone) == 4
    assert gone <= {each["id"] for each in before["events"]}
    after = exported(nova, tmp_path, "--member", before["member"])["spaces"][0]["events"]
    assert gone <= {each["id"] for each in after}, "and later that they were erased"


def test_what_was_recorded_of_somebody_before_he_joined_is_his(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Vesper of old")
    nova("member", "note", "Vesper of old", "Flew at day.")
    told = nova("member", "claim", "Vesper of old", "Vesper")
    assert told.code == 0, told.err
    (org,) = [each for each in exported(nova, tmp_path)["spaces"] if each["kind"] == "org"]
    assert len(org["keys"]) == 2, "the keys of both"


@pytest.mark.slow
def test_nobody_else_gets_it(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla")
    join(nova, tmp_path)
    told = nova("privacy", "export", "-o", tmp_path / "x.json", "--member", "Ayla", at="b")
    assert told.error == "privacy-not-yours"
    assert nova("privacy", "export", "-o", tmp_path / "x.json", "--member", "Bess").error == "privacy-not-yours"
    assert not (tmp_path / "x.json").exists()
    assert exported(nova, tmp_path, at="b")["spaces"]
