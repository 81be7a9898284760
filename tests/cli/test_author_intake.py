"""The author's server from its terminal: begun, listed, loaded, looked at, and closed by the keepers."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from scmanager.adapters.outbox import Outbox
from scmanager.application.run_clock import RunClock
from scmanager.cli import author_intake
from scmanager.domain.consent_texts import Purpose
from scmanager.master_ledger.reports import parse_receipt
from scmanager.reporting import reporter_of
from scmanager.runtime import Node
from tests.support.author import Author
from tests.support.intake import Site, audit_batch
from tests.support.ledger import policy_text
from tests.support.machines import Machine

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@contextlib.contextmanager
def serving(author: Author, ledger: str, *options: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """`scm author serve` in a process of its own, over the published folder."""
    trust = author / "trust"
    trust.mkdir(exist_ok=True)
    (trust / "ledger-id").write_text(ledger)
    (trust / "author-keys.jsonl").write_bytes((author / "keys").read_bytes())
    (trust / "witnesses.policy").write_text(policy_text())
    environment = os.environ | {"SCM_STATE": str(author / "server.state"), "SCM_TRUST": str(trust)}
    command = [sys.executable, "-m", "scmanager", "--data", str(author / "server")]
    with subprocess.Popen(
        [*command, "author", "serve", str(author / "public"), "--port", "0", "--unwitnessed", *options],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://[0-9.:]+", said)
            assert found, (said, process.communicate(timeout=20))
            with httpx.Client(base_url=found.group(), trust_env=False, timeout=30) as client:
                yield client, process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(30)


def trust(author: Author) -> tuple[object, ...]:
    return "--policy", author / "policy"


def roots(author: Author) -> list[str]:
    return [word for n in range(3) for word in ("--root", author.public[f"root-{n}"])]


def published(author: Author) -> None:
    assert author.scm("author", "publish", author / "public", at="server").code == 0


def listed(author: Author, line: str) -> None:
    """The keepers list the log in the next manifest, and it is published."""
    made = author.scm(
        "author", "manifest", "--after", author / "keys", "--intake", line, "--key", author / "root-0",
        "--key", author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert author.append("keys-2")[0].code == 0
    published(author)


@POSIX
@pytest.mark.slow
def test_a_clock_that_went_ahead_is_told_once_and_when_it_is_right_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site, clock = Site(tmp_path).make(), [0]
    with site.open() as intake:
        intake.clock, delegation = RunClock(lambda: clock[0], lambda: 0.0), site.check(intake)
        told = author_intake._taken(delegation, intake, None)
        for now in (0, 30, 30, 0):
            clock[0] = now * 3_600 * 10**6
            told = author_intake._taken(delegation, intake, told)
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith("The clock of this server went 30 hours") for line in said] == [False, True, False]
    assert (said[0], said[2]) == ("Reports are taken.", "Reports are taken.")


def test_reports_are_taken_once_the_keepers_have_listed_the_log(author: Author, monkeypatch: Any) -> None:
    monkeypatch.undo()  # This one needs the network of this machine.
    monkeypatch.setenv("COLUMNS", "160")
    ledger = author.begin(author.serve())
    assert author.append("keys")[0].code == 0
    published(author)
    assert author.scm("author", "intake-log", at="server").error == "intake-missing"
    begun = author.scm("author", "intake-init", *roots(author), "--json", at="server")
    assert begun.code == 0, begun.err
    line = begun.json["log"]
    assert author.scm("author", "intake-log", "--json", at="server").json == {"log": line, "size": 1}
    assert author.scm("author", "intake-init", *roots(author), at="server").error == "intake-there"
    refused = author.scm(
        "author", "serve", author / "public", "--port", "0", "--ledger", ledger, "--policy", author / "policy",
        at="server",
    )  # fmt: skip
    assert refused.error == "no-witness-address", "its heads would wait for ever"
    body = audit_batch(3)
    with serving(author, ledger) as (client, process):
        refused = client.post("/api/v1/audit", json=body)
        assert refused.status_code == 503
        assert refused.json()["errors"][0]["extensions"]["code"] == "not-delegated"
        listed(author, line)  # While the server runs: the node's folder is not the server's.
        end = time.monotonic() + 20
        while (answer := client.post("/api/v1/audit", json=body)).status_code != 200:
            assert time.monotonic() < end, answer.text
            time.sleep(0.2)
        assert answer.json()["first"] == 1
        told = author.scm("author", "intake-log", at="server")
        assert (told.error, "--published DIR" in told.err, "data folder of its own" in told.err) == (
            "intake-served", True, False
        )  # fmt: skip
        assert author.scm("author", "intake-init", *roots(author), at="server").error == "folder-in-use"
        time.sleep(1.5)
        head = client.get("/intake/checkpoint").text
        assert head.splitlines()[1] == "4"
        assert client.get("/checkpoint").status_code == 200
        public = author.scm("author", "intake-log", "--published", author / "public", *trust(author), at="server")
        assert (public.code, "public  4" in public.out) == (0, True), "beside the running server"
        assert line in public.out
        assert "4 entries, and no quorum has cosigned that" in public.err
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=30)[1]
        assert "Reports are not taken here: key manifest 1 does not list this log." in said
        assert said.index("Reports are not taken here") < said.index("Reports are taken.")
    assert author.scm("author", "intake-log", "--json", at="server").json["size"] == 4
    looked = author.scm("author", "vault", at="server")
    assert (looked.code, "Nothing was reported" in looked.err) == (0, True)
    made = author.scm("author", "keygen", "server", "--plain", "-o", author / "server.key", "--json")
    assert made.code == 0, made.err
    with serving(author, ledger, "--key", str(author / "server.key")) as (client, _):
        assert client.post("/api/v1/audit", json=body).json() == answer.json(), "the first receipt"
        greeted = client.post("/api/v1/handshake", content=b"noise")
        assert greeted.json()["errors"][0]["extensions"]["code"] == "bad-handshake"
    reports_of_a_node(author, ledger, made.json["public"])


def reports_of_a_node(author: Author, ledger: str, server: str) -> None:
    """What a node reports to it waits until the server is named, and gets there then."""
    machine = Machine(author / "home", "ada")
    trust = author / "trust-of-ada"
    trust.mkdir()
    (trust / "ledger-id").write_text(ledger)
    (trust / "author-keys.jsonl").write_bytes((author / "keys").read_bytes())
    (trust / "witnesses.policy").write_text("quorum none\n")

    def worked(node: Node, address: str) -> list[dict[str, Any]]:
        machine.settings = replace(machine.settings, report_to=address, trust=trust)
        node.settings = machine.settings
        reporter = reporter_of(node, lambda: (7, 0))
        reporter.work()
        outbox = Outbox(machine.settings.data)
        sent = outbox.sent()
        outbox.close()
        reporter._outbox.close()
        return sent

    with machine.open() as node:
        node.do("privacy.consent", node.personal_space(), {"purpose": Purpose.HEALTH, "version": 2})
        with serving(author, ledger, "--key", str(author / "server.key")) as (client, _):
            assert worked(node, str(client.base_url)) == [], "no entry names it yet"
        named = author.scm("author", "name-server", server, at="server")
        assert named.code == 0, named.err
        published(author)
        with serving(author, ledger, "--key", str(author / "server.key")) as (client, _):
            sent = worked(node, str(client.base_url))
    assert [parse_receipt(1, each["answer"]).first for each in sent] == [4, 5], "that which waited first"


def test_a_folder_without_an_identity_takes_no_log(author: Author) -> None:
    assert author.scm("author", "intake-init", *roots(author), at="nowhere").error == "no-data-folder"


def test_the_vault_shows_what_came(author: Author) -> None:
    from scmanager.adapters.vault_book import VaultBook
    from scmanager.application.vault import Bug, Shape, Terms
    from scmanager.domain.intake import Frame

    assert author.scm("init", at="server").code == 0
    folder: Path = author / "server" / "intake"
    folder.mkdir()
    book = VaultBook(folder)
    frames = (Frame("scmanager.runtime", "open_node"),)
    book.enter([Shape(b"f" * 32, "StoreBusy", frames, "0.1.0", 20_000, 4)] * 3, 3)
    book.enter([Bug(b"f" * 32, "0.1.0", 1_728_000_000)], 4)
    book.enter([Terms(b"e" * 64, b"l" * 32, 5, 9, "0.1.0", "DE", 1, b"p" * 32, 20_000)], 5)
    book.close()
    said = author.scm("author", "vault", at="server")
    assert "StoreBusy in 0.1.0: 3 reports, 12 times; bug since 2024-10-04 00:00 UTC" in said.out
    assert "    scmanager.runtime.open_node" in said.out
    assert "Breaches of terms: 1" in said.out
    told = author.scm("author", "vault", "--json", at="server").json
    assert (told["errors"][0]["reports"], told["terms"][0]["index"]) == (3, 5)
