"""With a node running, commands go through its API; with a stale node file, the folder is opened directly."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from scmanager.cli.client import Client, RunningNode, camel, field_name, running_node, wire
from scmanager.domain.ship_events import Readiness
from tests.cli.conftest import Scm, served


@contextlib.contextmanager
def hearing() -> Iterator[None]:
    """Who is started inside hears that its terminal closes, though these tests may run where nobody does (nohup)."""
    if sys.platform == "win32":
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.fixture
def up(nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """`scm up` on the folder of NOVA, told where to report to, as the terminals beside it are not."""
    with contextlib.ExitStack() as running:
        monkeypatch.setenv("SCM_REPORT_TO", "http://127.0.0.1:1")
        with hearing():
            process = running.enter_context(served(tmp_path, "a", measured=True))
        monkeypatch.delenv("SCM_REPORT_TO")
        yield process


@pytest.mark.services
def test_a_running_node_is_used_for_everything_it_can_do(
    nova: Scm, up: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert (tmp_path / "a" / "node.json").stat().st_mode & 0o077 == 0
    command = "00112233445566778899aabbccddeeff"
    first = nova("member", "record", "Ayla", "--command-id", command, "--json")
    assert first.code == 0, first.err
    assert nova("member", "record", "Ayla", "--command-id", command, "--json").json == first.json
    assert [each["handle"] for each in nova("member", "list", "--json").json] == ["Vesper", "Ayla"]
    refused = nova("member", "remove", "Vesper", "mistake")
    assert (refused.code, refused.error) == (1, "member-rank-too-high")
    assert nova("organisation", "found", "Tallow", "--handle", "V", "--sid", "TALLOW").code == 0
    assert nova("member", "invite", "-o", tmp_path / "invitation", "--org", "NOVA").code == 0
    told = nova("query", "{ organisations { nodes { sid } } }")
    assert {each["sid"] for each in msgspec.json.decode(told.out)["organisations"]["nodes"]} == {"NOVA", "TALLOW"}
    assert nova("projections", "status", "--json").json["projectedPos"] > 0
    rebuilt = nova("projections", "rebuild", "--json")
    assert rebuilt.code == 0, rebuilt.err
    assert rebuilt.json["differing"] == []
    assert nova("space", "import", tmp_path / "invitation").error == "file-of-another-kind"
    assert nova("space", "import", tmp_path / "nowhere").error == "file-unreadable"
    assert "It runs already" in nova("up").out
    assert nova("log", "verify", "--deep").code == 0
    file = "scmanager/cli/data/hangars/TocToc.json"
    assert nova("import", file, "--yes", "--org", "NOVA", "--json").json["added"] == 2
    assert len(nova("ship", "list", "--org", "NOVA", "--json").json) == 2
    told = nova("privacy", "consent", "health", "--yes")
    assert (told.code, "SCM_REPORT_TO" in told.err) == (0, False), "it goes by what the node was told"
    assert "SCM_REPORT_TO" not in nova("privacy", "waiting").err
    up.send_signal(signal.SIGTERM)
    assert up.wait(60) == 0
    assert not (tmp_path / "a" / "node.json").exists()
    assert nova("member", "record", "Afterwards", "--org", "NOVA").code == 0
    assert "No node runs here" in nova("privacy", "waiting").err


@pytest.mark.services
def test_words_are_erased_by_the_node_that_runs(nova: Scm, up: subprocess.Popen[str]) -> None:
    told = nova("erase", "Vesper", "--at-once", "--yes")
    assert (told.code, told.error) == (0, ""), told.err
    assert "The node destroys the keys now." in told.err
    assert nova("member", "list", "--json").json[0]["handle"] == ""
    assert nova("member", "record", "Ayla").code == 0
    told = nova("erase", "Ayla", "--yes")
    assert told.code == 0, told.err
    assert "the keys go when the days of grace are over" in told.err


@pytest.mark.services
def test_a_query_starts_a_node_for_the_moment_when_none_runs(nova: Scm, tmp_path: Path) -> None:
    told = nova("query", "{ organisations { nodes { title } } }")
    assert told.code == 0, told.err
    assert "Nova Halcyon" in told.out
    assert not (tmp_path / "a" / "node.json").exists()
    assert nova("query", "{ nonsense }").code == 1
    assert nova("query", "{ node { version } }", "--variables", "[").error == "query-variables-unusable"
    rebuilt = nova("projections", "rebuild", "--json")
    assert rebuilt.code == 0, rebuilt.err
    assert rebuilt.json["differing"] == []


@pytest.mark.services
@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells nobody that a terminal closes")
def test_a_terminal_that_closes_stops_the_node_and_its_database(
    nova: Scm, up: subprocess.Popen[str], tmp_path: Path
) -> None:
    databases = [each for each in psutil.Process(up.pid).children() if each.name().startswith("postgres")]
    assert databases
    assert up.stdout
    assert up.stderr
    up.stdout.close()  # Nobody reads any more what it says.
    up.stderr.close()
    up.send_signal(signal.SIGHUP)
    assert up.wait(60) == 0
    assert not any(each.is_running() for each in databases)
    assert not (tmp_path / "a" / "node.json").exists()


@pytest.mark.parametrize("left", [b'{"pid": 1, "port": 9, "token": "x"}', b"{", b""])
@pytest.mark.slow
def test_a_node_file_that_was_left_behind_is_recognised(nova: Scm, tmp_path: Path, left: bytes) -> None:
    (tmp_path / "a" / "node.json").write_bytes(left)
    assert running_node(tmp_path / "a") is None
    assert nova("member", "record", "Ayla").code == 0


def test_a_node_that_is_gone_is_unavailable() -> None:
    client = Client(RunningNode(1, 9, "x"))
    assert not client.answers()


def test_verbs_and_arguments_are_spelled_as_graphql_has_them() -> None:
    assert field_name("organisation.settle-name") == "organisationSettleName"
    assert camel("member_id") == "memberId"
    assert wire(Readiness.IN_CLAIM) == "IN_CLAIM"
    assert wire((b"\x01", None, 3)) == ["01", None, 3]
