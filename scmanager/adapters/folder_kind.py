"""What kind of place a data folder is: a disk of this machine, a share of another, or a folder that something syncs.

SQLite's locks and shared memory are not to be trusted on a share, and a sync client copies a database in the midst of
a write and puts older copies back (design, section 4). Both are refused before anything is written there. What the
whole machine runs from (mounted at the root) is never refused: a machine without disks has nothing better.

Not seen: a service that takes the user's desktop or documents along without leaving a mark, and a network disk that
poses as a local one.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import psutil

from scmanager.errors import Misconfigured

_NETWORK = """
nfs nfs3 nfs4 cifs smb smb2 smb3 smbfs afpfs afs ncpfs ncp coda ceph glusterfs lustre gpfs beegfs orangefs pvfs2 gfs2
ocfs2 moosefs davfs webdav ftp sshfs acfs vboxsf prl_fs vmhgfs drvfs
"""
_NETWORK_FUSE = """
sshfs rclone rclonefs s3fs gcsfuse goofys blobfuse blobfuse2 davfs davfs2 curlftpfs smbnetfs gvfsd-fuse kio-fuse
glusterfs ceph ceph-fuse cephfs mfs juicefs seaweedfs vmhgfs-fuse grpcfuse nfs smb afp onedriver
"""
NETWORK = frozenset(_NETWORK.split())
"""File systems of other machines, and the folders that a virtual machine's host lends it."""
NETWORK_FUSE = frozenset(_NETWORK_FUSE.split())
"""By the name after `fuse.`; those that encrypt or join folders are as local as what they cover."""

SYNC_NAMES: Mapping[str, tuple[str, ...]] = {
    "Dropbox": ("dropbox", "dropbox (*)"),
    "OneDrive": ("onedrive", "onedrive - *", "onedrive-*"),
    "iCloud Drive": ("iclouddrive", "icloud drive", "com~apple~clouddocs", "mobile documents"),
    "Google Drive": ("google drive", "googledrive", "googledrive-*", "my drive"),
    "Nextcloud": ("nextcloud", "owncloud"),
}
"""A folder above (or the folder itself) with one of these names, in any case, belongs to this service."""
SYNC_MARKS: Mapping[str, tuple[str, ...]] = {
    "Dropbox": (".dropbox.cache",),
    "Google Drive": (".tmp.drivedownload", ".tmp.driveupload", ".shortcut-targets-by-id"),
    "Nextcloud": (".sync_*.db", "._sync_*.db", ".nextcloudsync.log", ".owncloudsync.log"),
    "Syncthing": (".stfolder",),
}
"""What a service leaves in the folder it syncs, and nowhere else (`.dropbox` lies in its user's home too)."""
SYNC_SETTINGS: Mapping[str, str] = {
    "OneDrive": "OneDrive",
    "OneDriveConsumer": "OneDrive",
    "OneDriveCommercial": "OneDrive",
}
"""Environment variables that name a synced folder."""


class FolderOnNetwork(Misconfigured):
    """The folder {folder} lies on another machine ({file_system})."""

    code = "folder-network"
    hint = "Choose a data folder on a disk of this machine (SCM_DATA or --data)."


class FolderSynced(Misconfigured):
    """The folder {folder} is synced by {service}."""

    code = "folder-synced"
    hint = (
        "Choose a data folder that nothing syncs (SCM_DATA or --data); a second machine joins as a device of its own."
    )


class Mount(NamedTuple):
    """One place where a file system is hung in."""

    point: PurePath
    type: str
    source: str = ""
    options: str = ""


def check_folder(folder: Path) -> None:
    """Refuse a place that cannot hold a store; it need not exist yet. Raises FolderOnNetwork, FolderSynced."""
    place = folder.expanduser().resolve()
    if file_system := network_of(place, mounts()):
        raise FolderOnNetwork(folder=str(folder), file_system=file_system)
    # The way as it was named counts too: a link out of a synced folder is copied by what syncs it.
    for way in dict.fromkeys((place, folder.expanduser().absolute())):
        if service := syncing(way, os.environ, names_in):
            raise FolderSynced(folder=str(folder), service=service)


def mounts() -> list[Mount]:
    """What is hung in where, on this machine."""
    try:
        return parse_mountinfo(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        found = psutil.disk_partitions(all=True)  # Not Linux.
    return [Mount(PurePath(each.mountpoint), each.fstype.lower(), each.device, each.opts) for each in found]


def parse_mountinfo(text: str) -> list[Mount]:
    """Linux's own list. Lines that do not look like it are passed over."""
    found = []
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if dash and len(fields) >= 6 and len(rest) >= 2:
            found.append(Mount(PurePosixPath(_plain(fields[4])), rest[0], _plain(rest[1]), " ".join(rest[2:])))
    return found


def _plain(field: str) -> str:
    """Blanks and backslashes are written as three octal digits there."""
    return re.sub(r"\\([0-7]{3})", lambda digits: chr(int(digits[1], 8)), field)


def network_of(place: PurePath, hung: Iterable[Mount]) -> str | None:
    """The file system's name if this absolute, resolved path lies on another machine; None if it is local."""
    if isinstance(place, PureWindowsPath) and (share := _share(place)):
        return share
    mount = None
    for each in hung:
        if place.is_relative_to(each.point) and (mount is None or len(each.point.parts) >= len(mount.point.parts)):
            mount = each  # The innermost; of two at one place the later covers the earlier.
    if mount is None:
        return None
    if isinstance(place, PureWindowsPath):
        return "network drive" if "remote" in mount.options.split(",") else None
    return mount.type if mount.point != PurePosixPath("/") and is_network(mount) else None


def _share(place: PureWindowsPath) -> str | None:
    r"""`\\server\share`; not `\\?\C:` and `\\.\`, which are long spellings of local paths."""
    drive = place.drive.replace("/", "\\")
    if drive.lower().startswith("\\\\?\\unc\\"):
        return "\\\\" + drive[8:]
    return drive if drive.startswith("\\\\") and drive[2:4] not in {"?\\", ".\\"} else None


def is_network(mount: Mount) -> bool:
    """By type; what FUSE hides and 9p shares are told by their names and sources."""
    kind, _, behind = mount.type.lower().partition(".")
    if kind == "9p":  # A sandbox's own disk, or the Windows side of WSL, where SQLite's shared memory does not work.
        return mount.source == "drvfs" or "aname=drvfs" in mount.options
    if kind in {"fuse", "macfuse", "osxfuse", "fusefs"}:
        remote = mount.source.startswith("//") or "://" in mount.source or re.match(r"[^/]+:(/|$)", mount.source)
        return behind in NETWORK_FUSE or mount.source.partition("#")[0] in NETWORK_FUSE or bool(remote)
    return kind in NETWORK


def syncing(
    place: PurePath, environment: Mapping[str, str], names: Callable[[PurePath], Iterable[str]]
) -> str | None:
    """The service that syncs this absolute path, as far as names and marks tell. `names`: what lies in a folder."""
    for setting, service in SYNC_SETTINGS.items():
        root = environment.get(setting)
        if root and place.is_relative_to(type(place)(root)):
            return service
    ways = (place, *place.parents)
    for way in ways:
        name = way.name.casefold()
        for service, patterns in SYNC_NAMES.items():
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                return service
        if way.parent.name == "CloudStorage" and way.parent.parent.name == "Library":
            return way.name.partition("-")[0]  # Where macOS puts every provider's files.
    for way in ways:
        held = tuple(names(way))
        for service, marks in SYNC_MARKS.items():
            if any(fnmatchcase(name, mark) for mark in marks for name in held):
                return service
    return None


def names_in(folder: PurePath) -> list[str]:
    """Hidden names in a folder; none when it is not there or not for us to see."""
    try:
        with os.scandir(folder) as found:
            return [each.name for each in found if each.name.startswith(".")]
    except OSError:
        return []
