"""GET /export: everything in open formats, and taken in elsewhere with the same frontier and the same tables."""

import io
import json
import secrets
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.domain.event import CATALOGUE
from scmanager.errors import Refused
from scmanager.projections import generation
from scmanager.projections.generation import LIVE, TABLES
from tests.support.api_node import Api, ApiNode, serving
from tests.support.fleet_of import Nova, populate
from tests.support.postgres import fresh
from tests.support.processes import wait_until
from tests.support.space_files import parse_space

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def pair(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Api]]:
    """Two machines of one owner, each with read models of its own."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "a").mkdir()
    with (
        fresh(postgres) as here,
        fresh(postgres) as there,
        ApiNode(folder / "a", here) as one,
        ApiNode(folder / "b", there) as two,
        serving(one) as a,
        serving(two) as b,
    ):
        yield a, b


@pytest.fixture(scope="module")
def ours(pair: tuple[Api, Api]) -> Nova:
    """An organisation with some of everything; the second machine is let in, and has taken nothing in yet."""
    host, guest = (api.node for api in pair)
    made = populate(host, members=6, ships=9)
    space = bytes.fromhex(made.space)
    asked = guest.exchange.request(host.exchange.invitation(space, space[:16]))
    host.exchange.enrol(asked)
    return made


def archive(api: Api, **asked: Any) -> dict[str, bytes]:
    answer = api.client.get("/export", params=asked)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as held:
        assert held.testzip() is None
        return {name: held.read(name) for name in held.namelist()}


def lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.splitlines()]


def tables(files: dict[str, bytes]) -> dict[str, Any]:
    """Every table's rows; positions are the node's own."""
    return {
        name: sorted(json.dumps({k: v for k, v in row.items() if k != "pos"}, sort_keys=True) for row in lines(data))
        for name, data in files.items()
        if "/tables/" in name and name.endswith(".jsonl")
    }


def test_everything_is_in_it(pair: tuple[Api, Api], ours: Nova) -> None:
    files = archive(pair[0])
    folder = f"org-{ours.space[:12]}"
    assert {
        f"{folder}/tables/{model}.{table}.{kind}" for table, model in TABLES.items() for kind in ("csv", "jsonl")
    } < set(files)
    told = json.loads(files["export.json"])
    assert {each["name"]: each["sha256"] for each in told["files"]} == {
        name: sha256(data).hexdigest() for name, data in files.items() if name != "export.json"
    }
    assert told["spaces"] == [{"id": ours.space, "kind": "org", "folder": folder}]
    with psycopg.connect(pair[0].node.dsn) as connection:
        for table, model in TABLES.items():
            (count,) = connection.execute(f"SELECT count(*) FROM {LIVE}.{table}").fetchone() or (0,)
            assert len(lines(files[f"{folder}/tables/{model}.{table}.jsonl"])) == count
    events = lines(files[f"{folder}/events.jsonl"])
    store = pair[0].node.node.store
    assert [each["id"] for each in events] == [
        each.entry.id32.hex() for each in pair[0].node.shelf.space(bytes.fromhex(ours.space)).entries()
    ]
    assert len(events) == store.last_pos()
    assert {each["schema"] for each in events if each["schema"]} <= set(CATALOGUE)
    assert any(each["words"] for each in events)
    assert "export.json" in files["README.txt"].decode()


def test_entries_are_verbatim(pair: tuple[Api, Api], ours: Nova) -> None:
    read = parse_space(archive(pair[0])[f"org-{ours.space[:12]}/entries.jsonl"])
    store = pair[0].node.node.store
    for copy in read.logs:
        held = next(
            head
            for head in store.heads()
            if head.size == len(copy.entries) and store.read(head.log, 0, 0, 1)[0].data == copy.entries[0]
        )
        assert [row.data for row in store.read(held.log, held.branch, 0, held.size)] == list(copy.entries)


def digests(node: ApiNode) -> dict[str, int]:
    """Of every read model but the audit trail, whose rows hold the node's own positions."""
    assert node.wait_projected(node.last_pos(), 30)
    with psycopg.connect(node.dsn) as connection:
        return {name: held for name, held in generation.digests(connection, LIVE).items() if name != "audit"}


_WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).map(lambda t: f"x{t}")
_HANDLES = st.from_regex(r"[A-Za-z0-9]{3,20}", fullmatch=True)
_DEEDS = st.one_of(
    st.tuples(st.just("organisation.rename"), st.fixed_dictionaries({"title": _WORDS})),
    st.tuples(st.just("member.record"), st.fixed_dictionaries({"handle": _HANDLES})),
    st.tuples(st.just("fleet.form"), st.fixed_dictionaries({"title": _WORDS})),
    st.tuples(st.just("contact.record"), st.fixed_dictionaries({"title": _WORDS})),
)  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(_DEEDS, max_size=6))
def test_what_is_exported_and_taken_in_is_the_same(
    pair: tuple[Api, Api], ours: Nova, tmp_path: Path, deeds: list[tuple[str, dict[str, Any]]]
) -> None:
    host, guest = (api.node for api in pair)
    space = bytes.fromhex(ours.space)
    for verb, given_ in deeds:
        refused = host.do(verb, space, secrets.token_bytes(16), given_).exception()
        assert refused is None or isinstance(refused, Refused), refused
    files = archive(pair[0])
    path = tmp_path / "entries.jsonl"
    path.write_bytes(files[f"org-{ours.space[:12]}/entries.jsonl"])
    told = guest.exchange.import_space(path)
    assert (told["closed"], told["acts"]) == (0, True)
    assert host.shelf.space(space).frontier() == guest.shelf.space(space).frontier()
    wait_until(lambda: digests(guest) == digests(host))  # Keys come after the entries, and are projected after them.
    assert tables(archive(pair[1])) == tables(files)
    assert guest.exchange.import_space(path)["entries"] == 0


def test_one_asks_for_less(pair: tuple[Api, Api], ours: Nova) -> None:
    files = archive(pair[0], csv="false", keys="false")
    assert not [name for name in files if name.endswith(".csv")]
    assert parse_space(files[f"org-{ours.space[:12]}/entries.jsonl"]).keys is None
    assert archive(pair[0], bom="true")[f"org-{ours.space[:12]}/tables/roster.member.csv"].startswith(b"\xef\xbb\xbf")


def test_formulas_of_members_are_not_run(pair: tuple[Api, Api], ours: Nova) -> None:
    host, space = pair[0].node, bytes.fromhex(ours.space)
    host.do("fleet.form", space, secrets.token_bytes(16), {"title": '=HYPERLINK("x")'}).result()
    files = archive(pair[0], space=ours.space)
    assert b"'=HYPERLINK" in files[f"org-{ours.space[:12]}/tables/fleets.fleet.csv"]
    assert '=HYPERLINK("x")' in {
        row["title"] for row in lines(files[f"org-{ours.space[:12]}/tables/fleets.fleet.jsonl"])
    }


def test_erased_words_are_not_in_it(pair: tuple[Api, Api], ours: Nova) -> None:
    host, space = pair[0].node, bytes.fromhex(ours.space)
    made = host.do("member.record", space, secrets.token_bytes(16), {"handle": "Zaphod-Quillfeather"}).result()
    assert b"Zaphod-Quillfeather" in b"".join(archive(pair[0]).values())
    given_ = {"member_id": bytes.fromhex(made["member"]), "ground": "request"}
    host.do("member.erase", space, secrets.token_bytes(16), given_).result()
    files = archive(pair[0])
    assert b"zaphod" not in b"".join(files.values()).lower()
    events = lines(files[f"org-{ours.space[:12]}/events.jsonl"])
    assert {"absent": "erased"} in [word for each in events for word in each["words"]]


def test_only_what_the_owner_is_in_is_told(pair: tuple[Api, Api], ours: Nova) -> None:
    def code(**asked: Any) -> str:
        answer = pair[0].client.get("/export", params=asked)
        return str(answer.json()["errors"][0]["extensions"]["code"])

    assert code(space="ab" * 32) == "space-not-visible"
    assert code(space="zz") == "id-malformed"
    pair[0].node.see_only(b"x" * 32)
    try:
        assert code(space=ours.space) == "space-not-visible"
    finally:
        pair[0].node.see_all()
    assert pair[0].client.get("/export", headers={"authorization": "Bearer no"}).status_code == 401
    assert pair[0].client.post("/export").status_code == 405
