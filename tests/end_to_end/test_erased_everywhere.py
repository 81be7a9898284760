"""One person erased in an organisation of two machines: no file that is made afterwards, and none that stays, has it.

Store, WAL, vault, PostgreSQL's folder, what is exported, backed up and restored later, and what an old file brings
again. What was handed out before cannot be reached, and is not looked at: the file of that time.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from scmanager.cli.entry import run
from scmanager.eventstore.entry import parse
from scmanager.runtime import Node
from tests.end_to_end.test_survival_erasure import HANDLE, NOTE, files_with
from tests.support.machines import Machine, carry, found, let_in, officer_role
from tests.support.processes import NodeProcess, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]

Scm = Callable[..., Any]


@pytest.fixture
def scm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scm:
    """A command on a machine's folder; its JSON, where it gives one."""
    monkeypatch.setenv("SCM_BACKUP_PASSPHRASE", "correct horse battery")

    def command(folder: Path, *arguments: object, data: Path | None = None) -> Any:
        monkeypatch.setenv("SCM_STATE", str(folder / "state"))
        code = run(["--data", str(data or folder / "data"), *map(str, arguments)])
        told = capsys.readouterr()
        assert code == 0, told.err
        return json.loads(told.out) if "--json" in arguments else told.out

    return command


def secrets_of(node: Node, subject: bytes, space: bytes, data: Path) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """A subject's keys, those keys as the vault keeps them, and what is sealed under them: stored bytes of parts."""
    ids = {key for key, whose in node.vault.subjects(space).items() if whose == subject}
    with closing(sqlite3.connect(f"file:{data / 'keys.db'}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT wrapped FROM keys WHERE subject = ? AND space = ?", (subject, space))
        wrapped = [row[0] for row in rows]
    sealed = []
    for row in node.store.tail(0, 10_000):
        held = node.store.parts([row.pos])
        for number, ref in enumerate(parse(row.data).parts):
            if number and ref.key in ids and (row.pos, number) in held:
                sealed.append(held[row.pos, number])
    return [node.vault.get(each) or b"" for each in ids], wrapped, sealed


def of_org(told: dict[str, Any]) -> dict[str, Any]:
    """What a full audit says of the one organisation."""
    assert told["ok"], told
    (space,) = (each for each in told["spaces"] if each["erasures"])
    return dict(space)


def test_nothing_of_an_erased_person_is_left_or_comes_back(scm: Scm, tmp_path: Path) -> None:
    ada, bob = (Machine(tmp_path, name) for name in ("ada", "bob"))
    here, there = tmp_path / "ada", tmp_path / "bob"
    one, two = ada.open(), bob.open()
    space = found(one)
    me = space[:16]
    let_in(one, two, space, officer_role(one, space), tmp_path)
    carry(two, one, space, tmp_path)
    one.do("member.change-profile", space, {"member_id": me, "handle": HANDLE, "display_name": HANDLE})
    one.do("member.note", space, {"member_id": me, "text": NOTE})
    carry(one, two, space, tmp_path)
    old = (tmp_path / "carried.scm").rename(tmp_path / "before.scm")
    known = [secrets_of(node, me, space, folder / "data") for node, folder in ((one, here), (two, there))]
    one.close()
    two.close()
    assert all(all(each) for each in known), "both machines hold keys and words"
    words = [HANDLE.encode(), NOTE.encode()]
    needles = [*words, *(piece for keys, wrapped, sealed in known for piece in (*keys, *wrapped, *sealed))]
    assert {"keys.db", "events.db"} <= files_with(needles, there / "data")

    with NodeProcess(here) as node:
        server = Path(psutil.Process(node.up["database"]).cwd())
        everywhere = (node.data, node.state, server)
        assert node.ask("projected")["shown"]
        wait_until(lambda: files_with(words, server))
        node.ask("do", space=space.hex(), verb="member.erase", number=1, member_id=me.hex(), ground="at-once")
        wait_until(lambda: not files_with(needles, *everywhere), 60)
        assert node.ask("projected")["shown"]
        later = tmp_path / "later"
        later.mkdir()
        scm(here, "export", later / "ada-export")
        assert not files_with(needles, *everywhere, later), "what runs, and what it exports"

    after = tmp_path / "after.scm"
    scm(here, "space", "export", "-o", after)
    scm(there, "space", "import", after)
    assert not files_with(needles, there), "the other machine, once it heard"

    for folder in (here, there):
        scm(folder, "space", "export", "-o", later / f"{folder.name}.scm")
    scm(here, "backup", "make", later / "ada.backup", "--plain")
    scm(here, "restore", later / "ada.backup", data=later / "ada-restored")
    assert not files_with(needles, later), "exports, backups and what comes out of them"

    for folder in (here, there):
        scm(folder, "space", "import", old)
    assert not files_with(needles, here, there), "a file of before brings nothing again"

    audit = ("audit", "verify", "--full", "--json")
    restored = scm(here, *audit, data=later / "ada-restored")
    for each in (scm(here, *audit), scm(there, *audit), scm(here, *audit, later / "ada.scm"), restored):
        told = of_org(each)
        (erasure,) = told["erasures"]
        assert (erasure["subject"], told["not_here"], told["void"]) == (me.hex(), 0, {}), told
        assert erasure["parts"] >= 2
