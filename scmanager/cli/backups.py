"""Backups: the data folder as one sealed file, proved, and made a folder again.

    scm backup FILE|DIR         while the node runs, too
    scm backup verify FILE
    scm --data DIR restore FILE

A restored folder begins logs of its own with the next command: it does not know what was written after the backup.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from typer.core import TyperGroup

from scmanager.adapters import backup_restore
from scmanager.adapters.backup_file import INTAKE_FOLDER, SUFFIX, Backup, HeadLine, is_backup
from scmanager.adapters.backup_source import begin_backup
from scmanager.adapters.folder_lock import FolderLock, Holder
from scmanager.adapters.node_file import LOCK_FILE, is_node
from scmanager.adapters.private_files import forget_unfinished, state_folder, write_pieces
from scmanager.adapters.space_file import FileUnreadable, read_bytes
from scmanager.author.intake_place import in_database
from scmanager.cli.client import Client, RunningNode
from scmanager.cli.doorway import enter
from scmanager.cli.output import JsonFlag, counted, progress, remark, say, say_json, short
from scmanager.cli.session import NoFolder, Session, session_of
from scmanager.cli.targets import ReplaceFlag, check_replaceable
from scmanager.cli.through import LONG_S
from scmanager.errors import Refused
from scmanager.eventstore import audit
from scmanager.eventstore.kept_heads import KeptHead, parse_heads

SPOKEN_BY = "SCM_BACKUP_PASSPHRASE"
LEFTOVER_AGE_S = 24 * 3600
HEADS_BYTES_MAX = 64 << 20

FileArgument = Annotated[Path, typer.Argument(metavar="FILE")]
HeadOption = Annotated[
    list[str] | None,
    typer.Option(
        "--head",
        metavar="FILE|LINE",
        help="A head kept elsewhere, as scm log verify prints it, or a file of them. It may be given several times.",
    ),
]


class BackupInsideData(Refused):
    """{path} lies inside the data folder."""

    code = "backup-inside-data"
    hint = "Keep it elsewhere, best on another disk: what is lost with the folder is no backup."


class NotABackup(Refused):
    """{path} is there already, and is no backup."""

    code = "backup-target-foreign"
    hint = "Name another file. Only an older backup is replaced, with --replace."


class MakesByDefault(TyperGroup):
    """`scm backup FILE` is `scm backup make FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Whatever is neither a command of the group nor a call for help is a file."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["make", *args]
        return super().parse_args(ctx, args)


def make(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A folder gets a file named by the time.")],
    plain: Annotated[
        bool,
        typer.Option("--plain", help="Without a passphrase: anybody can read what titles and entries say in clear."),
    ] = False,
    replace: ReplaceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Back the data folder up into one sealed file. Read models are not in it: they are made anew."""
    session = session_of(context)
    if not is_node(session.folder):
        raise NoFolder(folder=str(session.folder))
    now = int(time.time())
    path = _target(session.folder, target, now, replace=replace)
    passphrase = None if plain else _passphrase(twice=True)
    _forget_leftovers(path.parent)
    replaced = path.exists()
    entered = enter(session.folder, lambda: _locked(session.folder))
    if isinstance(entered, RunningNode):
        _through(Client(entered), path, passphrase)
    else:
        _alone(session, entered, path, passphrase, now)
    with _reading(path, passphrase) as backup:  # As it lies there now: it opens with what was typed.
        manifest = backup.manifest
    size, heads = path.stat().st_size, _heads(manifest.heads)
    if as_json:
        say_json({"file": str(path), "bytes": size, "entries": manifest.entries, "heads": heads})
        return
    say(f"{path}  {size} bytes, {manifest.entries} entries")
    _say_heads(heads)
    if replaced:
        remark("It replaces the older backup that was there.")
    if in_database(session.folder / INTAKE_FOLDER):
        remark("What was reported to the author lies in PostgreSQL and is not in it: that database needs its own.")
    remark("Note the heads elsewhere: they prove a restored folder. Try it: scm backup verify FILE")
    if plain:
        remark(
            "It is not sealed, so neither wrapping keys nor recovery sheets are in it: it opens only with this "
            "machine's state folder."
        )
    else:
        remark("Without the passphrase nobody can open it, not even you. Erased words live on in older backups.")


def _locked(folder: Path) -> FolderLock:
    lock = FolderLock(folder / LOCK_FILE, Holder.COMMAND)
    lock.acquire()
    return lock


def _alone(session: Session, lock: FolderLock, path: Path, passphrase: str | None, now: int) -> None:
    """The backup of a folder in which no node runs, and whose lock is held; it is given back."""
    state = session.settings.state or state_folder()
    with contextlib.ExitStack() as opened:
        opened.callback(lock.release)
        forget_unfinished(session.folder)
        with progress("Copying and checking", None):
            made = opened.enter_context(contextlib.closing(begin_backup(session.folder, state, now, passphrase)))
        with progress("Sealing", made.manifest.size_bytes, in_bytes=True) as advance:
            write_pieces(path, made.pieces(advance))


def _through(api: Client, path: Path, passphrase: str | None) -> None:
    """The backup that the node makes of itself."""
    given = {"passphrase": passphrase}
    with contextlib.ExitStack() as opened:
        with progress("Copying and checking", None):
            size, pieces = opened.enter_context(api.download("POST", "/backup", LONG_S, json=given))
        with progress("Receiving", size, in_bytes=True) as advance:
            write_pieces(path, _counted(pieces, advance))


def _counted(pieces: Iterator[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        advance(len(piece))


def verify(context: typer.Context, file: FileArgument, head: HeadOption = None, as_json: JsonFlag = False) -> None:  # noqa: ARG001
    """Prove that a backup is whole: its seal, every file, every entry deep, and heads kept elsewhere."""
    kept = _kept(head)
    with _reading(file) as backup:
        with progress("Verifying", backup.manifest.size_bytes, in_bytes=True) as advance:
            report = backup_restore.verify(backup, kept, advance)
        made_at = _time(backup.manifest.made_at_s)
    if as_json:
        say_json({"ok": True, "made_at": made_at, "entries": report.entries, "heads": _heads(report.heads)})
        return
    _say_heads(_heads(report.heads))
    held = f"{counted(report.entries, 'entry', 'entries')} in {counted(report.logs, 'log')}"
    say(f"Sound: {held}, made {made_at} by release {backup.manifest.release}.")


def restore(context: typer.Context, file: FileArgument, head: HeadOption = None, as_json: JsonFlag = False) -> None:
    """Make a data folder of a backup, where there is none: --data names it. Every entry is verified first."""
    session, kept = session_of(context), _kept(head)
    state = session.settings.state or state_folder()
    with _reading(file) as backup, progress("Restoring", backup.manifest.size_bytes, in_bytes=True) as advance:
        done = backup_restore.restore(backup, session.folder, state, kept, advance)
    made_at = _time(done.made_at_s)
    if as_json:
        told = {"folder": str(session.folder), "made_at": made_at, "entries": done.report.entries}
        say_json(told | {"erased": done.erased, "opens": done.opens, "heads": _heads(done.report.heads)})
        return
    _say_heads(_heads(done.report.heads))
    say(f"{session.folder}  {done.report.entries} entries, as they were {made_at}")
    if done.erased:
        remark(f"Erased words stay erased: {done.erased} keys of the backup were destroyed again.")
    if not done.opens:
        remark("Its wrapping key is not on this machine: bring the state folder that belongs to it (SCM_STATE).")
    remark(
        "It begins logs of its own with the next command. Take in what the others have first: scm space import FILE. "
        "What was erased after the backup goes when their entries come."
    )


@contextlib.contextmanager
def _reading(path: Path, passphrase: str | None = None) -> Iterator[Backup]:
    with contextlib.ExitStack() as opened:
        try:
            file: BinaryIO = opened.enter_context(path.open("rb"))
        except OSError as error:
            raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from error
        yield Backup(file, _passphrase if passphrase is None else lambda: passphrase)


def _kept(given: list[str] | None) -> list[KeptHead]:
    heads: list[KeptHead] = []
    for each in given or ():
        path = Path(each)
        with contextlib.suppress(OSError):  # A line can be too long for a name.
            if path.is_file():
                heads += parse_heads(read_bytes(path, HEADS_BYTES_MAX))
                continue
        heads += parse_heads(each.encode("utf-8", "replace"))
    return heads


def _target(folder: Path, target: Path, now: int, *, replace: bool) -> Path:
    path = target.expanduser().absolute()
    if path.is_dir():
        path /= f"sc-manager-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"
    if path.resolve().is_relative_to(folder.resolve()):
        raise BackupInsideData(path=str(path))
    check_replaceable(path, is_backup, replace=replace, foreign=NotABackup)
    return path


def _forget_leftovers(folder: Path) -> None:
    """Remove halves of backups that a kill left beside the whole ones; one that still grows is younger."""
    with contextlib.suppress(OSError):
        for path in folder.glob(f".*{SUFFIX}.*.new"):
            if path.stat().st_mtime < time.time() - LEFTOVER_AGE_S:
                path.unlink(missing_ok=True)


def _passphrase(*, twice: bool = False) -> str:
    """From SCM_BACKUP_PASSPHRASE, or typed unseen, or from a pipe."""
    known = os.environ.get(SPOKEN_BY)
    if known is not None:
        return known
    hidden = sys.stdin.isatty()  # A script may answer through a pipe.
    answer: str = typer.prompt("Passphrase of the backup", hide_input=hidden, confirmation_prompt=twice, err=True)
    return answer


def _heads(ends: Iterable[audit.AuditedHead | HeadLine]) -> list[dict[str, Any]]:
    return [{"log": h.log, "branch": h.branch, "size": h.size, "root": h.root} for h in ends]


def _say_heads(heads: list[dict[str, Any]]) -> None:
    """As `scm log verify` prints them."""
    for head in sorted(heads, key=lambda each: (each["log"], each["branch"])):
        branch = f" branch {head['branch']}" if head["branch"] else ""
        say(f"log {short(head['log'])}{branch}  size {head['size']}  root {head['root'].hex()}")


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC):%Y-%m-%d %H:%M:%S} UTC"
