"""Erasure on a running node: afterwards no file holds the words, their keys or their sealed bytes; proofs hold."""

import sqlite3
from pathlib import Path

import psutil
import pytest

from scmanager.adapters.unclean_file import UncleanFile
from scmanager.cli.entry import run
from scmanager.projections.matching import matching_key
from tests.support.processes import NodeProcess, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]

HANDLE, NOTE = "Zaphod-Quillfeather", "owes-me-fortytwo-uec"


def files_with(needles: list[bytes], *folders: Path) -> set[str]:
    """The files that hold any of these bytes, as they are, in hex, in lower case, or as search keeps names."""
    wanted = {form for each in needles for form in (each, each.hex().encode())}
    words = [each for each in needles if each.isascii()]
    wanted |= {form for each in words for form in (each.lower(), matching_key(each.decode()).encode())}
    found = set()
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                held = path.read_bytes() if path.is_file() and not path.is_socket() else b""
            except FileNotFoundError:
                continue
            if any(needle in held for needle in wanted):
                found.add(path.name)
    return found


def wrapped_keys(data: Path, space: str) -> list[bytes]:
    """The subjects' keys as the vault keeps them."""
    with sqlite3.connect(f"file:{data / 'keys.db'}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT wrapped FROM keys WHERE subject != x'' AND space = ?", (bytes.fromhex(space),)
        )
        found = [row[0] for row in rows]
    database.close()
    return found


def test_an_erasure_at_once_leaves_no_trace_in_any_file_and_every_proof_holds(tmp_path: Path) -> None:
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        me = space[:32]
        given = {"space": space, "member_id": me}
        node.ask("do", verb="member.change-profile", number=2, handle=HANDLE, display_name=HANDLE, **given)
        node.ask("do", verb="member.note", number=3, text=NOTE, **given)
        assert node.ask("projected")["shown"]
        server = Path(psutil.Process(node.up["database"]).cwd())
        everywhere = (node.data, node.state, server)
        words = [HANDLE.encode(), NOTE.encode()]
        secret = node.ask("keys", space=space)
        keys, parts = ([bytes.fromhex(each) for each in secret[what]] for what in ("keys", "parts"))
        wrapped = wrapped_keys(node.data, space)
        assert keys
        assert parts
        assert wrapped
        assert not files_with(keys, *everywhere)  # Wrapped, always.
        assert {"events.db", "events.db-wal"} & files_with(parts, *everywhere)
        assert files_with(wrapped, *everywhere) == {"keys.db"}
        wait_until(lambda: files_with(words, server))  # The server writes its log in a while.
        in_clear = files_with(words, *everywhere)
        assert not in_clear & {"events.db", "events.db-wal", "keys.db", "postgres.log"}
        assert not files_with(words, node.state)
        before = node.ask("logs")["logs"][0]

        node.ask("do", verb="member.erase", number=4, ground="at-once", **given)
        wait_until(lambda: not files_with([*words, *keys, *parts, *wrapped], *everywhere), 60)

        assert node.ask("logs")["logs"][0]["size"] == before["size"] + 1  # Verified again, from entry 0 on.
        shown = node.ask("projected")
        assert node.ask("rebuild")["digests"] == shown["digests"]
        assert not files_with([*words, *keys, *parts, *wrapped], *everywhere)
    with NodeProcess(tmp_path) as node:
        assert node.ask("projected")["shown"]
        assert not files_with([*words, *keys, *parts, *wrapped], *everywhere)


def test_an_erasure_by_command_takes_the_files_of_the_read_models_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No node runs that would clean them, and perhaps none ever will."""
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        given = {"space": space, "member_id": space[:32]}
        node.ask("do", verb="member.change-profile", number=2, handle=HANDLE, display_name=HANDLE, **given)
        node.ask("do", verb="member.note", number=3, text=NOTE, **given)
        assert node.ask("projected")["shown"]
        server = Path(psutil.Process(node.up["database"]).cwd())
        words = [HANDLE.encode(), NOTE.encode()]
    assert files_with(words, server), "a node that stopped leaves them"

    monkeypatch.setenv("SCM_STATE", str(tmp_path / "state"))
    assert run(["--data", str(tmp_path / "data"), "erase", HANDLE, "--at-once", "--yes"]) == 0
    assert not files_with(words, tmp_path, server)

    with NodeProcess(tmp_path) as node:
        assert node.ask("projected")["shown"]
        server = Path(psutil.Process(node.up["database"]).cwd())
        assert not files_with(words, tmp_path, server)


def test_a_node_that_is_killed_before_it_cleaned_leaves_that_to_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCM_STATE", str(tmp_path / "state"))
    data, words = tmp_path / "data", [HANDLE.encode(), NOTE.encode()]
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        given = {"space": space, "member_id": space[:32]}
        node.ask("do", verb="member.change-profile", number=2, handle=HANDLE, display_name=HANDLE, **given)
        node.ask("do", verb="member.note", number=3, text=NOTE, **given)
        assert node.ask("projected")["shown"]
        server = Path(psutil.Process(node.up["database"]).cwd())
        wait_until(lambda: files_with(words, server))
        database = psutil.Process(node.up["database"])
        database.suspend()  # It does not come to cleaning.
        for each in database.children():
            each.suspend()
        node.ask("do", verb="member.erase", number=4, ground="at-once", **given)
        wait_until(UncleanFile(data).is_marked)
        node.child.kill()
        node.child.wait()
        for each in [*database.children(), database]:
            each.kill()
        psutil.wait_procs([database], 10)
    assert files_with(words, server)
    assert run(["--data", str(data), "member", "list"]) == 0
    assert not files_with(words, tmp_path, server)
    assert not UncleanFile(data).is_marked()


def test_nothing_is_marked_any_more_once_a_node_has_cleaned(tmp_path: Path) -> None:
    with NodeProcess(tmp_path) as node:
        space = node.ask("found", number=1)["space"]
        given = {"space": space, "member_id": space[:32]}
        node.ask("do", verb="member.note", number=2, text=NOTE, **given)
        node.ask("do", verb="member.erase", number=3, ground="at-once", **given)
        wait_until(lambda: not node.ask("keys", space=space)["keys"])
        wait_until(lambda: not UncleanFile(node.data).is_marked())
