"""Under which user a private PostgreSQL runs, and what that user can reach.

PostgreSQL refuses to run as root. A node that runs as root (a container, a system service) lends it an existing
user without rights; every other node runs it as itself, and then nothing here changes an owner.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scmanager.errors import Misconfigured

_UNPRIVILEGED = ("postgres", "nobody")


class NoAccount(Misconfigured):
    """PostgreSQL cannot run here: {reason}."""

    code = "no-account-for-postgresql"
    hint = (
        "Start the node as an ordinary user that the system knows (an entry in /etc/passwd), "
        "or name a running server in SCM_POSTGRES_DSN."
    )


@dataclass(frozen=True, slots=True)
class Account:
    """The user who owns the data folder and runs the server."""

    uid: int
    gid: int
    lent: bool
    """True when we are root and this is somebody else."""

    def options(self) -> dict[str, Any]:
        """What `subprocess` needs to run a program as this user, without our groups, secrets or open files."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        options: dict[str, Any] = {"env": kept | {"LC_ALL": "C"}, "stdin": subprocess.DEVNULL}
        if self.lent:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def give(self, path: Path | int) -> None:
        """Hand over a file or folder that this program made. Without effect when not root."""
        if self.lent:
            _chown(path, self.uid, self.gid)

    def can(self, flag: str, path: Path) -> bool:
        """Whether this user may read (`r`), enter or execute (`x`) a path. Asked of the system, not computed."""
        if not self.lent:
            return os.access(path, {"r": os.R_OK, "x": os.X_OK}[flag])
        script = ["/bin/sh", "-c", f'test -{flag} "$1"', "sh", str(path)]
        return subprocess.run(script, cwd="/", timeout=10, check=False, **self.options()).returncode == 0

    def runs(self, program: str) -> bool:
        """Whether this user can really execute it."""
        try:
            asked = subprocess.run(
                [program, "--version"], cwd="/", timeout=10, check=False, capture_output=True, **self.options()
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return asked.returncode == 0


# Not the whole environment: the server's is readable by every process of its user, and ours may hold secrets.
_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")

if sys.platform == "win32":

    def account() -> Account:
        """Ourselves; pg_ctl gives up administrator rights by itself."""
        return Account(0, 0, lent=False)

    def _chown(path: Path | int, uid: int, gid: int) -> None:
        raise AssertionError(f"{path} keeps its owner here, not {uid}:{gid}")

else:
    import pwd

    def account() -> Account:
        """Ourselves, or as root the first unprivileged user the system has. Raises NoAccount."""
        uid = os.geteuid()
        if uid != 0:
            try:
                pwd.getpwuid(uid)
            except KeyError:
                raise NoAccount(reason=f"user number {uid} has no name on this system") from None
            return Account(uid, os.getegid(), lent=False)
        for name in _UNPRIVILEGED:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            lent = Account(entry.pw_uid, entry.pw_gid, lent=True)
            if entry.pw_uid != 0 and _can_become(lent):
                return lent
        raise NoAccount(reason=f"it refuses root, and there is no user {' or '.join(_UNPRIVILEGED)} we can run it as")

    def _can_become(lent: Account) -> bool:
        # Root of a container may lack the right, or the user may not exist in its namespace.
        try:
            subprocess.run(["/bin/sh", "-c", ":"], cwd="/", timeout=10, check=True, **lent.options())
        except (OSError, subprocess.SubprocessError):
            return False
        return True

    def _chown(path: Path | int, uid: int, gid: int) -> None:
        os.chown(path, uid, gid)
