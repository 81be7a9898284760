"""Keys behind the real keyring of a desktop (Secret Service), in a bus session of its own; else skipped, loudly."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

NEEDED = ("dbus-run-session", "dbus-send", "gnome-keyring-daemon")
KEYRING = """
set -e
printf '%s' "$LOGIN" | gnome-keyring-daemon --foreground --unlock --components=secrets > /dev/null &
trap "kill $!" EXIT
ask="dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner"
for _ in $(seq 100); do
    $ask string:org.freedesktop.secrets | grep -q true && break
    sleep 0.1
done
scm() { "$PYTHON" -m scmanager --data "$DATA" "$@"; }
"""
FOUND = """
scm init --keyring > /dev/null
scm org found Halo --handle Vesper > /dev/null
"""
VERIFY = """
scm log verify --deep --json
scm org rename Nova > /dev/null
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(shutil.which(program) is None for program in NEEDED),
        reason=f"SKIPPED: a real keyring needs {' and '.join(NEEDED)}",
    ),
]


def session(folder: Path, script: str, login: str) -> "subprocess.CompletedProcess[str]":
    """Run a script in a bus session of its own, whose keyring lies in `folder`."""
    (folder / "home").mkdir(mode=0o700, exist_ok=True)
    unset = {
        "SCM_DATA",
        "SCM_STATE",
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
        "DBUS_SESSION_BUS_ADDRESS",
        "GNOME_KEYRING_CONTROL",
    }
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    with tempfile.TemporaryDirectory() as run:  # A short path: the daemon's socket lies there.
        places = {"HOME": str(folder / "home"), "XDG_RUNTIME_DIR": run, "DATA": str(folder / "data")}
        return subprocess.run(
            ["dbus-run-session", "--", "sh", "-c", script],
            env=kept | places | {"LOGIN": login, "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            timeout=120,
        )


def test_an_identity_behind_the_real_keyring_opens_with_that_keyring_only(tmp_path: Path) -> None:
    opened = session(tmp_path, KEYRING + FOUND + VERIFY, "a login")
    assert opened.returncode == 0, opened.stderr
    assert json.loads(opened.stdout.splitlines()[0])["ok"] is True

    shutil.rmtree(tmp_path / "home" / ".local" / "share" / "keyrings")
    elsewhere = session(tmp_path, KEYRING + VERIFY, "another login")
    assert elsewhere.returncode == 3
    assert "wrapping-key-missing" in elsewhere.stderr
