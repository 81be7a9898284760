"""The two programs a private PostgreSQL is made with: initdb, once, and the server itself."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from scmanager.adapters.postgres_binaries import Binaries
from scmanager.adapters.postgres_connection import USER
from scmanager.adapters.postgres_place import Place
from scmanager.adapters.postgres_process import Postmaster, find_postmaster
from scmanager.errors import Unavailable

_INITDB_TIMEOUT_S = 120


class InitFailed(Unavailable):
    """PostgreSQL could not make its data folder in {folder}: {reason}"""

    code = "postgres-init-failed"
    hint = "Read the reason; nothing was kept, so the next start tries again from the beginning."


class StartFailed(Unavailable):
    """PostgreSQL did not start ({reason}); its diagnostics are in {log}."""

    code = "postgres-start-failed"
    hint = (
        "Read the end of that file. If it tells of damage, delete the folder read-models in the data folder: the "
        "next start makes it anew from the events."
    )


class DiskFull(Unavailable):
    """There is no space left for PostgreSQL in {folder}."""

    code = "postgres-disk-full"
    hint = "Free some space (a hundred megabytes to begin with) and start again; nothing is lost."


def data_version(data: Path) -> str:
    """The major version that made this data folder; empty when there is none."""
    try:
        return (data / "PG_VERSION").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def initialise(place: Place, binaries: Binaries, password: str) -> None:
    """Make the data folder, in place of one that another version or a lost password made useless.

    Raises InitFailed, DiskFull.
    """
    fresh, secret = place.cluster / "data.new", place.cluster / "password.new"
    for old in (fresh, place.data):
        shutil.rmtree(old, ignore_errors=True)
    secret.unlink(missing_ok=True)
    descriptor = place.write_secret(secret, password)
    place.account.give(descriptor)
    os.close(descriptor)
    command = [binaries.program("initdb"), "-D", str(fresh), "-U", USER, "--pwfile", str(secret)]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    if sys.platform == "linux" and binaries.major >= 17:
        command += ["--sync-method=syncfs"]  # One wait for the disk, not a thousand (1.7 s, not 5, on a busy one).
    options = place.account.options()
    try:
        said = subprocess.run(
            command, cwd=place.cluster, capture_output=True, timeout=_INITDB_TIMEOUT_S, check=False, **options
        )
        text = (said.stderr or said.stdout).decode("utf-8", "replace").strip()
        if said.returncode == 0:
            fresh.rename(place.data)  # A killed initdb leaves nothing that looks finished.
            return
    except subprocess.TimeoutExpired:
        text = f"initdb took more than {_INITDB_TIMEOUT_S} s"
    finally:
        secret.unlink(missing_ok=True)
    shutil.rmtree(fresh, ignore_errors=True)
    refuse_full_disk(place, text)
    raise InitFailed(folder=str(place.cluster), reason=text[-600:])


def _arguments(data: Path, chosen: dict[str, str]) -> list[str]:
    return ["-D", str(data), *(word for name, value in chosen.items() for word in ("-c", f"{name}={value}"))]


def launch_directly(place: Place, binaries: Binaries, chosen: dict[str, str]) -> Postmaster:
    """Start the server as our child. Raises OSError."""
    log = place.open_log()
    try:
        child = subprocess.Popen(
            [binaries.program("postgres"), *_arguments(place.data, chosen)],
            cwd=place.cluster,
            stdout=log,
            stderr=log,
            umask=0o077,
            start_new_session=True,  # A Ctrl-C meant for the node must not end the server under it.
            **place.account.options(),
        )
    finally:
        os.close(log)
    return Postmaster(psutil.Process(child.pid), child)


def launch_by_pg_ctl(place: Place, binaries: Binaries, chosen: dict[str, str], timeout_s: float) -> Postmaster | None:
    """Start the server through pg_ctl; None when it did not come up."""
    # On Windows only pg_ctl can shed administrator rights, which the server refuses.
    words = " ".join(f"-c {name}={value}" for name, value in chosen.items())
    command = [binaries.program("pg_ctl"), "start", "-w", "-t", str(int(timeout_s)), "-D", str(place.data)]
    command += ["-l", str(place.log), "-o", words]
    # No pipes: the server would inherit them and the call would never end.
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s + 5,
            check=False,
            **place.account.options(),
        )
    return find_postmaster(place.data, place.account)


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_full_disk(place: Place, said: str) -> None:
    """Raise DiskFull if that is what a program's last words are about."""
    if "No space left on device" in said:
        raise DiskFull(folder=str(place.cluster), tail=said)
