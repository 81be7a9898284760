"""Reports survive: a server that is killed, copied, put back, doubled or on a full disk loses and forks nothing."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.adapters.backup_file import BackupDamaged
from scmanager.adapters.backup_restore import restore, verify
from scmanager.adapters.folder_lock import FolderInUse
from scmanager.adapters.identity import create_identity
from scmanager.adapters.private_files import private_folder
from scmanager.adapters.wrapping import FileProtection
from scmanager.application.delegation import NotDelegated
from scmanager.application.proving import OtherHistory
from scmanager.application.sequencing import Reports, entries_of
from scmanager.author import taking as taking_module
from scmanager.author.intake import IntakeInDoubt, IntakeMissing, IntakeThere, OwnIntake
from scmanager.author.taking import Taking
from scmanager.eventstore.checkpoint import Checkpoint, verify_note
from scmanager.eventstore.kept_heads import HeadDiffers, KeptHead
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.store import LogTaken, StoreDamaged
from scmanager.master_ledger.reports import Receipt
from tests.support.backups import backup_of, manifest_of, opened, packed, read_through
from tests.support.intake import ROOT, Site, reported
from tests.support.processes import wait_until

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are POSIX")
STEPS = [
    *(f"{when} {step}" for step in ("BEGIN", "INSERT INTO entry", "INSERT INTO note", "COMMIT")
      for when in ("before", "after")),
    "before file", "after file", "before checkpoint", "after checkpoint",
]  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path).make()
    made.keep()
    return made


def batch(number: int, count: int = 40) -> Reports:
    return Reports(number.to_bytes(16, "big"), reported(count))


def take(taking: Taking, number: int, count: int = 40) -> Receipt:
    return msgspec.json.decode(taking.sequencer.submit(batch(number, count)).result(20), type=Receipt)


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Servers that were killed, one a step."""
    folder = tmp_path_factory.mktemp("died")
    command = [sys.executable, "-m", "tests.support.intake_process", str(folder), *STEPS, "full disk"]
    subprocess.run(command, timeout=120, check=True)
    return folder


def left_by(died: Path, number: int, dsn: str | None = None) -> tuple[Site, list[list[str]]]:
    """What one of them left, and what it had acknowledged."""
    site = Site(died / str(number), dsn)
    site.remember()
    return site, [line.split() for line in (site.folder / "acknowledged").read_text().splitlines()]


def published(site: Site) -> Checkpoint | None:
    path = site.public / "intake" / "checkpoint"
    if not path.exists():
        return None
    note = path.read_bytes()
    key = site.manifests[-1].statement.logs[-1].key
    return verify_note(note, note.split(b"\n", 1)[0].decode(), key)


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_server_killed_at_any_step_loses_nothing_acknowledged_and_publishes_nothing_unstored(
    died: Path, step: str
) -> None:
    site, acknowledged = left_by(died, STEPS.index(step))
    assert (site.folder / "ended").read_text() == "-9"
    nothing_is_lost(site, acknowledged)


def nothing_is_lost(site: Site, acknowledged: list[list[str]]) -> None:
    """What was acknowledged has the same receipt again, what was published is stored, and more is taken."""
    assert acknowledged
    with site.open() as intake:
        assert intake.doubt is None
        head = intake.head()
        rows = intake.store.read(head.log, 0, 0, head.size)
        point = published(site)
        if point is not None:
            assert point.size <= head.size
            assert point.root == root_of([leaf_hash(row.data) for row in rows[: point.size]])
    with site.taking() as taking:
        for number, first, last in acknowledged:
            again = take(taking, int(number))
            assert (again.first, again.last.hex()) == (int(first), last)
            made = [one.data for one in entries_of(again, batch(int(number)).id, reported(40))]
            assert made == [row.data for row in rows[again.first : again.first + again.count]]
        after = take(taking, int(acknowledged[-1][0]) + 50)
    point = published(site)
    assert point is not None
    assert point.size == after.size, "whatever stood half there is whole now"


@POSIX
@pytest.mark.slow
def test_on_a_full_disk_a_batch_is_refused_and_taken_when_there_is_room(died: Path) -> None:
    site, said = left_by(died, len(STEPS))
    assert said[1] == ["refused", "disk-full"]
    assert [each[0] for each in (said[0], said[2])] == ["0", "2"]
    with site.taking() as taking:
        assert (take(taking, 0).first, take(taking, 2).first) == (1, 41)
        assert take(taking, 1).first == 81


def test_two_servers_on_one_folder_are_one(site: Site) -> None:
    with site.taking(), pytest.raises(FolderInUse):
        site.open()
    site.open().close()


def test_a_copy_of_the_folder_is_not_written_until_it_has_a_log_of_its_own(site: Site, tmp_path: Path) -> None:
    with site.taking() as taking:
        take(taking, 1)
    other = Site(tmp_path / "copy")
    shutil.copytree(site.settings.data, other.settings.data)
    other.settings = msgspec.structs.replace(other.settings, state=site.settings.state)
    other.folder, other.manifests = site.folder, site.manifests
    with other.open() as intake, pytest.raises(IntakeInDoubt, match="copy"):
        intake.sequencer(lambda: None)
    with other.open() as intake:
        old = intake.log()
        fresh = intake.found(ROOT)
        assert fresh.log != old.log
        assert intake.log() == fresh
        with pytest.raises(NotDelegated):
            other.check(intake).check()
        other.list(fresh)
        other.check(intake).check()
        with pytest.raises(IntakeThere):
            intake.found(ROOT)
    with site.taking() as taking:
        assert take(taking, 2).first == 41, "the original goes on"


def test_a_folder_that_was_put_back_is_noticed_and_a_receipt_of_before_is_still_answered(site: Site) -> None:
    with site.taking() as taking:
        first = take(taking, 1)
    shutil.copytree(site.settings.data / "intake", site.folder / "earlier")
    with site.taking() as taking:
        take(taking, 2)
    for path in (site.settings.data / "intake").glob("events.db*"):
        path.unlink()
    for path in (site.folder / "earlier").glob("events.db*"):
        shutil.copyfile(path, site.settings.data / "intake" / path.name)
    with pytest.raises(IntakeInDoubt), site.taking():
        pass
    with site.open() as intake:
        site.list(intake.found(ROOT))
    site.public = site.folder / "public-2"
    with site.taking() as taking:
        assert take(taking, 1) == first
        assert take(taking, 3).log != first.log


def test_a_backup_holds_the_log_without_its_key_and_what_comes_back_signs_no_second_history(
    site: Site, tmp_path: Path
) -> None:
    with site.taking() as taking:  # While the server runs.
        first = take(taking, 1)
        made = backup_of(site.settings)
        later = take(taking, 2)
        old = taking.sequencer.head
        seed = taking._intake._vault.log_seed(old.log)
    held = read_through(made)
    assert seed is not None
    assert all(seed not in data for data in held.values())
    assert not any(name.startswith("intake-keys") for name in held)
    root = opened(made).manifest.heads[-1].root
    kept = [KeptHead(old.log.hex()[:12], first.size, root)]
    other = Site(tmp_path / "other")
    other.manifests = site.manifests
    assert other.settings.state is not None
    done = restore(opened(made), other.settings.data, other.settings.state, kept)
    assert (done.report.entries, done.report.logs) == (first.size, 1)
    with other.open() as intake:
        for act in (intake.log, lambda: intake.sequencer(lambda: None)):
            with pytest.raises(IntakeInDoubt, match="came back from a backup"):
                act()
        fresh = intake.found(ROOT)
        assert fresh.log != old.log
        other.list(fresh)
    with other.taking() as taking:
        assert take(taking, 1) == first, "what was acknowledged is still answered"
        assert take(taking, 2).log == fresh.log
        assert take(taking, 2) != later
    with site.taking() as taking:
        assert take(taking, 2) == later
        assert take(taking, 3).first == later.size, "the original goes on"


def test_a_changed_intake_log_in_a_backup_is_refused(site: Site, tmp_path: Path) -> None:
    with site.taking() as taking:
        take(taking, 1)
    made = backup_of(site.settings)
    manifest, held = opened(made).manifest, read_through(made)
    place = tmp_path / "intake-events.db"
    place.write_bytes(held["intake-events.db"])
    with contextlib.closing(sqlite3.connect(place)) as database:
        triggers = [each[0] for each in database.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
        for (name,) in list(database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")):
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE entry SET data = zeroblob(length(data)) WHERE seq = 5")
        for each in triggers:
            database.execute(each)
        database.commit()
    held["intake-events.db"] = place.read_bytes()
    forged = packed(manifest_of(held, manifest.heads, entries=manifest.entries), held.values())
    with pytest.raises(BackupDamaged):
        verify(opened(forged))
    less = {name: data for name, data in held.items() if name != "intake-events.db"}
    with pytest.raises(BackupDamaged, match="no events"):
        verify(opened(packed(manifest_of(less, manifest.heads), less.values())))
    with pytest.raises(HeadDiffers):
        verify(opened(made), [KeptHead(manifest.heads[-1].log.hex()[:12], 7, bytes(32))])


def test_a_published_head_of_another_history_ends_the_server(site: Site) -> None:
    with site.taking() as taking:
        take(taking, 1)
    with site.open() as intake:
        intake._mark.retired |= {intake.log().log}
        site.list(intake.found(ROOT))
    with pytest.raises(OtherHistory), site.taking():
        pass


def test_who_was_killed_while_he_began_the_log_begins_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)
    create_identity(private_folder(site.settings.data), FileProtection(private_folder(tmp_path / "state")))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with site.open() as intake:  # Its key is kept by then.
        monkeypatch.setattr(intake.store, "append", dies)
        with pytest.raises(KeyboardInterrupt):
            intake.found(ROOT)
        assert intake._vault.has_logs()
    with site.open() as intake:
        with pytest.raises(IntakeMissing):
            intake.log()
        site.list(intake.found(ROOT))
    with site.taking() as taking:
        assert take(taking, 1).first == 1


def test_keys_without_their_events_begin_nothing_anew(site: Site) -> None:
    for path in (site.settings.data / "intake").glob("events.db*"):
        path.unlink()
    with pytest.raises(StoreDamaged):
        site.open()


@pytest.mark.services
def test_on_postgresql_it_is_the_same_and_two_servers_are_one(tmp_path: Path, writer_dsn: str) -> None:
    site = Site(tmp_path, writer_dsn).make()
    with site.taking() as taking:
        first = take(taking, 1)
        with site.open_beside() as other:
            log = other.sequencer(lambda: None)
            log.start()
            with pytest.raises(LogTaken):
                log.submit(batch(2)).result(20)
            assert log.ended is not None
            log.stop()
        assert take(taking, 2).first == 41
    with site.taking() as taking:
        assert take(taking, 1) == first
        assert take(taking, 3).first == 81
    store = PostgresStore(writer_dsn)
    assert store.last_pos() == 121
    store.close()


def test_whatever_keeps_a_head_from_being_published_is_told_and_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = threading.Event()
    publish = OwnIntake.publish

    def sometimes(self: OwnIntake, *arguments: Any, **more: Any) -> Any:
        if broken.is_set():
            raise RuntimeError
        return publish(self, *arguments, **more)

    monkeypatch.setattr(OwnIntake, "publish", sometimes)
    monkeypatch.setattr(taking_module, "AGAIN_S", 0.05)
    with site.taking() as taking:
        broken.set()
        first = take(taking, 0)
        wait_until(lambda: taking.trouble is not None)
        assert taking.trouble is not None
        assert taking.trouble.code == "intake-publishing-failed"
        broken.clear()
        wait_until(lambda: taking.trouble is None)
    point = published(site)
    assert point is not None
    assert point.size == first.size


def test_junk_in_the_place_of_the_public_head_is_told_and_ends_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_module, "AGAIN_S", 0.05)
    with site.taking() as taking:
        take(taking, 0)
        wait_until(lambda: published(site) is not None)
        path = site.public / "intake" / "checkpoint"
        held = path.read_bytes()
        path.write_bytes(b"\xff junk")
        last = take(taking, 1)
        wait_until(lambda: taking.trouble is not None)
        path.write_bytes(held)
        wait_until(lambda: taking.trouble is None)
        assert taking.sequencer.ended is None
    point = published(site)
    assert point is not None
    assert point.size == last.size
