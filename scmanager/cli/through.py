"""The exchange of a node that runs in this folder, through its API: the same methods as `exchanging.Exchange`."""

from collections.abc import Sequence
from io import SEEK_END
from pathlib import Path
from typing import Any, Protocol

from scmanager.adapters.private_files import write_pieces
from scmanager.adapters.space_file import FileUnreadable
from scmanager.cli.client import OUTCOME, Client, result_of

PIECE_BYTES = 1 << 20
LONG_S = 1800.0
"""For what grows with the log: a whole space, read models made anew."""


class Exchange(Protocol):
    """What commands need of the exchange, wherever it runs."""

    def request(self, invitation: bytes) -> bytes:
        """See exchanging.Exchange."""

    def admit(
        self, request: bytes, role: bytes, member: bytes | None = None, command: bytes | None = None
    ) -> dict[str, Any]:
        """See exchanging.Exchange."""

    def enrol(self, request: bytes, command: bytes | None = None) -> dict[str, Any]:
        """See exchanging.Exchange."""

    def export_space(self, space: bytes, path: Path, *, with_keys: bool = True) -> int:
        """See exchanging.Exchange."""

    def import_space(self, path: Path) -> dict[str, Any]:
        """See exchanging.Exchange."""

    def discard(self, space: bytes, number: int) -> int:
        """See exchanging.Exchange."""

    def offer(self, space: bytes, recovery_keys: int | None = None) -> bytes:
        """See exchanging.Exchange."""

    def sign(self, offer: bytes, pages: Sequence[str]) -> bytes:
        """See exchanging.Exchange."""

    def take(self, signed: bytes) -> dict[str, Any]:
        """See exchanging.Exchange."""


class ThroughApi:
    """Fulfils Exchange. Raises what the node refused, NodeSilent."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def request(self, invitation: bytes) -> bytes:
        """See Exchange."""
        return self._file("spaceRequest", "$invitation: String!", {"invitation": _text(invitation)})

    def admit(
        self, request: bytes, role: bytes, member: bytes | None = None, command: bytes | None = None
    ) -> dict[str, Any]:
        """See Exchange."""
        given = {
            "request": _text(request),
            "roleId": role.hex(),
            "memberId": _hex(member),
            "commandId": _hex(command),
        }
        declared = "$request: String!, $roleId: ID!, $memberId: ID, $commandId: ID"
        return result_of(self._do("memberAdmit", declared, given, OUTCOME)["ids"])

    def enrol(self, request: bytes, command: bytes | None = None) -> dict[str, Any]:
        """See Exchange."""
        given = {"request": _text(request), "commandId": _hex(command)}
        return result_of(self._do("deviceAdmit", "$request: String!, $commandId: ID", given, OUTCOME)["ids"])

    def export_space(self, space: bytes, path: Path, *, with_keys: bool = True) -> int:
        """See Exchange."""
        asked = {"space": space.hex(), "keys": "true" if with_keys else "false"}
        with self._api.download("GET", "/exchange/export", LONG_S, params=asked) as (_, pieces):
            return write_pieces(path, pieces)

    def import_space(self, path: Path) -> dict[str, Any]:
        """See Exchange."""
        try:
            with path.open("rb") as file:
                size = file.seek(0, SEEK_END)
                file.seek(0)
                return self._api.import_file(iter(lambda: file.read(PIECE_BYTES), b""), size, LONG_S)
        except OSError as error:
            raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from error

    def discard(self, space: bytes, number: int) -> int:
        """See Exchange."""
        given = {"space": space.hex(), "number": number}
        waiting: int = self._do("pendingDiscard", "$space: ID!, $number: Whole!", given, "waiting")["waiting"]
        return waiting

    def offer(self, space: bytes, recovery_keys: int | None = None) -> bytes:
        """See Exchange."""
        given = {"space": space.hex(), "recoveryKeys": recovery_keys}
        return self._file("recoveryOffer", "$space: ID!, $recoveryKeys: Whole", given)

    def sign(self, offer: bytes, pages: Sequence[str]) -> bytes:
        """See Exchange. The pages travel over the loopback address only, to a node of the same owner."""
        given = {"offer": _text(offer), "pages": list(pages)}
        return self._file("recoverySign", "$offer: String!, $pages: [String!]!", given)

    def take(self, signed: bytes) -> dict[str, Any]:
        """See Exchange."""
        return self._do("recoveryTake", "$signed: String!", {"signed": _text(signed)}, "log space")

    def _file(self, name: str, declared: str, given: dict[str, Any]) -> bytes:
        text: str = self._do(name, declared, given, "text")["text"]
        return text.encode()

    def _do(self, name: str, declared: str, given: dict[str, Any], selected: str) -> dict[str, Any]:
        passed = ", ".join(f"{key}: ${key}" for key in given)
        told: dict[str, Any] = self._api.query(
            f"mutation({declared}) {{ {name}({passed}) {{ {selected} }} }}", given
        )[name]
        return told


def _text(file: bytes) -> str:
    return file.decode("utf-8", "replace")


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
