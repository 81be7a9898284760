"""Machines: real nodes in temporary folders, each with a state folder of its own and a clock the test holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scmanager.config import Settings
from scmanager.runtime import Node, clock_us, init_node

DAY_S = 24 * 3600


class Clock:
    """This machine's clock: the real one, moved by what the test says."""

    def __init__(self) -> None:
        self.ahead_s = 0

    def __call__(self) -> int:
        return clock_us() + self.ahead_s * 1_000_000

    def daily(self, act: Callable[[], int], days: int) -> list[int]:
        """What an act gives, once a day from tomorrow on."""
        given = []
        for _ in range(days):
            self.ahead_s += DAY_S
            given.append(act())
        return given


class Machine:
    """One installation. `open` gives its node; the folder stays."""

    def __init__(self, folder: Path, name: str) -> None:
        self.settings = Settings(folder / name / "data", folder / name / "state", port=0)
        self.clock = Clock()
        init_node(self.settings)

    def open(self, data: Path | None = None) -> Node:
        settings = Settings(data, self.settings.state, port=0) if data else self.settings
        return Node(settings, clock=self.clock)


def found(node: Node, title: str = "Nova", handle: str = "ada") -> bytes:
    """Found an organisation; its space."""
    return bytes.fromhex(node.found_organisation(title, "", handle)["space"])


def officer_role(node: Node, space: bytes, rank: int = 2) -> bytes:
    rights = ("member.invite", "member.grant", "member.remove", "member.represent", "fleet.manage")
    return bytes.fromhex(node.do("role.define", space, {"title": "Officer", "rank": rank, "rights": rights})["role"])


def let_in(host: Node, guest: Node, space: bytes, role: bytes, folder: Path) -> bytes:
    """Invite, request, grant, export, import, join: the guest's member id."""
    member = bytes.fromhex(host.do("member.invite", space, {})["member"])
    request = guest.request(host.invitation(space, member))
    host.take_request(request)
    arguments = {"member_id": member, "role_id": role, "log": request.log, "device": request.device}
    host.do("member.grant", space, arguments | {"box": request.box})
    carry(host, guest, space, folder)
    guest.do("member.join", space, {"handle": "guest"})
    return member


def carry(source: Node, target: Node, space: bytes, folder: Path) -> Any:
    """Export a space with its keys and import it elsewhere."""
    from scmanager.adapters.space_reading import read_space

    path = folder / "carried.scm"
    source.export_space(space, path)
    return target.import_space(read_space(path))
