"""Who reported can prove it: from a batch and its receipt the entries are made, and found in the public log."""

import secrets
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.adapters.ledger_source import from_folder
from scmanager.adapters.outbox import Outbox
from scmanager.application import reports as kinds
from scmanager.application.published import Published
from scmanager.application.receipt_check import LATE_S, IntakeHeadUnlisted, IntakeLog, Standing
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.ledger import Final
from scmanager.eventstore.checkpoint import parse_note
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger import reports as wire
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.reports import Receipt
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import NotWitnessed
from tests.cli.conftest import Scm
from tests.support.intake import CONSENT, Site, audit_batch
from tests.support.ledger import NOW_S, POLICY, ROOTS, WITHOUT_WITNESSES, Server, signed


class Sent:
    """An author's log, and what was sent to it: three batches, of which the last came after the public head."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder).make()
        self.bodies = [msgspec.json.encode(audit_batch(count)) for count in (3, 300, 1)]
        with self.site.taking() as taking:
            self.answers = [
                taking.sequencer.submit(kinds.AUDIT.batch(each, kinds.allows)).result(20) for each in self.bodies[:2]
            ]
        with self.site.taking():  # The newest head is public before anything is taken.
            pass
        with self.site.open() as intake:
            log = intake.sequencer(lambda: None)
            log.start()
            self.answers.append(log.submit(kinds.AUDIT.batch(self.bodies[2], kinds.allows)).result(20))
            log.stop()

    def log(self, policy: Policy = WITHOUT_WITNESSES) -> IntakeLog:
        return IntakeLog(Published(from_folder(self.site.public / "intake")), self.site.seen(), policy, NOW_S)

    def standing(self, number: int, count: int, answer: bytes | None = None, at_s: int = NOW_S) -> Standing:
        held = self.answers[number] if answer is None else answer
        return self.log().standing(wire.AUDIT.name, count, self.bodies[number], held, at_s)

    def changed(self, number: int, **fields: Any) -> bytes:
        return msgspec.json.encode(replace(msgspec.json.decode(self.answers[number], type=Receipt), **fields))


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    return Sent(tmp_path_factory.mktemp("sent"))


def test_what_was_sent_is_found_in_the_public_log(sent: Sent) -> None:
    assert [sent.standing(0, 3), sent.standing(1, 300)] == [Standing.PROVED] * 2
    assert sent.standing(2, 1, at_s=NOW_S - LATE_S) is Standing.NOT_YET
    assert sent.standing(2, 1, at_s=NOW_S - LATE_S - 1) is Standing.LATE
    assert sent.log().standing("statistics", 1, b"{}", b"{}", NOW_S) is Standing.NO_RECEIPT
    assert sent.standing(0, 3, b'{"code":"consent-unknown"}') is Standing.NO_RECEIPT


def test_nothing_stands_behind_the_end_of_a_log_that_was_closed(sent: Sent, tmp_path: Path) -> None:
    site, point = Site(tmp_path), sent.log()
    site.manifests = sent.site.manifests
    log = site.manifests[-1].statement.logs[-1]
    site.list(log, Final(point.size, point.root))
    closed = IntakeLog(Published(from_folder(sent.site.public / "intake")), site.seen(), WITHOUT_WITNESSES, NOW_S)
    found = [
        closed.standing(wire.AUDIT.name, count, *both, NOW_S)
        for count, *both in zip((3, 300, 1), sent.bodies, sent.answers, strict=True)
    ]
    assert found == [Standing.PROVED, Standing.PROVED, Standing.MISSING]


def test_a_receipt_of_a_log_of_statements_is_none(sent: Sent, tmp_path: Path) -> None:
    site, ledger = Site(tmp_path), Server()
    site.manifests = sent.site.manifests
    made = issuing.following(site.manifests[-1].statement, NOW_S, logs=[ledger.log])
    site.manifests = (*site.manifests, signed(made, *ROOTS[:2]))
    log = IntakeLog(Published(from_folder(sent.site.public / "intake")), site.seen(), WITHOUT_WITNESSES, NOW_S)
    answer = sent.changed(0, space=ledger.log.space, log=ledger.log.log)
    assert log.standing(wire.AUDIT.name, 3, sent.bodies[0], answer, NOW_S) is Standing.MISSING


@pytest.mark.parametrize(
    "fields",
    [{"first": 2}, {"first": 10**9, "size": 10**9 + 9}, {"log": b"\1" * 32}, {"space": bytes(32)}, {"by": bytes(32)},
     {"last": bytes(64)}, {"prev": bytes(64)}, {"hlc": 5}, {"hlc": 2**53 - 1}, {"size": 2}],
)  # fmt: skip
def test_a_receipt_that_is_made_up_is_told(sent: Sent, fields: dict[str, Any]) -> None:
    assert sent.standing(0, 3, sent.changed(0, **fields)) is Standing.MISSING


def test_another_batch_under_the_same_receipt_is_told(sent: Sent) -> None:
    other = msgspec.json.encode(audit_batch(3))
    assert sent.log().standing(wire.AUDIT.name, 3, other, sent.answers[0], NOW_S) is Standing.MISSING
    assert sent.log().standing(wire.AUDIT.name, 3, b"noise", sent.answers[0], NOW_S) is Standing.MISSING


@given(noise=st.binary(max_size=300), at=st.integers(0, 400), other=st.integers(1, 255))
def test_whatever_is_kept_as_a_receipt_is_judged(sent: Sent, noise: bytes, at: int, other: int) -> None:
    log, name = sent.log(), wire.AUDIT.name
    assert log.standing(name, 3, sent.bodies[0], noise, NOW_S) in (Standing.NO_RECEIPT, Standing.MISSING)
    answer = bytearray(sent.answers[0])
    answer[at % len(answer)] ^= other
    told = log.standing(name, 3, sent.bodies[0], bytes(answer), NOW_S)
    assert told in (Standing.PROVED, Standing.MISSING, Standing.NO_RECEIPT)
    if told is Standing.PROVED:
        first, now = (msgspec.json.decode(each, type=Receipt) for each in (sent.answers[0], bytes(answer)))
        assert replace(now, size=0) == replace(first, size=0)


def test_a_log_that_is_not_listed_and_one_that_nobody_witnessed_prove_nothing(sent: Sent, tmp_path: Path) -> None:
    public = Published(from_folder(sent.site.public / "intake"))
    with pytest.raises(IntakeHeadUnlisted):
        IntakeLog(public, Site(tmp_path / "other").make().seen(), WITHOUT_WITNESSES, NOW_S)
    with pytest.raises(NotWitnessed):
        sent.log(POLICY)


def test_on_the_command_line(sent: Sent, scm: Scm, tmp_path: Path) -> None:
    assert scm("init").code == 0
    (tmp_path / "keys").write_bytes(submission.encode(sent.site.manifests))
    (tmp_path / "policy").write_bytes(b"quorum none\n")
    ledger = manifest_hash(sent.site.manifests[0].statement).hex()
    words = (
        "privacy", "sent", "--verify", sent.site.public, "--ledger", ledger, "--manifests", tmp_path / "keys",
        "--policy", tmp_path / "policy",
    )  # fmt: skip
    outbox = Outbox(tmp_path / "a")
    for body, answer in zip(sent.bodies, sent.answers, strict=True):
        _kept(outbox, body, answer)
    told = scm(*words, "--json")
    assert (told.code, [each["standing"] for each in told.json]) == (0, ["proved", "proved", "not public yet"]), (
        told.err
    )
    _kept(outbox, sent.bodies[0], sent.changed(0, first=1, log=b"\1" * 32))
    outbox.close()
    told = scm(*words)
    assert (told.code, "NOT THERE" in told.out) == (1, True)
    size = parse_note((sent.site.public / "intake" / "checkpoint").read_bytes()).text.split("\n")[1]
    assert f"Held against the first {size} entries" in told.err


def _kept(outbox: Outbox, body: bytes, answer: bytes) -> None:
    """As the reporter does, with a body of our own."""
    outbox.put(wire.AUDIT.name, Purpose.AUDIT_REPORTS.value, CONSENT, b"{}", NOW_S)
    batch = outbox.batch(wire.AUDIT.name)
    assert batch is not None
    count = len(msgspec.json.decode(body)["reports"])
    outbox.done(replace(batch, id=secrets.token_bytes(16), body=body, count=count), answer, int(time.time()))
