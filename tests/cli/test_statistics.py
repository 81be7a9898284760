"""`scm ledger statistics` and `scm author statistics`: a day released on the author's machine, read on another."""

import contextlib
import functools
import random
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scmanager.cli.entry import run
from scmanager.domain.statistics import DAY_S
from scmanager.master_ledger import submission
from scmanager.runtime import clock_us
from tests.cli.conftest import Answer, Scm
from tests.support.app_server import served
from tests.support.intake import Site
from tests.support.statistics import others

BACK = 5
Run = Callable[..., Answer]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A server that began to count some days ago, and whom machines go by. Its noise is the same each time: else one
    day in thirty that nobody told of has a country by chance."""
    monkeypatch.setattr(secrets, "randbelow", random.Random(7).randrange)
    made = Site(tmp_path / "author").make()
    trust = tmp_path / "trust"
    trust.mkdir()
    (trust / "ledger-id").write_text(made.seen().ledger.hex() + "\n", encoding="ascii")
    (trust / "author-keys.jsonl").write_bytes(submission.encode(made.manifests))
    (trust / "witnesses.policy").write_text("quorum none\n", encoding="ascii")
    monkeypatch.setenv("SCM_TRUST", str(trust))
    with made.taking() as taking, made.counting(taking, lambda: clock_us() - BACK * DAY_S * 10**6) as counted:
        day = counted.today()
        counted._records.put(bytes(16), others(150, day), day)
    return made


@pytest.fixture
def author(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> Answer:
        monkeypatch.setenv("SCM_STATE", str(site.settings.state))
        code = run(["--data", str(site.settings.data), *(str(each) for each in arguments)])
        told = capsys.readouterr()
        return Answer(code, told.out, told.err)

    return command


def day(back: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - back * DAY_S))


def test_closed_days_are_released_by_hand_and_read_with_their_proof(site: Site, author: Run, scm: Scm) -> None:
    made = author("author", "statistics", site.public, "--day", day(BACK - 1), "--json")
    assert made.code == 0, made.err
    assert made.json["released"] == [day(BACK), day(BACK - 1)]
    assert author("author", "statistics", site.public, "--json").json["released"] == [day(3), day(2)]
    assert author("author", "statistics", site.public, "--json").json["released"] == []
    assert author("author", "statistics", site.public, "--day", day(0)).error == "day-not-closed"
    with site.taking() as taking, site.counting(taking) as counted, served(site.app(counted)) as url:
        read = scm("ledger", "statistics", url, "--day", day(BACK), "--json")
        assert read.code == 0, read.err
        assert read.json["day"] == day(BACK)
        assert abs(read.json["tables"]["active-users"]["rows"]["all"] - 150) < 100
        shown = scm("ledger", "statistics", url, "--day", day(BACK))
        assert "active-users" in shown.out
        newest = scm("ledger", "statistics", url)
        assert f"Day {day(2)}" in newest.out
        assert "Too few" in newest.out
        assert scm("ledger", "statistics", url, "--day", day(0)).error == "day-not-closed"
        refused = scm("ledger", "statistics", url, "--day", day(BACK + 1))
        assert (refused.code, refused.error, day(BACK + 1) in refused.err) == (1, "day-not-held", True), refused.err
        assert scm("ledger", "statistics", url, "--day", "yesterday").error == "day-mistyped"


def test_releases_lie_beside_the_published_ledger_for_any_host_that_only_copies_files(
    site: Site, author: Run, scm: Scm, tmp_path: Path
) -> None:
    assert author("author", "statistics", site.public).code == 0
    copy = shutil.copytree(site.public, tmp_path / "copied")
    with static_host(copy) as url:
        for source in (copy, url):
            assert scm("ledger", "statistics", source, "--day", day(BACK), "--json").json["day"] == day(BACK)
            assert scm("ledger", "statistics", source, "--json").json["day"] == day(2)
            gone = scm("ledger", "statistics", source, "--day", day(BACK + 1))
            assert (gone.code, gone.error, day(BACK + 1) in gone.err) == (1, "day-not-there", True), gone.err


@contextlib.contextmanager
def static_host(folder: Path) -> Iterator[str]:
    """Any web server: it knows files and nothing else."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        running = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        running.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            running.join()


def test_a_proof_that_was_kept_can_be_read_from_a_folder_and_a_changed_one_cannot(
    site: Site, author: Run, scm: Scm, tmp_path: Path
) -> None:
    assert author("author", "statistics", site.public).code == 0
    kept = tmp_path / "copy" / "api" / "v1" / "statistics"
    kept.mkdir(parents=True)
    with site.taking() as taking, site.counting(taking) as counted, served(site.app(counted)) as url:
        assert scm("ledger", "statistics", url, "--day", day(BACK), "-o", tmp_path / "proof").code == 0
    number = int(time.time() - BACK * DAY_S) // DAY_S
    (kept / str(number)).write_bytes((tmp_path / "proof").read_bytes())
    assert scm("ledger", "statistics", tmp_path / "copy", "--day", day(BACK)).code == 0
    (kept / str(number)).write_bytes((tmp_path / "proof").read_bytes().replace(b"index 1", b"index 2"))
    assert scm("ledger", "statistics", tmp_path / "copy", "--day", day(BACK)).error == "bad-proof"
