"""What leaves the machine: nothing without consent, nothing but what the texts say, each batch once."""

import contextlib
import json
import re
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from scmanager import __version__
from scmanager.adapters.outbox import Outbox
from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.adapters.trust_files import MANIFESTS_FILE
from scmanager.application.reporter import FIRST_WAIT_S, HEALTH_DRAWN_S, HEALTH_S, STATES_STEP, Reporter
from scmanager.auditing import audited
from scmanager.domain.audit_types import AuditType
from scmanager.domain.consent_texts import Purpose, current
from scmanager.domain.ledger import Final, KeysPublished, LogKind
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.error_shape import shape_of
from scmanager.master_ledger.handshake import SESSION_HEADER, VersionsApart
from scmanager.master_ledger.reports import ERRORS as REPORTS_OF_ERRORS
from scmanager.master_ledger.reports import Frame, blinded_state, health_salt, parse_batch, parse_receipt
from scmanager.master_ledger.sealed import MEDIA, Channel
from scmanager.reporting import ACTOR as REPORTS
from scmanager.reporting import keep_to_consents, reporter_of
from scmanager.runtime import Node
from scmanager.serving import Serving
from scmanager.supervisor import Health, Report
from tests.golden.logs import key_of, some
from tests.support.intake import Site
from tests.support.ledger import NOW_S, ROOTS, signed
from tests.support.ledger import Server as LogServer
from tests.support.machines import Machine, found
from tests.support.node import Seat
from tests.support.report_server import ReportServer, refusal, report_server

SERVER = key_of("server")
AUDIT, ERRORS, HEALTH = "/api/v1/audit", "/api/v1/errors", re.compile("/api/v1/nodes/([0-9a-f]{64})/health")


class Ada:
    """A machine that may report, and the server that it reports to."""

    def __init__(self, folder: Path, server: ReportServer) -> None:
        self.server, self.folder = server, folder
        self.machine = Machine(folder, "ada")
        self.machine.settings = msgspec.structs.replace(
            self.machine.settings, report_to=server.address, region="DE", trust=server.trust(folder / "trust")
        )

    def consent(self, node: Node, *purposes: Purpose) -> None:
        seat = Seat(node, node.personal_space())
        for each in purposes:
            seat.do("privacy.consent", purpose=each, version=current(each))

    def withdraw(self, node: Node, purpose: Purpose) -> None:
        Seat(node, node.personal_space()).do("privacy.withdraw", purpose=purpose)

    @contextlib.contextmanager
    def open(self) -> Iterator[tuple[Node, Reporter]]:
        with self.machine.open() as node:
            reporter = reporter_of(node, lambda: (7, 1))
            try:
                yield node, reporter
            finally:
                reporter._outbox.close()

    def trust_also(self, *manifests: KeysPublished) -> None:
        """As after an update: what is built in knows these too."""
        assert self.machine.settings.trust
        known = submission.encode([self.server.first, *manifests])
        (self.machine.settings.trust / MANIFESTS_FILE).write_bytes(known)

    def note(self, node: Node, text: str = "token of Vesper from 10.1.2.3", times: int = 1) -> None:
        with audited(node) as note:
            for _ in range(times):
                note(AuditType.PERMISSION_VIOLATION, "token-wrong", "10.1.2.3", text)

    @property
    def all_sent(self) -> bytes:
        return b"".join(path.encode() + body for path, body in self.server.asked)


Between = Callable[[str, bytes, Mapping[str, str]], tuple[int, bytes, str]]


@contextlib.contextmanager
def relay(between: Between) -> Iterator[str]:
    """Somebody at the server's name: its address. `between`: path, body, headers -> status, body, type."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer, media = between(self.path, body, dict(self.headers))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.send_header("content-type", media)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        running.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            running.join()


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[Ada]:
    with report_server() as server:
        yield Ada(tmp_path, server)


def broken() -> BaseException:
    """What a fault of ours looks like: with data of somebody in its text, through functions of ours and of others."""
    try:
        parse_batch(REPORTS_OF_ERRORS, b"handle Vesper in /home/ada")
    except Exception as error:
        return error
    raise AssertionError


def test_nothing_is_sent_and_nothing_waits_without_consent(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        node.personal_space()
        ada.note(node)
        reporter.failed(shape_of(broken(), __version__, 1))
        assert reporter.work() is None
        assert (ada.server.asked, Outbox(node.settings.data).waiting()) == ([], [])
        assert not (node.settings.data / "outbox.db").exists()


def test_nothing_is_gathered_without_a_server(ada: Ada) -> None:
    ada.machine.settings = msgspec.structs.replace(ada.machine.settings, report_to=None)
    with ada.open() as (node, reporter):
        ada.consent(node, *Purpose)
        ada.note(node)
        assert reporter.work() is None
        assert not (node.settings.data / "outbox.db").exists()


def test_audit_events_since_the_consent_are_reported_once_without_what_they_say(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        node.personal_space()
        ada.machine.clock.ahead_s = -7 * 3600
        ada.note(node)
        ada.machine.clock.ahead_s = 0
        ada.consent(node, Purpose.AUDIT_REPORTS)
        reporter.work()
        assert ada.server.asked == [], "what was noted before is nobody's business"
        ada.note(node, times=3)
        reporter.work()
        reporter.work()
        (report,) = ada.server.reports(AUDIT)
        assert (report.type, report.count, report.region, report.version) == (
            AuditType.PERMISSION_VIOLATION, 3, "DE", __version__,
        )  # fmt: skip
        assert len(ada.server.asked) == 1
        for clear in (b"Vesper", b"10.1.2.3", b"token", node.personal_space()[:16].hex().encode()):
            assert clear not in ada.all_sent
        ada.machine.clock.ahead_s = 6 * 3600
        ada.note(node, times=2)
        reporter.work()
        assert sum(each.count for each in ada.server.reports(AUDIT)) == 5


def test_health_is_reported_every_five_minutes_under_an_id_of_its_own(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        found(node)
        ada.consent(node, Purpose.HEALTH)
        wait_s = reporter.work()
        assert wait_s is not None
        assert abs(wait_s - HEALTH_S) <= HEALTH_DRAWN_S + 1
        reporter.work()
        ada.machine.clock.ahead_s += int(wait_s)
        reporter.work()
        paths = [path for path, _ in ada.server.asked]
        ids = {known[1] for path in paths if (known := HEALTH.fullmatch(path))}
        assert (len(paths), len(ids)) == (2, 1)
        one, two = (batch.reports[0] for _, batch in ada.server.taken.values())
        assert (one.running, one.failing, one.version) == (7, 1, __version__)
        assert len(one.states) == len(two.states) == STATES_STEP, "how many spaces there are is not told"
        assert ids.isdisjoint({node.identity.device.hex(), node.identity.transport.hex()})


def test_nothing_in_two_health_reports_tells_that_they_are_of_one_machine(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        found(node)
        ada.consent(node, Purpose.HEALTH)
        began_s, waits = node.now_us() // 10**6, set()
        for _ in range(12):
            wait_s = reporter.work()
            assert wait_s is not None
            waits.add(wait_s)
            ada.machine.clock.ahead_s += int(wait_s) + 1
        all_of_them = [batch.reports[0] for _, batch in ada.server.taken.values()]
        states = [each for report in all_of_them for each in report.states]
        assert len(all_of_them) == 12
        assert len({*states}) == len(states) == 12 * STATES_STEP, "no state and no filling comes twice"
        assert all(report.at % 3600 == 0 for report in all_of_them), "the hour, not the second"
        assert len(waits) > 1, "no clock can be set by them"
        frontier = node.shelf.spaces()[0].frontier()
        shown = {blinded_state(health_salt(reporter._secret, at), frontier) for at in range(began_s, began_s + 60)}
        assert len(shown & {*states}) == 1, "its owner can show later what he had"


def test_errors_are_told_by_their_shape_and_counted(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.ERROR_REPORTS)
        ada.server.status = 503
        for at in (5, 3, 9):
            reporter.failed(shape_of(broken(), __version__, at))
        reporter.work()
        reporter.failed(shape_of(KeyError("Vesper"), __version__, 4))
        ada.server.status = 200
        ada.machine.clock.ahead_s += 60
        reporter.work()
        first, second = ada.server.reports(ERRORS)
        assert (first.count, first.first_s, first.last_s, first.error) == (3, 3, 9, "BatchMalformed")
        assert first.frames == (Frame("scmanager.master_ledger.reports", "parse_batch"),)
        assert (second.error, second.frames, second.count) == ("KeyError", (), 1)
        assert b"Vesper" not in ada.all_sent
        assert b"/home" not in ada.all_sent
        assert b"test_reporting" not in ada.all_sent


def test_withdrawn_nothing_more_is_sent_and_nothing_waits(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS, Purpose.HEALTH)
        ada.note(node)
        ada.server.status = 503
        reporter.work()
        assert {each.purpose for each in Outbox(node.settings.data).waiting()} == {"audit-reports", "health"}
        ada.withdraw(node, Purpose.AUDIT_REPORTS)
        keep_to_consents(node)
        assert {each.purpose for each in Outbox(node.settings.data).waiting()} == {"health"}
        ada.withdraw(node, Purpose.HEALTH)
        ada.server.status, before = 200, len(ada.server.asked)
        assert reporter.work() is None
        assert (len(ada.server.asked), Outbox(node.settings.data).waiting()) == (before, [])


def test_withdrawn_while_a_batch_is_on_its_way_the_others_go(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS, Purpose.HEALTH)
        ada.note(node)
        taken, kept = ada.server.take, []

        def take(path: str, body: bytes) -> bytes | None:
            if not kept:
                kept.append(path)
                ada.withdraw(node, Purpose.HEALTH)
            return taken(path, body)

        ada.server.take = take  # type: ignore[method-assign] # the owner withdraws at that very moment
        reporter.work()
        assert kept == [AUDIT]
        assert [path for path, _ in ada.server.asked] == [AUDIT]
        assert Outbox(node.settings.data).waiting() == []


def test_an_answer_that_is_lost_makes_nobody_count_twice(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS)
        ada.note(node)
        ada.server.answers = False
        assert reporter.work() == FIRST_WAIT_S
        assert 0 < reporter.work() <= FIRST_WAIT_S
        assert len(ada.server.asked) == 1, "whatever wakes it, it waits"
        ada.server.answers, ada.server.garbled = True, True
        ada.machine.clock.ahead_s += 60
        assert reporter.work() == 2 * FIRST_WAIT_S
    ada.server.garbled = False
    with ada.open() as (node, reporter):
        reporter.work()
        assert len(ada.server.asked) == 3
        assert len({body for _, body in ada.server.asked}) == 1
        assert len(ada.server.taken) == 1
        (row,) = Outbox(node.settings.data).sent()
        assert json.loads(row["answer"])["count"] == 1
        assert b64decode(json.loads(row["body"])["id"]) in ada.server.taken


def test_an_answer_that_fits_a_batch_of_one_kind_ill_holds_up_no_other(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS, Purpose.ERROR_REPORTS)
        ada.note(node)
        reporter.failed(shape_of(broken(), __version__, 5))
        ada.server.garbled = True
        assert reporter.work() == FIRST_WAIT_S
        assert len({path for path, _ in ada.server.asked}) == 2
        assert reporter.held_up == "receipt-malformed"


@pytest.mark.parametrize(("status", "code"), [(403, "consent-unknown"), (422, "reports-unusable")])
def test_what_the_authors_server_refuses_for_good_is_not_sent_again(ada: Ada, status: int, code: str) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS)
        ada.note(node)
        ada.server.status, ada.server.refusal = status, refusal(code)
        reporter.work()
        reporter.work()
        assert len(ada.server.asked) == 1
        (row,) = Outbox(node.settings.data).sent()
        assert json.loads(row["answer"])["code"] == "reports-not-wanted"


@pytest.mark.parametrize(
    ("status", "said"),
    [(404, b"<html>no such page</html>"), (403, b"<html>log in first</html>"), (405, b'{"detail":"Not Allowed"}'),
     (400, b""), (404, b'{"errors":[{"extensions":{"code":"no-such-page"}}]}'), (302, b""),
     (200, b'{"errors":[{"extensions":{"code":"consent-unknown"}}]}')],
)  # fmt: skip
def test_whatever_somebody_else_answers_nothing_is_lost(ada: Ada, status: int, said: bytes) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS)
        ada.note(node, times=2)
        ada.server.status, ada.server.refusal = status, said
        ada.server.garbled = status == 200
        assert reporter.work() == FIRST_WAIT_S
        assert (len(Outbox(node.settings.data).waiting()), ada.server.asked != []) == (1, True)
        ada.server.status, ada.server.garbled = 200, False
        ada.machine.clock.ahead_s += 60
        reporter.work()
        assert [each.count for each in ada.server.reports(AUDIT)] == [2]


def test_a_batch_that_is_never_answered_does_not_link_the_keys_of_two_days(
    ada: Ada, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: dict[str, set[bytes]] = {}
    channel, take = ada.server.channel, ada.server.take
    asking: list[bytes] = []

    def channel_of(path: str, token: str) -> Channel:
        found = channel(path, token)
        asking.append(found.theirs)
        return found

    def taken(path: str, body: bytes) -> bytes | None:
        keys.setdefault(msgspec.json.decode(body)["id"], set()).add(asking[-1])
        return take(path, body)

    monkeypatch.setattr(ada.server, "channel", channel_of)
    monkeypatch.setattr(ada.server, "take", taken)
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS)
        ada.server.status, ada.server.refusal = 503, refusal("intake-full")
        for day in range(3):
            ada.note(node, text=f"day {day}")
            reporter.work()
            ada.machine.clock.ahead_s += 86_400
        ada.server.status = 200
        ada.note(node, text="the last")
        reporter.work()
        assert reporter.held_up == ""
    assert len(keys) > 1
    assert [len(each) for each in keys.values()] == [1] * len(keys), "no batch under two keys"
    assert len(set.union(*keys.values())) > 1, "and another key each day"


def test_with_the_server_away_the_pauses_grow_and_nobody_waits(ada: Ada) -> None:
    ada.machine.settings = msgspec.structs.replace(ada.machine.settings, report_to="http://127.0.0.1:9")
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.HEALTH)
        waits = []
        for _ in range(9):
            waits.append(reporter.work())
            ada.machine.clock.ahead_s += 3600
        assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]


@pytest.mark.services
@pytest.mark.slow
def test_a_running_node_reports_by_itself_and_stops_at_once_while_the_server_hangs(
    ada: Ada, postgres: PostgresServer
) -> None:
    with ada.machine.open() as node:
        ada.consent(node, Purpose.AUDIT_REPORTS, Purpose.HEALTH)
    ada.server.hold.clear()
    with ada.machine.open() as node:
        serving = Serving(node)
        serving.start()
        try:
            serving.note(AuditType.INSTANCE_ACTIVE, "node-started", "node")
            assert ada.server.came.wait(20)
            began = time.monotonic()
            Seat(node, node.personal_space()).do("character.make", name="Wren")
            assert time.monotonic() - began < 5, "nobody waits for the author"
            ada.server.hold.set()
            end = time.monotonic() + 30
            while len(ada.server.taken) < 2 and time.monotonic() < end:
                time.sleep(0.1)
            assert {path.rpartition("/")[2] for path, _ in ada.server.taken.values()} == {"audit", "health"}
        finally:
            ada.server.hold.clear()
            late = serving.stop()
        assert late == []


def test_the_authors_real_server_takes_all_kinds_and_its_receipts_are_kept(tmp_path: Path) -> None:
    site = Site(tmp_path / "author").make()
    trust = site.name(SERVER, tmp_path / "trusted")
    with report_server() as unused, site.serving(key=SERVER) as address:
        ada = Ada(tmp_path, unused)
        ada.machine.settings = msgspec.structs.replace(ada.machine.settings, report_to=address, trust=trust)
        with ada.open() as (node, reporter):
            ada.consent(node, Purpose.AUDIT_REPORTS, Purpose.HEALTH, Purpose.ERROR_REPORTS)
            ada.note(node)
            reporter.failed(shape_of(broken(), __version__, 1))
            assert reporter.work() is not None
            outbox = Outbox(node.settings.data)
            assert outbox.waiting() == []
            sent = outbox.sent()
            outbox.close()
    assert {row["purpose"] for row in sent} == {"audit-reports", "health", "error-reports"}
    for row in sent:
        receipt = parse_receipt(row["count"], row["answer"])
        assert receipt.count == row["count"] <= receipt.size


def test_a_receipt_of_a_log_that_the_author_does_not_list_or_has_closed_ends_nothing(ada: Ada) -> None:
    """A server that lost its disk, or its thief, gives well-formed receipts: the batch waits, and it is said why."""
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS)
        ada.note(node)
        listed = ada.server.receipts_of
        other = key_of("nobody's log").public
        for said in (msgspec.structs.replace(listed, log=other), msgspec.structs.replace(listed, space=other)):
            ada.server.receipts_of = said
            ada.machine.clock.ahead_s += 3600
            assert reporter.work() is not None
            assert "manifest 1 lists no such log" in held_up(node)
        further = LogServer("a further log", kind=LogKind.INTAKE)
        more = signed(issuing.following(ada.server.first.statement, NOW_S, logs=[further.log]), *ROOTS[:2])
        final = {further.log.log: Final(0, some("root"))}
        closed = signed(issuing.revocation(more.statement, further.log.key, final, NOW_S), *ROOTS[:2])
        ada.trust_also(more, closed)
        ada.server.receipts_of = further.log
        ada.machine.clock.ahead_s += 3600
        reporter.work()
        assert "closed at 0 entries" in held_up(node)
        assert len(Outbox(node.settings.data).waiting()) == 1
        ada.server.receipts_of = listed
        ada.machine.clock.ahead_s += 3600
        reporter.work()
        assert (Outbox(node.settings.data).waiting(), held_up(node)) == ([], "")


@pytest.fixture
def waiting(ada: Ada) -> Iterator[tuple[Ada, Node, Reporter]]:
    """One report waits."""
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS)
        ada.note(node)
        yield ada, node, reporter


def held_up(node: Node) -> str:
    found = Outbox(node.settings.data).held_up()
    return found.why if found else ""


def test_a_server_that_the_ledger_does_not_name_gets_no_report(waiting: tuple[Ada, Node, Reporter]) -> None:
    ada, node, reporter = waiting
    ada.server.key = key_of("a thief")
    ada.server.forget()
    assert reporter.work() == FIRST_WAIT_S
    assert (ada.server.asked, len(Outbox(node.settings.data).waiting())) == ([], 1)
    assert (reporter.held_up, "server-not-named" in held_up(node)) == ("report-server-not-proved", True)


def test_a_server_whose_name_has_run_out_gets_no_report_until_it_is_named_again(
    waiting: tuple[Ada, Node, Reporter],
) -> None:
    ada, node, reporter = waiting
    ada.server.name(int(time.time()) - 60)
    reporter.work()
    assert (ada.server.asked, "run out" in held_up(node)) == ([], True)
    ada.server.name()
    ada.machine.clock.ahead_s += 60
    reporter.work()
    assert (len(ada.server.reports(AUDIT)), reporter.held_up, held_up(node)) == (1, "", "")


def test_a_server_of_another_version_or_none_that_greets_gets_no_report(waiting: tuple[Ada, Node, Reporter]) -> None:
    ada, node, reporter = waiting
    for refused, code in ((VersionsApart(mine="1", theirs="2"), "versions-apart"), (None, "not-offered")):
        ada.server.unwilling = refused
        ada.server.greets = False
        assert reporter.work() is not None
        assert ada.server.asked == []
        assert f"handshake-{code}" in held_up(node)
        ada.machine.clock.ahead_s += 3600


def test_somebody_in_between_who_changes_the_greeting_gets_no_report(waiting: tuple[Ada, Node, Reporter]) -> None:
    ada, node, reporter = waiting
    greet = ada.server.greet

    def changed(path: str, body: bytes) -> bytes:
        said = json.loads(greet(path, body))
        return json.dumps(said | {"nonce": b64encode(bytes(32)).decode()}).encode()

    ada.server.greet = changed  # type: ignore[method-assign] # somebody stands in between
    reporter.work()
    assert (ada.server.asked, "handshake-forged" in held_up(node)) == ([], True)


def test_who_got_the_servers_name_and_passes_the_greeting_on_reads_and_answers_nothing(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "author").make()
    trust, passed = site.name(SERVER, tmp_path / "trusted"), []
    with site.serving(key=SERVER) as address, httpx.Client(base_url=address, trust_env=False) as client:

        def between(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes, str]:
            if "handshake" in path:
                answer = client.post(path, content=body)
                return answer.status_code, answer.content, ""
            passed.append((path, body, headers))
            return answers.pop()

        answers = [(200, b'{"made":"up"}', "application/json"), (403, refusal("consent-unknown"), MEDIA)]
        with relay(between) as thief, report_server() as unused:
            ada = Ada(tmp_path, unused)
            ada.machine.settings = msgspec.structs.replace(ada.machine.settings, report_to=thief, trust=trust)
            with ada.open() as (node, reporter):
                ada.consent(node, Purpose.AUDIT_REPORTS)
                ada.note(node)
                for _ in range(2):
                    assert reporter.work() is not None
                    ada.machine.clock.ahead_s += 120
                assert len(Outbox(node.settings.data).waiting()) == 1, "whatever he answers, nothing is lost"
        path, body, headers = passed[0]
        assert len(passed) == 2
        assert not any(word in body for word in (b"permission", b"reports", b"consent"))
        more = {SESSION_HEADER: headers[SESSION_HEADER], "content-type": MEDIA}
        assert client.post("/api/v1/errors", content=body, headers=more).status_code == 400, "nor for another kind"
        assert client.post(path, content=body, headers=more).status_code == 200, "he can but pass it on"


def test_a_session_serves_for_an_hour_and_is_asked_for_anew_when_the_server_forgot_it(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.HEALTH)
        for _ in range(3):
            reporter.work()
            ada.machine.clock.ahead_s += 400
        assert (len(ada.server.taken), len(ada.server.hellos)) == (3, 1)
        ada.server.forget()
        reporter.work()
        assert (len(ada.server.taken), len(ada.server.hellos)) == (4, 2)
        ada.machine.clock.ahead_s += 3600
        reporter.work()
        assert (len(ada.server.taken), len(ada.server.hellos)) == (5, 3)
        assert len({each.reporter for each in ada.server.hellos}) == 1


def test_what_would_open_a_session_that_is_over_is_forgotten_with_the_next_greeting(ada: Ada) -> None:
    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.AUDIT_REPORTS)
        ada.note(node)
        reporter.work()
        post: Any = reporter._post
        assert len(post._sessions) == 1
        ada.machine.clock.ahead_s += 86_400  # Another key by then, so the session of before would lie beside.
        ada.note(node)
        reporter.work()
        assert (len(ada.server.hellos), len(post._sessions)) == (2, 1)
        assert len({each.reporter for each in ada.server.hellos}) == 2


def test_the_key_is_for_reporting_alone_one_a_purpose_and_a_new_one_with_each_consent(ada: Ada) -> None:
    def all_keys() -> set[bytes]:
        return {each.reporter for each in ada.server.hellos}

    with ada.open() as (node, reporter):
        ada.consent(node, Purpose.HEALTH, Purpose.AUDIT_REPORTS)
        ada.note(node)
        reporter.work()
        assert len(all_keys()) == 2, "the server cannot tell that both kinds are of one machine"
        assert all_keys().isdisjoint({node.identity.device, node.identity.transport})
        ada.machine.clock.ahead_s += 86_400
        ada.note(node)
        reporter.work()
        assert len(all_keys()) == 3, "health's stays, the other is another each day"
    with ada.open() as (node, reporter):
        ada.machine.clock.ahead_s += 400
        reporter.work()
        assert len(all_keys()) == 3, "a start changes nothing"
        ada.withdraw(node, Purpose.HEALTH)
        ada.consent(node, Purpose.HEALTH)
        ada.machine.clock.ahead_s += 400
        reporter.work()
        assert len(all_keys()) == 4
        ids = {known[1] for path, _ in ada.server.asked if (known := HEALTH.fullmatch(path))}
        assert len(ids) == 2


def test_files_that_say_whom_to_trust_and_are_damaged_stop_reports_and_nothing_else(
    waiting: tuple[Ada, Node, Reporter],
) -> None:
    ada, node, reporter = waiting
    (ada.folder / "trust" / "ledger-id").write_text("nonsense")
    assert reporter.work() == FIRST_WAIT_S
    assert (ada.server.asked, "trust-unusable" in held_up(node)) == ([], True)


def test_a_running_node_says_what_keeps_reports_and_is_well(ada: Ada) -> None:
    ada.server.greets = False
    with ada.machine.open() as node:
        ada.consent(node, Purpose.AUDIT_REPORTS)
        ada.note(node)
        serving, line = Serving(node), Report(REPORTS, Health.RUNNING, 0, 0.0, "")
        assert serving._line(line).detail == "running"
        serving._reporter.work()
        said = serving._line(line)
        assert (said.ok, said.detail) == (True, "running (what waits is not sent: report-server-not-proved)")
        ada.server.greets = True
        ada.machine.clock.ahead_s += 60
        serving._reporter.work()
        assert (serving._line(line).detail, len(ada.server.reports(AUDIT))) == ("running", 1)
        serving._reporter._outbox.close()
