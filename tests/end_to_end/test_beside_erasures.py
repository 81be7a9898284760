"""Beside erasures: everybody hears that it was done or why not, and what was done can be read or is erased."""

import io
import json
import os
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scmanager.adapters.key_vault import FILE_NAME
from scmanager.adapters.space_file import open_keys
from scmanager.adapters.space_reading import read_space
from scmanager.eventstore.entry import parse
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.projections.rebuild import RebuildUnderWay
from scmanager.runtime import EVENTS_FILE, Node
from scmanager.spaces.personal import Absence
from tests.support.backups import read_through
from tests.support.erasing import NOTHING_TO_ERASE, Erasing, folder_of, sealed_under, told_words
from tests.support.processes import NodeProcess

pytestmark = [pytest.mark.services, pytest.mark.slow]

SEED = int(os.environ.get("SCM_SEED", "1"))


@pytest.fixture
def erasing(tmp_path: Path) -> Iterator[Erasing]:
    with NodeProcess(tmp_path) as node:
        yield Erasing(node, SEED)


def sound(erasing: Erasing) -> Counter[str]:
    """Nobody was refused but who found nothing to erase, and no word that was taken is lost."""
    assert set(erasing.told) <= {"", NOTHING_TO_ERASE}, erasing.told
    assert erasing.told[""] > 20, "there was hardly any load"
    erasing.node.end()
    with Node(folder_of(erasing.node)) as node:
        told = told_words(node, bytes.fromhex(erasing.space))
        words = Counter(each if isinstance(each, Absence) else "" for each in told)
    assert set(words) <= {"", Absence.ERASED}, words
    assert words[Absence.ERASED] > 5, "there was hardly any erasure"
    return words


def test_short_commands_of_other_processes(erasing: Erasing) -> None:
    said = Counter[str]()

    def command(number: int) -> None:
        note, erase = ("member", "note", erasing.me, f"note {number}"), ("erase", erasing.me, "--at-once", "--yes")
        said[erasing.scm(*(note if number % 2 else erase))] += 1

    erasing.during(command, 6)
    assert set(said) <= {"", NOTHING_TO_ERASE}, said
    sound(erasing)


def test_space_files(erasing: Erasing) -> None:
    """Each has the key of every word in it that was not erased by then."""
    files: list[Path] = []

    def export(number: int) -> None:
        answer = erasing.node.http("GET", "/exchange/export", params={"space": erasing.space})
        assert answer.status_code == 200, answer.text
        files.append(erasing.node.data.parent / f"{number}.scm")
        files[-1].write_bytes(answer.content)

    erasing.during(export, 10)
    sound(erasing)
    with Node(folder_of(erasing.node)) as node:
        for path in files:
            file = read_space(path)
            assert file.keys
            sent = {key.key_id for key in open_keys(file.keys, node.identity.box, node.identity.box_secret)}
            named = {part.key for copy in file.logs for data in copy.entries for part in parse(data).parts}
            assert all(node.vault.is_erased(key) for key in named - sent)


def test_exports_in_open_formats(erasing: Erasing) -> None:
    said = Counter[str]()

    def export(_: int) -> None:
        answer = erasing.node.http("GET", "/export", params={"space": erasing.space})
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as held:
            (name,) = (each for each in held.namelist() if each.endswith("events.jsonl"))
            for line in held.read(name).splitlines():
                said.update(words.get("absent", "") for words in json.loads(line)["words"])

    erasing.during(export, 4)
    assert set(said) <= {"", "erased"}, said
    sound(erasing)


def test_backups(erasing: Erasing) -> None:
    """Each has the key of every word in it that was not erased by then."""
    made: list[bytes] = []

    def back_up(_: int) -> None:
        answer = erasing.node.http("POST", "/backup", json={"passphrase": None})
        assert answer.status_code == 200, answer.text
        made.append(answer.content)

    erasing.during(back_up, 4)
    sound(erasing)
    with Node(folder_of(erasing.node)) as node:
        for number, data in enumerate(made):
            place = erasing.node.data.parent / str(number)
            place.mkdir()
            for name, body in read_through(data).items():
                (place / name).write_bytes(body)
            with closing(sqlite3.connect(place / FILE_NAME)) as keys:
                held = {key for (key,) in keys.execute("SELECT key_id FROM keys")}
            with closing(SqliteStore(place / EVENTS_FILE)) as store:
                assert all(node.vault.is_erased(key) for key in sealed_under(store, erasing.space) - held)


def test_rebuilds(erasing: Erasing) -> None:
    """The live rows are those of a rebuild, whenever one comes; while erased words are cleaned away, none does."""
    differing = []

    def rebuild(_: int) -> None:
        done = erasing.node.query("mutation { readModelsRebuild { differing } }")
        if done["data"]:
            differing.extend(done["data"]["readModelsRebuild"]["differing"])
        else:
            assert done["errors"][0]["extensions"]["code"] == RebuildUnderWay.code

    erasing.during(rebuild, 10)
    assert differing == []
    sound(erasing)
