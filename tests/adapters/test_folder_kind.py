"""Shares and synced folders are refused before anything is written there."""

import os
from collections.abc import Iterable
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.adapters import folder_kind
from scmanager.adapters.folder_kind import (
    FolderOnNetwork,
    FolderSynced,
    Mount,
    check_folder,
    is_network,
    names_in,
    network_of,
    parse_mountinfo,
    syncing,
)
from scmanager.config import Settings
from scmanager.runtime import Node, init_node
from tests.support.machines import Machine

MOUNTINFO = r"""27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 27 0:21 / /proc rw,relatime - proc proc rw
40 27 0:50 / /home rw,relatime shared:20 - autofs systemd-1 rw,fd=42
41 27 8:17 / /home rw,relatime shared:21 - btrfs /dev/sdb1 rw,subvol=/home
42 41 0:51 / /home/ada/nas rw,relatime shared:22 - nfs4 nas.lan:/export rw,vers=4.2
43 41 0:52 / /home/ada/my\040share rw,relatime shared:23 master:4 - cifs //nas/share rw,vers=3.1.1
44 41 0:53 / /home/ada/remote rw,nosuid - fuse.sshfs ada@host:/srv rw,user_id=1000
45 41 0:54 / /home/ada/drive rw,nosuid - fuse.rclone gdrive: rw,user_id=1000
46 41 0:55 / /home/ada/vault rw,nosuid - fuse.gocryptfs /home/ada/.cipher rw
47 41 8:33 / /media/ada/STICK rw,nosuid - fuseblk /dev/sdc1 rw
48 41 0:56 / /run/user/1000/gvfs rw,nosuid - fuse.gvfsd-fuse gvfsd-fuse rw
49 27 0:57 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync,aname=drvfs;path=C:\;uid=1000
50 27 0:58 / /mnt/sandbox rw,noatime - 9p none rw,trans=fd,rfdno=4
51 41 0:59 / /home/ada/odd rw - fuse.unheardof odd.lan:/x rw
52 41 0:60 / /home/ada/joined rw - fuse.mergerfs a:b rw
53 41 8:49 / /home/ada/nas/local rw - ext4 /dev/sdd1 rw
54 41 0:61 / /home/ada/old rw - fuse sshfs#ada@host: rw
nonsense
1 2 - x
"""


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("/var/lib/scm", None),
        ("/home/ada/scm", None),
        ("/home/ada/nas/scm", "nfs4"),
        ("/home/ada/nas", "nfs4"),
        ("/home/ada/nasty", None),
        ("/home/ada/nas/local/scm", None),
        ("/home/ada/my share/scm", "cifs"),
        ("/home/ada/remote/scm", "fuse.sshfs"),
        ("/home/ada/drive/scm", "fuse.rclone"),
        ("/home/ada/vault/scm", None),
        ("/media/ada/STICK/scm", None),
        ("/run/user/1000/gvfs/smb-share:server=nas/scm", "fuse.gvfsd-fuse"),
        ("/mnt/c/Users/ada/scm", "9p"),
        ("/mnt/sandbox/scm", None),
        ("/home/ada/odd/scm", "fuse.unheardof"),
        ("/home/ada/joined/scm", None),
        ("/home/ada/old/scm", "fuse"),
    ],
)
def test_linux_says_which_folders_lie_on_another_machine(place: str, found: str | None) -> None:
    assert network_of(PurePosixPath(place), parse_mountinfo(MOUNTINFO)) == found


def test_of_two_file_systems_at_one_place_the_later_counts() -> None:
    local = "41 27 8:17 / /data rw - ext4 /dev/sdb1 rw\n"
    share = "42 27 0:51 / /data rw - nfs nas:/x rw\n"
    assert network_of(PurePosixPath("/data/scm"), parse_mountinfo(local + share)) == "nfs"
    assert network_of(PurePosixPath("/data/scm"), parse_mountinfo(share + local)) is None


def test_a_machine_that_runs_from_the_network_has_nothing_better() -> None:
    mounts = parse_mountinfo("27 1 0:9 / / rw - nfs server:/root rw\n42 27 0:51 / /home rw - nfs server:/home rw\n")
    assert network_of(PurePosixPath("/var/lib/scm"), mounts) is None
    assert network_of(PurePosixPath("/home/ada/scm"), mounts) == "nfs"
    assert network_of(PurePosixPath("/var/lib/scm"), []) is None


@pytest.mark.parametrize(
    ("kind", "source", "network"),
    [
        ("apfs", "/dev/disk3s5", False),
        ("smbfs", "//ada@nas._smb._tcp.local/share", True),
        ("afpfs", "//nas/share", True),
        ("webdav", "https://cloud.example/dav", True),
        ("macfuse", "ada@host:/srv", True),
        ("macfuse", "https://cloud.example/dav", True),
        ("macfuse", "/dev/disk5", False),
        ("NFS", "nas:/x", True),
    ],
)
def test_the_mac_says_it_by_type_and_source(kind: str, source: str, network: bool) -> None:
    assert is_network(Mount(PurePosixPath("/Volumes/share"), kind, source)) is network


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (r"C:\Users\ada\AppData\Local\SC Manager", None),
        (r"Z:\scm", "network drive"),
        (r"\\nas\share\scm", "\\\\nas\\share"),
        (r"\\?\UNC\nas\share\scm", r"\\nas\share"),
        (r"\\?\C:\scm", None),
        (r"\\wsl.localhost\Ubuntu\home\ada", r"\\wsl.localhost\Ubuntu"),
        (r"Q:\scm", None),
    ],
)
def test_windows_knows_shares_by_name_and_mapped_drives_by_their_kind(place: str, found: str | None) -> None:
    drives = [
        Mount(PureWindowsPath("C:\\"), "ntfs", "C:\\", "rw,fixed"),
        Mount(PureWindowsPath("Z:\\"), "ntfs", "Z:\\", "rw,remote"),
    ]
    assert network_of(PureWindowsPath(place), drives) == found


def nothing(folder: PurePath) -> Iterable[str]:
    return ()


@pytest.mark.parametrize(
    ("place", "service"),
    [
        ("/home/ada/.local/share/sc-manager", None),
        ("/home/ada/Dropbox/scm", "Dropbox"),
        ("/home/ada/Dropbox (Nova)/deep/scm", "Dropbox"),
        ("/home/ada/Dropboxes/scm", None),
        ("/home/ada/Nextcloud", "Nextcloud"),
        ("/home/ada/ownCloud/scm", "Nextcloud"),
        ("/Users/ada/Library/Mobile Documents/com~apple~CloudDocs/scm", "iCloud Drive"),
        ("/Users/ada/Library/CloudStorage/OneDrive-Personal/scm", "OneDrive"),
        ("/Users/ada/Library/CloudStorage/GoogleDrive-ada@x/My Drive/scm", "Google Drive"),
        ("/Users/ada/Library/CloudStorage/Box-Box/scm", "Box"),
        ("/Users/ada/Library/Application Support/scm", None),
    ],
)
def test_a_synced_folder_is_known_by_the_names_above_it(place: str, service: str | None) -> None:
    assert syncing(PurePosixPath(place), {}, nothing) == service


def test_windows_services_are_known_by_name_and_setting() -> None:
    settings = {"OneDriveCommercial": r"D:\Work Files", "OneDrive": ""}
    for place, service in (
        (r"C:\Users\ada\OneDrive - Nova Corp\scm", "OneDrive"),
        (r"D:\work files\scm", "OneDrive"),
        (r"C:\Users\ada\iCloudDrive\scm", "iCloud Drive"),
        (r"G:\My Drive\scm", "Google Drive"),
        (r"C:\Users\ada\AppData\Local\SC Manager", None),
    ):
        assert syncing(PureWindowsPath(place), settings, nothing) == service


@pytest.mark.parametrize(
    ("mark", "service"),
    [
        (".dropbox.cache", "Dropbox"),
        (".dropbox", None),
        (".sync_8c1f.db", "Nextcloud"),
        ("._sync_8c1f.db", "Nextcloud"),
        (".tmp.drivedownload", "Google Drive"),
        (".stfolder", "Syncthing"),
        (".bashrc", None),
    ],
)
def test_a_synced_folder_is_known_by_what_the_service_leaves_in_it(
    tmp_path: Path, mark: str, service: str | None
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / mark).touch()
    assert syncing(tmp_path / "files" / "deep" / "scm", {}, names_in) == service
    assert syncing(tmp_path / "elsewhere", {}, names_in) is None


def test_a_node_is_not_made_in_a_synced_folder_and_nothing_is_left_there(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "Dropbox" / "scm", tmp_path / "state")
    with pytest.raises(FolderSynced) as refused:
        init_node(settings)
    assert refused.value.facts["service"] == "Dropbox"
    assert not settings.data.parent.exists()


def test_a_node_does_not_open_in_a_folder_that_came_to_be_synced(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "ada")
    machine.open().close()
    (machine.settings.data / ".stfolder").mkdir()
    with pytest.raises(FolderSynced):
        Node(machine.settings)


def test_a_link_does_not_hide_where_a_folder_lies(tmp_path: Path) -> None:
    (tmp_path / "Nextcloud").mkdir()
    (tmp_path / "plain").mkdir()
    try:
        (tmp_path / "link").symlink_to(tmp_path / "Nextcloud", target_is_directory=True)
        (tmp_path / "Nextcloud" / "out").symlink_to(tmp_path / "plain", target_is_directory=True)
    except OSError:
        pytest.fail("this system's test user may not make links")
    for place in (tmp_path / "link" / "scm", tmp_path / "Nextcloud" / "out" / "scm"):
        with pytest.raises(FolderSynced):
            check_folder(place)


def test_a_folder_on_a_share_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_kind, "mounts", lambda: [Mount(PurePath(tmp_path.resolve()), "nfs4", "nas:/x")])
    if os.name == "nt":
        monkeypatch.setattr(folder_kind, "network_of", lambda place, hung: "nfs4")
    with pytest.raises(FolderOnNetwork, match="nfs4"):
        init_node(Settings(tmp_path / "scm", tmp_path / "state"))
    assert not (tmp_path / "scm").exists()


def test_this_machines_own_list_is_read() -> None:
    points = {str(each.point) for each in folder_kind.mounts()}
    assert points
    assert {each.mountpoint for each in psutil.disk_partitions()} <= points


@given(st.text(max_size=300))
def test_any_text_is_read_as_a_list_of_mounts(text: str) -> None:
    for mount in parse_mountinfo(text):
        assert network_of(PurePosixPath("/home"), [mount]) in (None, mount.type)
