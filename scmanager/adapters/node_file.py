"""`node.json`: how other programs find the node that runs on a data folder, for as long as it runs."""

from pathlib import Path

import msgspec
import psutil

from scmanager.adapters.folder_lock import holder_of
from scmanager.adapters.private_files import parse_json, read_private, write_private
from scmanager.errors import Untrusted

NODE_FILE = "node.json"
LOCK_FILE = "node.lock"


class NodeFileDamaged(Untrusted):
    """The file that says how to reach the node is not whole."""

    code = "node-file-damaged"
    hint = "Delete node.json in the data folder; a running node writes it anew when it is started again."


class NodeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach a running node."""

    pid: int
    port: int
    token: str
    reports_to: str | None = None
    """The server of the author's that it reports to; None: it was told of none."""


def write_node_file(folder: Path, file: NodeFile) -> None:
    """In place of whatever a killed node left. Raises PrivateFileFailed."""
    write_private(folder / NODE_FILE, msgspec.json.encode(file))


def find_node(folder: Path) -> NodeFile | None:
    """The node that runs on this folder, as its file says; None when there is none. Raises NodeFileDamaged.

    A node that was killed leaves its file behind: one whose process is gone, or no longer holds the folder, is none.
    """
    raw = read_private(folder / NODE_FILE)
    if raw is None:
        return None
    file = parse_json(raw, NodeFile, NodeFileDamaged())
    return file if psutil.pid_exists(file.pid) and holder_of(folder / LOCK_FILE) == file.pid else None


def is_node(folder: Path) -> bool:
    """Whether this folder holds an identity."""
    return (folder / "device.json").exists()
