"""What a witness has cosigned, in one SQLite file: any number of threads and processes may decide in it at once.

Looking, judging and writing are one transaction; when `consider` returns without an error, what it says is durable.
Heads are only ever added: of each log every head that was cosigned, as its log signed it, and the newest few that
were refused. A copy of the file that was put back is noticed by a mark that stands elsewhere, as long as that does.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from scmanager.adapters.private_files import PrivateFileFailed, private_folder, read_private
from scmanager.errors import Misconfigured, Untrusted
from scmanager.eventstore.sqlite_faults import FAULTS, file_fault
from scmanager.master_ledger.log_list import ListedLog
from scmanager.master_ledger.witnessing import Asked, Evidence, Kept, LogFrozen, NotConsistent, judge, signed

FORMAT = 1
WAIT_S = 10.0
REFUSED_MAX = 32
"""Heads of one log that were refused and are kept all the same: they may be half of an evidence."""
MARK_BYTES = 20

_SCHEMA = """
CREATE TABLE cosigner (vkeys TEXT NOT NULL) STRICT;
CREATE TABLE head (
  n INTEGER PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL,
  cosigned INTEGER NOT NULL
) STRICT;
CREATE INDEX head_by_size ON head (origin, size);
CREATE TABLE newest (
  origin TEXT PRIMARY KEY, name BLOB NOT NULL UNIQUE, n INTEGER NOT NULL REFERENCES head (n), note BLOB NOT NULL
) STRICT;
CREATE TABLE evidence (
  origin TEXT PRIMARY KEY, name BLOB NOT NULL UNIQUE, one BLOB NOT NULL, other BLOB NOT NULL, proof BLOB NOT NULL
) STRICT;
CREATE TRIGGER head_stays BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'heads are only added'); END;
CREATE TRIGGER head_remains BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'heads are only added'); END;
CREATE TRIGGER evidence_stays BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is kept'); END;
CREATE TRIGGER evidence_remains BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is kept'); END;
"""


class WitnessMemoryOther(Misconfigured):
    """The memory {path} is that of another witness."""

    code = "witness-memory-other"
    hint = "A key goes with its own memory. With a fresh key begin a fresh folder: scm witness init."


class WitnessMemoryDamaged(Untrusted):
    """What this witness has cosigned is not whole any more: {path} ({reason})."""

    code = "witness-memory-damaged"
    hint = "Keep a copy, and begin anew under a fresh key and name: without its memory a witness could cosign a fork."


class WitnessRolledBack(Untrusted):
    """The memory {path} was put back: {n} heads were kept, and it knows {found}."""

    code = "witness-rolled-back"
    hint = "Bring the newest copy. If there is none, begin anew under a fresh key and name: scm witness init."


class WitnessMemory:
    """The heads that one witness cosigned. `mark`: a file that is in no backup of `path`."""

    def __init__(self, path: Path, mark: Path, vkeys: tuple[str, ...]) -> None:
        """Made if it is not there.

        Raises WitnessMemoryOther, WitnessRolledBack, WitnessMemoryDamaged, FileUnusable.
        """
        self._path, self._mark = path, mark
        self._lock = threading.Lock()
        self.convicted: Callable[[str], None] = lambda _: None
        """Told the origin of each log that is frozen from now on, once its evidence is kept."""
        with self._told():
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=WAIT_S)
            self._file.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;")
        with self._deciding():
            if not self._one("PRAGMA user_version")[0]:
                for statement in _statements(_SCHEMA):
                    self._file.execute(statement)
                self._file.execute("INSERT INTO cosigner VALUES (?)", ("\n".join(vkeys),))
                self._file.execute(f"PRAGMA user_version={FORMAT}")
            (known,) = self._one("SELECT vkeys FROM cosigner")
            if known != "\n".join(vkeys):
                raise WitnessMemoryOther(path=str(path))
            self._most = self._marked()
            self._check_grown()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def consider(self, asked: Asked, log: ListedLog | None, cosign: Callable[[str], bytes]) -> bytes:
        """The lines for a head that continues what was cosigned, after it is kept. `cosign` makes them of its text.

        Raises what is wrong with the request (`witnessing`), once that is kept which tells against the log; and
        WitnessRolledBack, WitnessMemoryDamaged, FileUnusable.
        """
        head = signed(asked, log)
        assert log is not None
        with self._deciding():
            most = self._check_grown()
            if self._found("SELECT 1 FROM evidence WHERE origin = ?", log.origin):
                raise LogFrozen
            like = self._kept("size = ? AND root <> ?", log.origin, head.size, head.root)
            outcome = judge(asked, head, log, self._latest(log.origin), like)
            if outcome.evidence is not None:
                self._convict(log.origin, outcome.evidence)
            if outcome.problem is None:
                lines = cosign(asked.text)
                self._cosigned(log.origin, outcome.head, lines)
            elif isinstance(outcome.problem, NotConsistent | LogFrozen):
                self._refused(log.origin, outcome.head)
            most = max(most, self._count())
        self._remember(most)
        if outcome.evidence is not None:
            self.convicted(log.origin)
        if outcome.problem is not None:
            raise outcome.problem
        return lines

    def newest(self, name: bytes) -> bytes | None:
        """The note last cosigned of the log with this SHA-256 of its origin, with the witness's lines."""
        return self._asked_for("SELECT note FROM newest WHERE name = ?", name)

    def evidence(self, name: bytes) -> bytes | None:
        """What convicts that log, None if nothing does."""
        with self._lock, self._told():
            row = self._found("SELECT one, other, proof FROM evidence WHERE name = ?", name)
        return None if row is None else Evidence(*row).to_bytes()

    def frozen(self) -> list[str]:
        """The origins of the logs that were seen with two histories."""
        with self._lock, self._told():
            return [origin for (origin,) in self._file.execute("SELECT origin FROM evidence ORDER BY origin")]

    def latest(self, origin: str) -> Kept | None:
        """The head last kept of a log."""
        with self._lock, self._told():
            return self._latest(origin)

    def known(self, origin: str, size: int) -> Kept | None:
        """The head of this size that was kept; None if none was."""
        with self._lock, self._told():
            return self._kept("size = ? AND cosigned = 1", origin, size)

    def history(self, origin: str) -> list[Kept]:
        """Every head of a log that was cosigned, the first one first."""
        with self._lock, self._told():
            found = self._file.execute(
                "SELECT size, root, note FROM head WHERE origin = ? AND cosigned = 1 ORDER BY n", (origin,)
            ).fetchall()
        return [Kept(*row) for row in found]

    def _cosigned(self, origin: str, head: Kept, lines: bytes) -> None:
        same = self._found(
            "SELECT n FROM head WHERE origin = ? AND size = ? AND cosigned = 1", origin, head.size
        )  # fmt: skip
        n = same[0] if same else self._added(origin, head, cosigned=True)
        self._file.execute(
            "INSERT INTO newest VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET n = excluded.n,"
            " note = excluded.note",
            (origin, sha256(origin.encode()).digest(), n, head.note + lines),
        )

    def _refused(self, origin: str, head: Kept) -> None:
        if self._kept("size = ? AND root = ?", origin, head.size, head.root) is None:
            (count,) = self._one("SELECT count(*) FROM head WHERE origin = ? AND cosigned = 0", origin)
            if count < REFUSED_MAX:
                self._added(origin, head, cosigned=False)

    def _added(self, origin: str, head: Kept, *, cosigned: bool) -> int:
        row = (origin, head.size, head.root, head.note, int(cosigned))
        made = self._file.execute("INSERT INTO head (origin, size, root, note, cosigned) VALUES (?, ?, ?, ?, ?)", row)
        assert made.lastrowid is not None
        return made.lastrowid

    def _convict(self, origin: str, found: Evidence) -> None:
        row = (origin, sha256(origin.encode()).digest(), found.first, found.second, found.proof)
        self._file.execute("INSERT INTO evidence VALUES (?, ?, ?, ?, ?)", row)

    def _latest(self, origin: str) -> Kept | None:
        row = self._found(
            "SELECT size, root, head.note FROM newest JOIN head USING (n) WHERE newest.origin = ?", origin
        )  # fmt: skip
        return None if row is None else Kept(*row)

    def _kept(self, where: str, *values: object) -> Kept | None:
        row = self._found(f"SELECT size, root, note FROM head WHERE origin = ? AND {where}", *values)  # noqa: S608
        return None if row is None else Kept(*row)

    def _count(self) -> int:
        return int(self._one("SELECT coalesce(max(n), 0) FROM head")[0])

    def _check_grown(self) -> int:
        found = self._count()
        if found < self._most:
            raise WitnessRolledBack(path=str(self._path), n=self._most, found=found)
        return found

    def _marked(self) -> int:
        raw = read_private(self._mark, MARK_BYTES) or b"0"
        return int(raw) if raw.isdigit() and len(raw) <= MARK_BYTES else 0

    def _remember(self, most: int) -> None:
        """Before the answer leaves. It is not synced: after a power cut an older mark still says something."""
        with self._lock:
            if most <= self._most:
                return
            self._most = most
        fresh = self._mark.with_name(f".{self._mark.name}.{threading.get_ident()}.new")
        try:
            private_folder(self._mark.parent)
            fresh.write_bytes(b"%d" % most)
            fresh.replace(self._mark)
        except OSError as error:
            raise PrivateFileFailed(path=str(self._mark), act="written", reason=error.strerror or "?") from error

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """A transaction that nobody else's overlaps; kept whole when the block ends without an error."""
        with self._lock, self._told():
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._file.execute("COMMIT")
            finally:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except FAULTS as error:
            fault = file_fault(error, self._path)
            raise fault or WitnessMemoryDamaged(path=str(self._path), reason=str(error)) from error

    def _asked_for(self, query: str, name: bytes) -> bytes | None:
        with self._lock, self._told():
            row = self._found(query, name)
        return None if row is None else bytes(row[0])

    def _found(self, query: str, *values: object) -> Any:
        return self._file.execute(query, values).fetchone()

    def _one(self, query: str, *values: object) -> Any:
        row = self._found(query, *values)
        if row is None:
            raise WitnessMemoryDamaged(path=str(self._path), reason="a row is missing")
        return row


def _statements(script: str) -> Iterator[str]:
    """One by one: `executescript` would commit first."""
    said = ""
    for line in script.splitlines(keepends=True):
        said += line
        if sqlite3.complete_statement(said):
            yield said
            said = ""
