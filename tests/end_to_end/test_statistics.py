"""Statistics from end to end: records over HTTP, a closed day released by the server, proved, read by anybody."""

import secrets
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from scmanager.adapters.ledger_source import SERVED, from_address, from_folder
from scmanager.adapters.mirror_beside import IntakeAmiss, mirror_intake, mirror_statistics
from scmanager.adapters.node_file import NodeFile, write_node_file
from scmanager.adapters.outbox import Outbox
from scmanager.adapters.participation import Participation
from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.api.published_app import PublishedApp
from scmanager.application.delegation import NotDelegated
from scmanager.application.releasing import BEHIND_MAX
from scmanager.author.statistics import OwnStatistics
from scmanager.domain.consent import consent_hash
from scmanager.domain.consent_texts import Purpose, current
from scmanager.domain.ledger import Final
from scmanager.domain.statistics import DAY_S, Record, user_hash
from scmanager.domain.statistics_published import EVERY_DAYS, Measure, StatisticsPublished
from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import parse_origin
from scmanager.master_ledger import submission
from scmanager.master_ledger.fetching import Read, SourceLacks
from scmanager.master_ledger.statistics_batch import PATH, parse_kept
from scmanager.master_ledger.statistics_proof import verify
from scmanager.serving import Serving
from tests.end_to_end.test_audit_events import wait_for
from tests.golden.logs import key_of
from tests.support.app_server import served
from tests.support.intake import Site
from tests.support.ledger import NOW_S, WITHOUT_WITNESSES
from tests.support.machines import Machine, found
from tests.support.statistics import DAY, day_of, others
from tests.support.statistics import rows as kept_rows


class Clock:
    """What the server thinks the time is: some day of ours."""

    def __init__(self) -> None:
        self.day = DAY

    def __call__(self) -> int:
        return (self.day * DAY_S + 3600) * 10**6


class Author:
    """A server that counts, and what it is asked."""

    def __init__(self, site: Site, clock: Clock, counted: OwnStatistics, client: httpx.Client) -> None:
        self.site, self.clock, self.counted, self.client = site, clock, counted, client

    def send(self, records: list[Record], number: bytes = b"", **changed: Any) -> httpx.Response:
        body = {
            "id": b64encode(number or secrets.token_bytes(16)).decode(),
            "consent": b64encode(consent_hash(Purpose.STATISTICS, current(Purpose.STATISTICS))).decode(),
            "reports": msgspec.to_builtins(records),
        }
        return self.client.post(PATH, json=body | changed)

    def read(self, day: int) -> bytes:
        end = time.monotonic() + 20
        while (answer := self.client.get(f"{PATH}/{day}")).status_code == 503:
            assert time.monotonic() < end, answer.text
            time.sleep(0.1)
        assert answer.status_code == 200, answer.text
        return answer.content

    def verified(self, day: int) -> StatisticsPublished:
        return verify(self.read(day), day, self.site.seen().keys(), WITHOUT_WITNESSES, NOW_S)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("statistics")).make()


@pytest.fixture(scope="module")
def author(site: Site) -> Iterator[Author]:
    clock = Clock()
    with (
        site.taking() as taking,
        site.counting(taking, clock) as counted,
        served(site.app(counted)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        yield Author(site, clock, counted, client)


def files(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())


def test_a_day_is_told_closed_released_proved_and_forgotten(author: Author) -> None:
    number, crowd = secrets.token_bytes(16), others(150)
    first = author.send(crowd[:400], number)
    assert (first.status_code, parse_kept(number, first.content).batch) == (200, number)
    assert author.send(crowd[:400], number).content == first.content
    for begin in range(400, len(crowd), 400):
        assert author.send(crowd[begin : begin + 400]).status_code == 200
    author.clock.day = DAY + 2
    assert author.counted.release_due() == [DAY]
    said = author.verified(DAY)
    users = next(table for table in said.tables if table.measure is Measure.ACTIVE_USERS)
    assert abs(users.rows[0].value - 150) < 100
    left = files(author.site.settings.data) + files(author.site.public)
    assert not any(each.user_hash in left or each.session_id in left for each in crowd)


def test_a_mirror_has_the_same_files_but_no_entry_of_the_intake_and_serves_them(
    author: Author, tmp_path: Path
) -> None:
    author.clock.day = DAY + 2
    author.counted.release_due()
    author.verified(DAY)
    wait_for(author.counted.lay_out)
    public, copy, seen = author.site.public, tmp_path / "mirror", author.site.seen()
    read, beside = from_folder(public), submission.encode(seen.manifests)

    def taken(source: Read, at: Path) -> tuple[int, int]:
        done = mirror_intake(source, seen.keys(), beside, WITHOUT_WITNESSES, at, bytes(32), NOW_S)
        days = mirror_statistics(source, seen.keys(), WITHOUT_WITNESSES, at, NOW_S, DAY + 4)
        return done.files if done else 0, days

    assert min(taken(read, copy)) > 0
    assert taken(read, copy) == (0, 0)
    for folder in ("intake", "api"):
        told = {each.relative_to(copy): each.read_bytes() for each in named(copy / folder)}
        theirs = {each.relative_to(public): each.read_bytes() for each in named(public / folder)}
        assert told.items() <= theirs.items()
        assert all(each.parent.suffix == ".p" for each in theirs.keys() - told.keys()), (
            "but what larger ones replaced"
        )
    assert f"api/v1/statistics/{DAY}" in {str(each.relative_to(copy)) for each in named(copy)}
    with served(PublishedApp(from_folder(copy, SERVED))) as url:
        assert min(taken(from_address(url), tmp_path / "second")) > 0
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get(f"{PATH}/{DAY}").content == author.read(DAY)
            for path in (f"{PATH}/{DAY - 99}", "/intake/tile/entries/000", "/intake/tile/entries/000.p/1"):
                assert client.get(path).status_code == 404
            assert client.post(PATH, json={}).status_code == 405
    assert not list(copy.rglob("entries"))


def test_a_mirror_has_what_is_left_of_them_long_after_the_author_stopped(author: Author, tmp_path: Path) -> None:
    author.clock.day = DAY + 5
    author.counted.release_due()
    author.verified(DAY)
    wait_for(author.counted.lay_out)
    public, seen = from_folder(author.site.public), author.site.seen()
    there = {each.name for each in (author.site.public / PATH.strip("/")).iterdir()}
    lost, asked = sorted(there)[1], list[str]()

    def read(path: str, bytes_max: int) -> bytes:
        asked.append(path)
        if path.endswith(f"/{lost}"):
            raise SourceLacks(source="here", path=path)
        return public(path, bytes_max)

    for later in (5, 30, BEHIND_MAX - 4):
        at = tmp_path / str(later)
        assert mirror_statistics(read, seen.keys(), WITHOUT_WITNESSES, at, NOW_S, DAY + later) == len(there) - 1 > 2
        assert {each.name for each in (at / PATH.strip("/")).iterdir()} == there - {lost}
    asked.clear()
    assert mirror_statistics(read, seen.keys(), WITHOUT_WITNESSES, tmp_path / "none", NOW_S, DAY + 2_000) == 0
    assert len(asked) < 60, "whoever has none is not asked for each day"


def test_a_mirror_takes_no_release_and_no_hash_that_is_wrong(author: Author, tmp_path: Path) -> None:
    author.clock.day = DAY + 2
    author.counted.release_due()
    author.verified(DAY)
    wait_for(author.counted.lay_out)
    seen, read = author.site.seen(), from_folder(author.site.public)
    beside, whose = submission.encode(seen.manifests), bytes(32)

    def bent(path: str, bytes_max: int) -> bytes:
        data = read(path, bytes_max)
        return data if path.endswith("checkpoint") else data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]

    with pytest.raises(Untrusted):
        mirror_intake(bent, seen.keys(), beside, WITHOUT_WITNESSES, tmp_path, whose, NOW_S)
    with pytest.raises(Untrusted):
        mirror_statistics(bent, seen.keys(), WITHOUT_WITNESSES, tmp_path, NOW_S, DAY + 2)
    note = read("intake/checkpoint", 1 << 16)
    itself = parse_origin(note.decode().partition("\n")[0])[1]
    with pytest.raises(IntakeAmiss):
        mirror_intake(read, seen.keys(), beside, WITHOUT_WITNESSES, tmp_path, itself, NOW_S)
    assert [each for each in named(tmp_path) if each.name == "checkpoint" or each.name.isdigit()] == []


def named(folder: Path) -> list[Path]:
    """The files there, but locks."""
    return sorted(each for each in folder.rglob("*") if each.is_file() and not each.name.endswith("lock"))


def test_a_released_day_is_never_released_with_other_noise(author: Author) -> None:
    author.clock.day = DAY + 6
    author.counted.release_due()
    before = author.verified(DAY)
    late = author.send(others(100))
    assert late.status_code == 200, late.text  # Too late: they are dropped.
    author.counted.releases.release(DAY, DAY + 9)
    assert author.verified(DAY) == before


def test_a_day_that_is_not_released_is_not_there(author: Author) -> None:
    for day in ("99999", "0", "x", "-1", "1" * 40):
        answer = author.client.get(f"{PATH}/{day}")
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "day-not-held")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"reports": []}, 422, "reports-unusable"),
        ({"id": "AAAA"}, 422, "reports-unusable"),
        ({"consent": b64encode(bytes(32)).decode()}, 403, "consent-unknown"),
    ],
)
def test_what_is_no_batch_or_has_no_consent_is_refused(
    author: Author, changed: dict[str, Any], status: int, code: str
) -> None:
    answer = author.send(day_of("ada", day=author.clock.day), **changed)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "flaw",
    [
        {"timestamp": DAY * DAY_S + 1}, {"action": "Ada's diary"}, {"note": "hello"}, {"geo_region": "XX"},
        {"metadata": {"interface": "linux"}}, {"metadata": {"name": "ada"}}, {"user_hash": "ada"}, {"version": "ada"},
    ],
)  # fmt: skip
def test_a_record_that_says_more_than_it_may_refuses_the_whole_batch(author: Author, flaw: dict[str, Any]) -> None:
    records = msgspec.to_builtins(day_of("ada"))
    answer = author.send([], reports=[*records, records[0] | flaw])
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (422, "reports-unusable")


def test_the_server_releases_by_itself_when_it_starts_after_a_closed_day(tmp_path: Path) -> None:
    site, clock = Site(tmp_path).make(), Clock()
    with site.taking() as taking:
        with site.counting(taking, clock):
            pass
        clock.day = DAY + 3
        with site.counting(taking, clock).start() as counted:
            end = time.monotonic() + 20
            while counted.releases.due(clock.day):
                assert time.monotonic() < end, counted.trouble
                time.sleep(0.05)


def test_one_whose_log_is_closed_takes_and_releases_nothing(tmp_path: Path) -> None:
    site, clock = Site(tmp_path).make(), Clock()
    with site.taking() as taking:
        log, head = site.manifests[-1].statement.logs[-1], taking.sequencer.head
        with site.counting(taking, clock):
            pass
        site.list(log, Final(head.size, bytes(32)))
        clock.day = DAY + 3
        with (
            site.counting(taking, clock) as counted,
            served(site.app(counted)) as url,
            httpx.Client(base_url=url, trust_env=False) as client,
        ):
            with pytest.raises(NotDelegated):
                counted.release_due()
            answer = Author(site, clock, counted, client).send(day_of("ada", day=clock.day))
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "not-delegated")
            assert taking.sequencer.head == head


@pytest.mark.services
def test_what_a_node_was_used_for_reaches_the_server_on_its_day_and_only_with_consent(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    site, key = Site(tmp_path / "author").make(), key_of("server")
    trust = site.name(key, tmp_path / "trust")
    with site.taking() as taking, site.counting(taking) as counted, served(site.app(counted, key=key)) as url:
        today, machine = counted.today(), Machine(tmp_path, "ada")
        machine.settings = replace(machine.settings, report_to=url, region="DE", trust=trust)
        drawn = Participation(machine.settings.data, below=lambda _: today % EVERY_DAYS)
        assert drawn.salt(today)
        with machine.open() as node:
            space, own = found(node), node.personal_space()
            node.do("privacy.consent", own, {"purpose": Purpose.STATISTICS, "version": 2})
            write_node_file(machine.settings.data, NodeFile(2**22 + 1, 1, "left by a node that was killed"))
            serving = Serving(node)
            serving.start()
            try:
                wait_for(lambda: serving._usage.on)
                ask(serving, "{ fleets { totalCount } }")
                ask(serving, f'mutation {{ characterMake(space: "{own.hex()}", name: "Vesper") {{ pos }} }}')
                ask(serving, "mutation { usageTell(steps: [{ step: PAGE_VIEWED, part: HANGAR }]) }")
                wait_for(lambda: ("page-viewed", "hangar") in told(counted, today) and len(told(counted, today)) >= 5)
                node.do("privacy.withdraw", own, {"purpose": Purpose.STATISTICS})
                wait_for(lambda: not serving._usage.on)
                ask(serving, "{ operations { totalCount } }")
            finally:
                assert serving.stop() == []
        rows = kept_rows(counted._records, today)
        assert {row[1:3] for row in rows} >= {
            ("app-started", "nothing-closer"), ("crash-reported", "nothing-closer"),
            ("session-started", "nothing-closer"), ("feature-used", "fleets"),
            ("feature-used", "characters"),
        }  # fmt: skip
        assert ("feature-used", "operations") not in told(counted, today)
        assert {row[0] for row in rows} == {user_hash(drawn.salt(today) or b"", own[:16]).hex()}
        assert {row[5] for row in rows} == {"DE"}
        assert not any(secret in repr(rows) for secret in (own.hex(), space.hex(), "Vesper"))
        assert Outbox(machine.settings.data).waiting() == []


def told(counted: OwnStatistics, day: int) -> set[tuple[str, str]]:
    return {row[1:3] for row in kept_rows(counted._records, day)}


def ask(serving: Serving, query: str) -> None:
    headers = {"authorization": f"Bearer {serving.token}"}
    with httpx.Client(trust_env=False, timeout=30) as client:
        answer = client.post(f"{serving.address}/graphql", json={"query": query}, headers=headers).json()
    assert "errors" not in answer, answer
