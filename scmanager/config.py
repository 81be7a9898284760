"""One frozen set of settings, read once at start; printed without secrets."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from scmanager.errors import Misconfigured

DEFAULT_PORT = 7411


class SettingWrong(Misconfigured):
    """The setting {name} cannot be {value}."""

    code = "setting-wrong"


class Settings(msgspec.Struct, frozen=True):
    """Where a node keeps its data and how it is reached. Environment variables begin with SCM_."""

    data: Path
    """SCM_DATA or --data: the one folder with everything that is backed up."""
    state: Path | None = None
    """SCM_STATE: this user's state folder, outside the data: wrapping key, folder mark. None: the system's place."""
    port: int = DEFAULT_PORT
    """SCM_PORT: on the loopback address; 0 for any free one."""
    postgres_dsn: str | None = None
    """SCM_POSTGRES_DSN: a PostgreSQL of one's own for the read models. None: a private one is started."""


def read_settings(environment: Mapping[str, str] | None = None, data: Path | None = None) -> Settings:
    """Settings from the environment, with `data` from the command line before SCM_DATA. Raises SettingWrong."""
    env = os.environ if environment is None else environment
    said = data or (Path(env["SCM_DATA"]) if env.get("SCM_DATA") else default_data_folder(env))
    folder = said.expanduser().absolute()
    with contextlib.suppress(OSError):  # What cannot be looked at is told when it is opened.
        if folder.is_file():
            raise SettingWrong(name="SCM_DATA (or --data)", value=f"{folder}: that is a file")
    port = env.get("SCM_PORT", str(DEFAULT_PORT))
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise SettingWrong(name="SCM_PORT", value=port)
    state = Path(env["SCM_STATE"]).absolute() if env.get("SCM_STATE") else None
    return Settings(folder, state, int(port), env.get("SCM_POSTGRES_DSN") or None)


def default_data_folder(environment: Mapping[str, str]) -> Path:
    """Where each system keeps a program's data for one user."""
    if os.name == "nt":
        return Path(environment.get("LOCALAPPDATA", "~/AppData/Local")) / "SC Manager"
    return Path(environment.get("XDG_DATA_HOME", "~/.local/share")) / "sc-manager"
