"""Every type of audit event that has a cause, raised by that cause. Tests are named after the types they raise."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from scmanager import __version__
from scmanager.adapters.audit_spool import AuditSpool
from scmanager.adapters.outbox import Outbox
from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.application.audit_foreign import note_void
from scmanager.application.sequencing import Reports
from scmanager.auditing import audited, watched
from scmanager.author import ledger as own_ledger
from scmanager.cli.author_vault import noting
from scmanager.config import Settings
from scmanager.domain.audit_event import AuditDetail, payload_hash
from scmanager.domain.audit_types import KINDS, AuditType, Severity
from scmanager.domain.consent_texts import Purpose, current
from scmanager.domain.intake import RISING_REPORTS, ErrorCounted, Frame
from scmanager.domain.ledger import AuditStatus, Plugin, Update
from scmanager.domain.records import Reason
from scmanager.errors import Untrusted
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import StoreDamaged
from scmanager.exchanging import Exchange
from scmanager.master_ledger import submission
from scmanager.master_ledger.reports import ERRORS, parse_batch
from scmanager.runtime import Node
from scmanager.serving import Serving
from tests.cli.conftest import Scm
from tests.cli.conftest import scm as scm
from tests.cli.test_log import flip
from tests.end_to_end.test_doubt import forked
from tests.end_to_end.test_hostile_events import enveloped, slip_in
from tests.support.audit_list import Listed, codes, listed
from tests.support.author import Author
from tests.support.intake import CONSENT, Site
from tests.support.ledger import NOW_S, plugin, update
from tests.support.machines import Machine, found, let_in, officer_role
from tests.support.processes import NodeProcess

PATIENCE_S = 30.0


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, "ada")
    with machine.open() as node:
        node.personal_space()
    return machine


@contextlib.contextmanager
def served(machine: Machine) -> Iterator[Serving]:
    with machine.open() as node:
        serving = Serving(node)
        serving.start()
        try:
            yield serving
        finally:
            assert serving.stop() == []


def wait_for(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not seen() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert seen()


def own_files(folder: Path) -> Settings:
    return Settings(folder / "a", folder / "a.state", port=0)


def test_bug_reported_when_installations_report_one_shape_of_errors_more_often_than_before(
    ada: Machine, tmp_path: Path
) -> None:
    site = Site(tmp_path / "site").make()
    error = ErrorCounted(CONSENT, "StoreBusy", (Frame("scmanager.runtime", "open_node"),), "0.1.0", 1, 2, 4)

    with site.taking(noting(ada.settings.data)) as taking:
        for number in range(RISING_REPORTS - 1):
            taking.sequencer.submit(Reports(number.to_bytes(16, "big"), (error,))).result(20)
        time.sleep(1.5)
        assert not AuditSpool(ada.settings.data).waiting()
        taking.sequencer.submit(Reports(b"t" * 16, (error,))).result(20)
        wait_for(lambda: bool(AuditSpool(ada.settings.data).waiting()))
    with ada.open() as node, audited(node):
        pass
    with ada.open() as node:
        assert codes(node, AuditType.BUG_REPORTED) == ["bug-opened"]


class Entering:
    """An author whose ledger is begun, and who has a space of his own; what he enters, and what was noted of it."""

    def __init__(self, scm: Scm, folder: Path) -> None:
        self.author = Author(scm, folder)
        self.ledger = self.author.begin(self.author.serve())
        assert self.author.append("keys")[0].code == 0
        assert scm("character", "make", "Vesper", at="server").code == 0

    def enter(self, statement: Update | Plugin, *signers: SigningKey) -> Any:
        made = submission.make(statement, signers or [self.author.key("release")])
        (self.author / "said").write_bytes(submission.encode([made]))
        return self.author.append("said")[0]

    def plugin(self, status: AuditStatus, **changed: Any) -> Any:
        return self.enter(plugin(bytes.fromhex(self.ledger), audit_status=status, **changed))

    def noted(self, type_: AuditType | None = None) -> list[tuple[AuditType, str, int, str]]:
        with Node(Settings(self.author / "server", self.author / "server.state", port=0)) as node:
            found = listed(node, type_)
        ledger = [each for each in found if each.series.code in {"update-entered", "plugin-entered"}]
        return [(one.series.type, detail.source, one.series.count, detail.text) for one, detail in _told(ledger)]


def _told(found: list[Listed]) -> Iterator[tuple[Listed, AuditDetail]]:
    for each in found:
        assert each.detail is not None
        yield each, each.detail


@pytest.fixture
def entering(scm: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entering:
    monkeypatch.delenv("SCM_PASSPHRASE", raising=False)
    return Entering(scm, tmp_path)


def test_update_signed_when_the_author_enters_one_and_once_however_often_he_does(entering: Entering) -> None:
    said = update(bytes.fromhex(entering.ledger))
    thief = entering.author.key("root-0")
    assert entering.enter(said, thief).error == "signatures-missing"
    assert entering.noted() == [], "what is refused was not entered"
    for _ in range(2):
        assert entering.enter(said).code == 0
    text = f"update 1.1.0 (stable): {said.content_hash}"
    assert entering.noted() == [(AuditType.UPDATE_SIGNED, "ledger entry 2", 1, text)]


def test_update_signed_is_told_by_who_enters_it_again_when_nobody_came_to_tell_it(entering: Entering) -> None:
    said = submission.make(update(bytes.fromhex(entering.ledger)), [entering.author.key("release")])
    file = submission.encode([said])
    with Node(Settings(entering.author / "server", entering.author / "server.state", port=0)) as node:
        own_ledger.append(node, file)  # Killed here.
    assert entering.noted() == []
    (entering.author / "again").write_bytes(file)
    assert entering.author.append("again")[0].code == 0
    assert [each[1] for each in entering.noted(AuditType.UPDATE_SIGNED)] == ["ledger entry 2"]


def test_plugin_registered_when_one_is_entered_that_waits_to_be_judged(entering: Entering) -> None:
    assert entering.plugin(AuditStatus.PENDING).code == 0
    ((type_, source, count, text),) = entering.noted()
    assert (type_, source, count) == (AuditType.PLUGIN_REGISTERED, "ledger entry 2", 1)
    assert text.startswith("plugin org.example.mining 0.3.0 (pending): bafkrei")


def test_plugin_approved_when_one_is_entered_that_may_run(entering: Entering) -> None:
    for n, status in enumerate((AuditStatus.PENDING, AuditStatus.PASS)):
        assert entering.plugin(status, updated_at=NOW_S + n).code == 0
    assert [each[1] for each in entering.noted(AuditType.PLUGIN_APPROVED)] == ["ledger entry 3"]
    assert len(entering.noted()) == 2


def test_plugin_blocked_when_one_is_entered_that_may_not_run_and_of_a_deprecated_one_nothing(
    entering: Entering,
) -> None:
    for n, status in enumerate((AuditStatus.BLOCKED, AuditStatus.DEPRECATED)):
        assert entering.plugin(status, updated_at=NOW_S + n).code == 0
    ((type_, source, *_),) = entering.noted()
    assert (type_, source) == (AuditType.PLUGIN_BLOCKED, "ledger entry 2")


def test_instance_registered_waits_until_its_owner_has_a_space_and_is_told_once(scm: Scm, tmp_path: Path) -> None:
    assert scm("init").code == 0
    assert [each.type for each in AuditSpool(tmp_path / "a").waiting()] == [AuditType.INSTANCE_REGISTERED]
    assert scm("character", "make", "Vesper").code == 0
    assert scm("character", "list", "--personal").code == 0
    with Node(own_files(tmp_path)) as node:
        assert codes(node) == ["instance-made"]
    assert AuditSpool(tmp_path / "a").waiting() == []


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_instance_active_is_told_by_a_node_that_serves_and_outlives_a_kill(
    postgres: PostgresServer, ada: Machine, tmp_path: Path
) -> None:
    for _ in range(2):
        with NodeProcess(tmp_path / "ada") as process:
            wait_for(lambda: process.ask("audit")["codes"] == ["node-started"])
            process.kill()
    with ada.open() as node:
        (one,) = listed(node)
        assert (one.series.type, one.series.severity) == (AuditType.INSTANCE_ACTIVE, Severity.INFO)
        assert (one.series.version, one.series.region) == (__version__, None)


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_instance_inactive_is_told_by_a_node_that_stops_with_the_region_its_owner_named(
    postgres: PostgresServer, ada: Machine, tmp_path: Path
) -> None:
    for _ in range(2):
        with NodeProcess(tmp_path / "ada", env=os.environ | {"SCM_REGION": "NZ"}) as process:
            process.ask("health")
    with ada.open() as node:
        both = [each.series for each in listed(node)]
        assert [(each.type, each.count, each.region) for each in both] == [
            (AuditType.INSTANCE_ACTIVE, 2, "NZ"),
            (AuditType.INSTANCE_INACTIVE, 2, "NZ"),
        ]


@pytest.mark.services
def test_permission_violation_by_requests_without_token_for_foreign_hosts_and_from_foreign_pages(
    postgres: PostgresServer, ada: Machine
) -> None:
    with served(ada) as serving:
        url = f"{serving.address}/graphql"
        right = {"authorization": f"Bearer {serving.token}"}
        asked = {"query": "{ node { version } }"}
        with httpx.Client(trust_env=False) as client:
            assert client.post(url, json=asked, headers=right).status_code == 200
            for _ in range(50):
                assert client.post(url, json=asked, headers={"authorization": "Bearer guessed"}).status_code == 401
            for name in ("evil.example", "evil2.example"):
                assert client.post(url, json=asked, headers=right | {"host": f"{name}:80"}).status_code == 421
            page = right | {"origin": "https://evil.example"}
            assert client.post(url, json=asked, headers=page).status_code == 403
        wait_for(lambda: len(codes(serving.node)) == 4)
    with ada.open() as node:
        found = listed(node, AuditType.PERMISSION_VIOLATION)
        counts = {(each.series.code, each.detail.source if each.detail else ""): each.series.count for each in found}
        assert counts == {
            ("token-wrong", "127.0.0.1"): 50,
            ("host-foreign", "evil.example:80"): 1,
            ("host-foreign", "evil2.example:80"): 1,
            ("origin-foreign", "https://evil.example"): 1,
        }
        for each in found:
            assert each.detail is not None
            assert each.series.payload == payload_hash(each.detail.salt, each.detail.text)
            assert each.series.severity is Severity.WARNING
            assert "guessed" not in each.detail.text


@pytest.mark.services
def test_permission_violation_by_a_websocket_that_shows_another_token(postgres: PostgresServer, ada: Machine) -> None:
    with served(ada) as serving:
        protocol = Subprotocol("graphql-transport-ws")
        address = f"ws://127.0.0.1:{serving.port}/graphql"
        with connect(address, subprotocols=[protocol], proxy=None) as socket, contextlib.suppress(ConnectionClosed):
            socket.send(json.dumps({"type": "connection_init", "payload": {"token": "guessed"}}))
            socket.recv(10)
        wait_for(lambda: codes(serving.node) == ["token-wrong"])


def test_permission_violation_by_what_somebody_else_signs_without_the_right(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as host, Machine(tmp_path, "bob").open() as guest:
        space = found(host)
        let_in(host, guest, space, officer_role(host, space), tmp_path)
        bad = slip_in(guest, space, enveloped(guest, space, "organisation.renamed/1", b'{"title":"Mine"}'))
        slip_in(guest, space, enveloped(guest, space, "organisation.renamed/1", b'{"title":"Mine"}'))
        guest.export_space(space, tmp_path / "from-bob.scm")
        with audited(host) as note:
            for _ in range(2):  # What was judged before is not told again.
                Exchange(host, note).import_space(tmp_path / "from-bob.scm")
        assert host.shelf.space(space).verdict(bad).reason is Reason.NO_RIGHT
        (one,) = listed(host, AuditType.PERMISSION_VIOLATION)
        assert (one.series.code, one.series.count) == ("no-right", 2)
        assert one.detail is not None
        opened = guest.shelf.space(space).opened(bad)
        assert opened is not None
        assert opened.entry.log.hex() in one.detail.text
        grant = next(each.grant for each in host.shelf.space(space).grants() if opened.entry.log in each.levels)
        assert one.detail.source == f"member {grant.member.hex()}"
        heard: list[tuple[object, ...]] = []
        for node in (host, guest):  # What one signed oneself is no violation by others.
            note_void(lambda *said: heard.append(said), node.shelf, node.vault, space, 0)
        assert [said[:2] for said in heard] == [(AuditType.PERMISSION_VIOLATION, "no-right")] * 2


def test_p2p_mismatch_by_a_space_file_whose_entries_were_forged(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as host, Machine(tmp_path, "bob").open() as guest:
        space = found(host)
        let_in(host, guest, space, officer_role(host, space), tmp_path)
        guest.do("member.record", space, {"handle": "somebody"})
        path = tmp_path / "forged.scm"
        guest.export_space(space, path)
        lines = path.read_bytes().splitlines(keepends=True)
        at = next(number for number, line in enumerate(lines) if line.startswith(b'{"root"') or b'"root"' in line)
        note_line = json.loads(lines[at])
        note_line["root"] = "A" * 43 + "="
        lines[at] = json.dumps(note_line, separators=(",", ":")).encode() + b"\n"
        path.write_bytes(b"".join(lines))
        before = host.store.last_pos()
        with audited(host) as note:
            for _ in range(3):
                with pytest.raises(Untrusted):
                    Exchange(host, note).import_space(path)
        (one,) = listed(host, AuditType.P2P_MISMATCH)
        assert (one.series.count, one.series.severity) == (3, Severity.WARNING)
        assert one.detail is not None
        assert one.detail.source == space.hex()
        assert host.store.last_pos() == before + 1


def test_p2p_mismatch_by_a_file_that_is_no_space_file_and_by_a_malformed_event(ada: Machine, tmp_path: Path) -> None:
    (tmp_path / "junk.scm").write_bytes(b"\x00\xff not a space")
    with ada.open() as host, Machine(tmp_path, "bob").open() as guest:
        space = found(host)
        let_in(host, guest, space, officer_role(host, space), tmp_path)
        slip_in(guest, space, enveloped(guest, space, "organisation.renamed/1", b'{"n":1.5}'))
        guest.export_space(space, tmp_path / "from-bob.scm")
        with audited(host) as note:
            with pytest.raises(Untrusted):
                Exchange(host, note).import_space(tmp_path / "junk.scm")
            Exchange(host, note).import_space(tmp_path / "from-bob.scm")
        assert sorted(codes(host, AuditType.P2P_MISMATCH)) == ["malformed", "space-file-damaged"]


def test_integrity_failure_by_a_log_that_verify_finds_tampered_with(scm: Scm, tmp_path: Path) -> None:
    assert scm("init").code == 0
    assert scm("character", "make", "Vesper").code == 0
    events, kept = tmp_path / "a" / "events.db", tmp_path / "kept.db"
    shutil.copy(events, kept)
    flip(events, 1)
    for _ in range(2):
        assert scm("log", "verify").code == 1
    assert events.read_bytes() != kept.read_bytes()
    shutil.copy(kept, events)  # The owner puts the backup back.
    assert scm("character", "list", "--personal").code == 0
    with Node(own_files(tmp_path)) as node:
        (one,) = listed(node, AuditType.INTEGRITY_FAILURE)
        assert (one.series.code, one.series.severity, one.series.count) == ("entry-changed", Severity.CRITICAL, 2)
        assert one.detail is not None
        assert "entry 1" in one.detail.text


_AS_NOBODY = """
import os, sys
from pathlib import Path
from scmanager.auditing import leave_findings
from scmanager.eventstore.audit_chunk import Finding
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
leave_findings(Path(sys.argv[1]), (Finding(b"l" * 32, 1, "entry-changed", "it is not the entry that was signed"),))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
@pytest.mark.parametrize("writable", [True, False])
def test_beside_a_store_that_is_there_for_reading_only_nothing_is_left(writable: bool) -> None:
    with tempfile.TemporaryDirectory() as made:  # Not below a folder that only its owner may enter.
        folder = Path(made)
        (folder / "events.db").touch()
        folder.chmod(0o777)
        (folder / "events.db").chmod(0o666 if writable else 0o444)
        subprocess.run([sys.executable, "-c", _AS_NOBODY, folder], check=True)
        assert len(AuditSpool(folder).waiting()) == writable


def test_integrity_failure_by_a_store_that_cannot_be_opened_is_told_when_it_can_be(ada: Machine) -> None:
    events = ada.settings.data / "events.db"
    whole = events.read_bytes()
    database = sqlite3.connect(events)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    events.write_bytes(events.read_bytes()[:-5000])
    with pytest.raises(StoreDamaged), watched(ada.settings.data):
        ada.open()
    events.write_bytes(whole)
    with ada.open() as node:
        with audited(node):
            assert codes(node, AuditType.INTEGRITY_FAILURE) == ["store-damaged"]
        assert len(listed(node)) == 1


def test_integrity_failure_by_guards_of_the_store_that_somebody_dropped_is_told_once(ada: Machine) -> None:
    with contextlib.closing(sqlite3.connect(ada.settings.data / "events.db")) as database:
        database.executescript("DROP TRIGGER entry_same; DROP TRIGGER part_grows;")
    for _ in range(2):
        with ada.open() as node:
            with audited(node):
                pass
            (one,) = listed(node, AuditType.INTEGRITY_FAILURE)
            assert (one.series.code, one.series.count) == ("guard-missing", 1)
            assert one.detail is not None
            assert "trigger entry_same of entry, trigger part_grows of part" in one.detail.text


def test_integrity_failure_by_a_log_that_signed_two_histories_is_told_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "ada")
    space, first = forked(machine, tmp_path)
    with machine.open() as node:
        node.personal_space()
        node.do("organisation.rename", space, {"title": "Second history"})
        with audited(node) as note:
            Exchange(node, note).import_space(first)
        assert codes(node) == ["fork-seen"]
    for _ in range(2):
        with machine.open() as node, audited(node):
            pass
    with machine.open() as node:
        (one,) = listed(node)
        assert one.series.count == 1
        assert one.detail is not None
        assert one.detail.source == f"member {space[:16].hex()}"
        assert node.forks(space)[0].log.hex() in one.detail.text


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_error_reported_by_an_actor_that_fails(postgres: PostgresServer, ada: Machine) -> None:
    with served(ada) as serving:
        pid = serving.database_pid
        assert pid is not None
        psutil.Process(pid).kill()
        wait_for(lambda: "database-away" in codes(serving.node))
        one = next(each for each in listed(serving.node) if each.series.code == "database-away")
        assert one.series.type is AuditType.ERROR_REPORTED
        assert one.detail is not None
        assert (one.detail.source, one.detail.text) == ("database", "database failed: DatabaseAway")
        wait_for(lambda: serving.database_pid not in {None, pid})


def test_every_type_with_a_cause_has_a_test_here_and_no_other_has() -> None:
    names = [name for name in globals() if name.startswith("test_")]
    raised = {
        type_ for type_ in AuditType if any(name.startswith(f"test_{type_.replace('-', '_')}") for name in names)
    }
    assert raised == {type_ for type_, kind in KINDS.items() if not kind.needs}


class Used:
    """What a node noted of its use: what is listed, codes by type; and the errors that it would report."""

    def __init__(self) -> None:
        self.listed: list[Listed] = []
        self.codes: dict[AuditType, list[str]] = {}
        self.errors: list[bytes] = []


def break_fleets(serving: Serving, client: httpx.Client, ask: Any) -> None:
    """A read model that lost a column: what asks for it fails inside, twice, and the client hears nothing of it."""
    with psycopg.connect(serving.conninfo(), autocommit=True) as database:
        database.execute("alter table scm_read.fleet rename column title to gone")
        for _ in range(2):
            said = client.post(f"{serving.address}/graphql", **ask).json()["errors"][0]
            assert (said["extensions"]["code"], "gone" in str(said)) == ("internal", False)
        database.execute("alter table scm_read.fleet rename column gone to title")


@pytest.fixture(scope="module")
def used(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Used:
    """A query, a command and a fault, without consent to statistics and with it."""
    machine, seen = Machine(tmp_path_factory.mktemp("used"), "ada"), Used()
    machine.settings = msgspec.structs.replace(machine.settings, report_to="http://127.0.0.1:9")
    with machine.open() as node:
        found(node)
        own = node.personal_space()
    with served(machine) as serving:
        ask = {
            "json": {"query": "{ fleets { totalCount } }"},
            "headers": {"authorization": f"Bearer {serving.token}"},
        }
        command = f'mutation {{ characterMake(space: "{own.hex()}", name: "Vesper") {{ pos }} }}'
        with httpx.Client(trust_env=False, timeout=30) as client:
            url = f"{serving.address}/graphql"
            assert "errors" not in client.post(url, **ask).json()
            serving._usage.work()
            assert {each.series.type for each in listed(serving.node)} <= {AuditType.INSTANCE_ACTIVE}
            for each in (Purpose.STATISTICS, Purpose.ERROR_REPORTS):
                serving.node.do("privacy.consent", own, {"purpose": each, "version": current(each)})
            wait_for(lambda: serving._usage.on)
            assert "errors" not in client.post(url, **ask).json()
            assert "errors" in client.post(url, **ask | {"json": {"query": '{ fleet(id: "x") { id } }'}}).json()
            assert "errors" not in client.post(url, **ask | {"json": {"query": command}}).json()
            wait_for(lambda: AuditType.ACTION_PERFORMED in {each.series.type for each in listed(serving.node)})
            break_fleets(serving, client, ask | {"json": {"query": "{ fleets { nodes { title } } }"}})
            outbox = Outbox(machine.settings.data)
            wait_for(lambda: any(each.kind == ERRORS.name for each in outbox.waiting()))
            seen.errors = [each.body for each in outbox.waiting() if each.kind == ERRORS.name]
            outbox.close()
    with machine.open() as node:
        with audited(node):
            pass
        seen.listed = listed(node)
    for one in seen.listed:
        seen.codes.setdefault(one.series.type, []).append(one.series.code)
    return seen


@pytest.mark.services
def test_error_reported_by_a_request_that_fails_inside_and_by_its_shape_to_the_author(used: Used) -> None:
    one = next(each for each in used.listed if each.series.type is AuditType.ERROR_REPORTED)
    assert (one.series.code, one.series.count) == ("UndefinedColumn", 2)
    assert one.detail is not None
    assert (one.detail.source, one.detail.text) == ("request", "request failed: UndefinedColumn")
    (body,) = used.errors
    (report,) = parse_batch(ERRORS, body.replace(b'"id":""', b'"id":"AAAAAAAAAAAAAAAAAAAAAA=="')).reports
    assert (report.error, report.count) == ("UndefinedColumn", 2)
    assert (report.frames[-1].module, report.frames[-1].function) == ("scmanager.api.pool", "_ask")
    assert not any(word in body for word in (b"fleets", b"gone", b"select"))


@pytest.mark.services
def test_feature_used_by_a_query_that_was_answered(used: Used) -> None:
    assert used.codes[AuditType.FEATURE_USED] == ["fleets"]


@pytest.mark.services
def test_action_performed_by_a_command_that_was_carried_out(used: Used) -> None:
    assert used.codes[AuditType.ACTION_PERFORMED] == ["characters"]


@pytest.mark.services
def test_session_started_by_the_first_request_after_the_consent(used: Used) -> None:
    assert used.codes[AuditType.SESSION_STARTED] == ["session-started"]


@pytest.mark.services
def test_session_ended_by_a_node_that_stops(used: Used) -> None:
    assert used.codes[AuditType.SESSION_ENDED] == ["session-ended"]
