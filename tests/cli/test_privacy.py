"""Privacy on the command line: what is asked, and that nothing is consented to without a yes."""

import time
from pathlib import Path

import pytest

from scmanager.adapters.outbox import Outbox, Waiting
from scmanager.adapters.participation import FILE_NAME, Participation
from scmanager.application.desk import Desk
from scmanager.application.writer import Command, Result
from scmanager.config import Settings
from scmanager.domain.catalogue import CONSENTS
from scmanager.domain.consent import Given, consent_hash
from scmanager.domain.consent_texts import TEXTS, Purpose
from scmanager.domain.statistics import DAY_S
from scmanager.domain.statistics_published import EVERY_DAYS
from scmanager.runtime import Node
from tests.cli.conftest import Scm


def test_nothing_is_consented_to_and_each_text_can_be_read(scm: Scm) -> None:
    assert scm("init").code == 0
    rows = scm("privacy", "show", "--json").json
    assert [(row["purpose"], row["consented"], row["you"]) for row in rows] == [
        (purpose.value, False, "not asked yet") for purpose in Purpose
    ]
    told = scm("privacy", "show", "health")
    assert "About every five minutes" in told.out
    assert "scm privacy withdraw health" in told.out
    assert "You: not asked yet." in told.out


def test_the_text_is_shown_first_and_only_a_yes_counts(scm: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    scm("init")
    told = scm("privacy", "consent", "health")
    assert told.code != 0
    assert told.out.startswith("Health of the installation (health, version 2)")
    assert not any(row["consented"] for row in scm("privacy", "show", "--json").json)
    assert scm("privacy", "consent", "health", "--yes").code == 0
    rows = {row["purpose"]: row for row in scm("privacy", "show", "--json").json}
    assert [each for each, row in rows.items() if row["consented"]] == ["health"]
    assert scm("privacy", "withdraw", "health").code == 0
    assert "You: withdrawn." in scm("privacy", "show", "health").out
    assert scm("privacy", "show", "nothing").code == 2


def test_who_agreed_to_an_older_text_reads_that_he_is_asked_again_and_what_is_new(scm: Scm, tmp_path: Path) -> None:
    scm("init")
    older = Given(Purpose.HEALTH, 1, TEXTS[Purpose.HEALTH][0].hash)
    with Node(Settings(tmp_path / "a", tmp_path / "a.state", port=0)) as node:

        def act(desk: Desk) -> Result:
            desk.decide(CONSENTS, desk.me, lambda _: iter([older]))
            return {}

        node.writer.submit(Command(bytes(16), node.personal_space(), act)).result()
    told = scm("privacy", "show")
    assert "health         asked again: version 2 is new" in told.out
    assert "greets the server" in told.err
    rows = {row["purpose"]: row for row in scm("privacy", "show", "--json").json}
    assert [row["asked_again"] for row in rows.values()] == [each == "health" for each in rows]
    assert not rows["health"]["consented"]
    assert scm("privacy", "consent", "health", "--yes").code == 0
    told = scm("privacy", "show", "health")
    assert "You: consented." in told.out
    assert "older text" not in told.err


def test_what_waits_is_shown_word_for_word_and_goes_with_the_consent(
    scm: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scm("init")
    told = scm("privacy", "waiting")
    assert (told.code, told.out) == (0, "")
    assert "Nothing waits" in told.err
    assert "You consent to nothing" in told.err
    assert "SCM_REPORT_TO" in scm("privacy", "consent", "health", "--yes").err
    assert "SCM_REPORT_TO" in scm("privacy", "waiting").err
    assert "SCM_REPORT_TO" in scm("privacy", "show").err
    monkeypatch.setenv("SCM_REPORT_TO", "https://author.example")
    assert scm("privacy", "waiting").err.splitlines() == ["Nothing waits to be sent."]
    outbox = Outbox(tmp_path / "a")
    outbox.put("health reports", "health", consent_hash(Purpose.HEALTH, 2), b'{"at":1}', int(time.time()))
    told = scm("privacy", "waiting")
    assert told.out.splitlines()[0] == "health reports (1 report):"
    assert '"reports":[{"at":1}]' in told.out
    assert "Not sent" not in told.err, "nobody tried yet"
    outbox.hold_up("No such server.", 1_800_000_000, 1_800_000_030)
    assert scm("privacy", "waiting").err.splitlines() == [
        "Not sent at 2027-01-15 08:00:00, tried again at 2027-01-15 08:00:30 (UTC): No such server."
    ]
    outbox.hold_up("", 0, 0)
    assert "Not sent" not in scm("privacy", "waiting").err
    (row,) = scm("privacy", "waiting", "--json").json
    assert row["body"]["reports"] == [{"at": 1}]
    scm("privacy", "withdraw", "health")
    assert scm("privacy", "waiting").out == ""
    assert "Nothing was sent" in scm("privacy", "sent").err
    batch = Waiting(b"b" * 16, "health reports", "health", b'{"reports":[1]}', 1)
    outbox.done(batch, b'{"first":7,"count":1}', 1_800_000_000)
    assert "entries 7 to 7" in scm("privacy", "sent").out
    assert scm("privacy", "sent", "--json").json[0]["answer"]["first"] == 7
    outbox.close()


def test_withdrawing_overwrites_the_salt_of_the_drawn_day(scm: Scm, tmp_path: Path) -> None:
    scm("init")
    scm("privacy", "consent", "statistics", "--yes")
    today = int(time.time()) // DAY_S
    salt = Participation(tmp_path / "a", below=lambda _: today % EVERY_DAYS).salt(today)
    assert salt
    scm("org", "found", "Nova", "--handle", "Vesper")
    assert salt in (tmp_path / "a" / FILE_NAME).read_bytes()
    assert scm("privacy", "withdraw", "statistics").code == 0
    assert salt not in (tmp_path / "a" / FILE_NAME).read_bytes()


@pytest.mark.parametrize(
    "address",
    ["http://author.example", "ftp://author.example", "https://", "https://a b", "https://u@author.example", "x"],
)
def test_a_server_that_cannot_be_reported_to_is_told_at_start(
    scm: Scm, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    scm("init")
    monkeypatch.setenv("SCM_REPORT_TO", address)
    assert scm("privacy", "waiting").error == "setting-wrong"
