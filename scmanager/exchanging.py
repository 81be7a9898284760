"""What leaves and comes as files, backups too, for whoever asks: the command line by itself, or a running node's API.

Files come and go as their bytes, so that both ways are the same. Every method waits for the disk and may take the
shelf's lock: call it where waiting is allowed.
Raises what the node raises, and Untrusted for a file that is not whole.
"""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from scmanager import founders_seat
from scmanager.adapters import recovery_sheet
from scmanager.adapters.backup_source import SealedBackup, begin_backup
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.space_file import (
    Request,
    parse_hand_over,
    parse_invitation,
    parse_request,
    parse_signed_hand_over,
)
from scmanager.adapters.space_reading import read_space
from scmanager.application.audit_foreign import from_outside, judged, note_void
from scmanager.application.audit_intake import Note, unheard
from scmanager.application.exchange import Fork
from scmanager.application.pieces import discard, dropped_rows, pending_rows
from scmanager.application.writer import Result
from scmanager.domain.audit_types import AuditType
from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.member import Standing
from scmanager.errors import Refused
from scmanager.runtime import Node


class NotAwaited(Refused):
    """This request speaks for somebody who was not invited ({standing})."""

    code = "request-not-awaited"
    hint = "Whoever wrote it chose the name: ask who they are, then say as whom with --member, or invite them."


class RequestOfAnother(Refused):
    """This request speaks for somebody else: its device would act as you, with all your rights."""

    code = "request-of-another"
    hint = "A newcomer's request is for scm member admit; a device of yours asks with your own scm device invite."


class Exchange:
    """The exchange of one node (api.backend.Exchange)."""

    def __init__(self, node: Node, note: Note = unheard) -> None:
        """`note` hears of what does not prove what it claims, and of what goes beyond its author's rights."""
        self._node, self._note = node, note

    def place_for_file(self) -> Path:
        """A name in the data folder for a file that is on its way; the next start removes what was left there."""
        return self._node.settings.data / f".exchange.{secrets.token_hex(8)}.new"

    def invitation(self, space: bytes, member: bytes) -> bytes:
        """The file for somebody who was invited."""
        return _file(self._node.invitation(space, member))

    def request(self, invitation: bytes) -> bytes:
        """Open a log in the space of an invitation; the request to hand back. Each call opens another log."""
        return _file(self._node.request(parse_invitation(invitation)))

    def admit(self, request: bytes, role: bytes, member: bytes | None = None, command: bytes | None = None) -> Result:
        """Let in the device of a request, with a role's rank and rights; as whom it says, unless told otherwise."""
        asked = self._parse(request)
        if member is None:
            self._check_awaited(asked)
        self._take(asked)
        given = {
            "member_id": asked.member if member is None else member, "role_id": role,
            "log": asked.log, "device": asked.device, "box": asked.box,
        }  # fmt: skip
        return self._node.do("member.grant", asked.space, given, command)

    def _parse(self, request: bytes) -> Request:
        """Raises NoSuchSpace, and Untrusted for what its device did not sign."""
        with from_outside(self._note, "request"):
            asked = parse_request(request)
        self._node.shelf.space(asked.space)
        return asked

    def _take(self, asked: Request) -> None:
        with from_outside(self._note, asked.device.hex()):
            self._node.take_request(asked)

    def _check_awaited(self, asked: Request) -> None:
        """A request's writer chose for whom it speaks: only the place of somebody who was invited is free."""
        with self._node.shelf.lock:
            space = self._node.shelf.space(asked.space)
            state: Any = space.state(MEMBERS, asked.member)
            sent_twice = any(each.grant.log == asked.log for each in space.grants())
        if state.standing is not Standing.INVITED and not sent_twice:
            raise NotAwaited(standing=state.standing.value)

    def enrol(self, request: bytes, command: bytes | None = None) -> Result:
        """Let another machine of the owner's act as him. Raises RequestOfAnother, NotAMember."""
        asked = self._parse(request)
        if asked.member != self._node.writer.grant(asked.space).member:
            raise RequestOfAnother
        self._take(asked)
        given = {"log": asked.log, "device": asked.device, "box": asked.box, "transport": asked.transport}
        return self._node.do("device.enrol", asked.space, given, command)

    def export_space(self, space: bytes, path: Path, *, with_keys: bool = True) -> int:
        """Write a space that is held here to a file; its size in bytes."""
        return self._node.export_space(space, path, with_keys=with_keys)

    def import_space(self, path: Path) -> Result:
        """Check a space file from end to end, then take in what is new: space, logs, entries, closed, acts.

        `pending`: what waits in the space for entries that are missing; `dropped`: what proved wrong when they came.
        """
        with from_outside(self._note, "space file"):
            read = read_space(path)
        shelf, mark = self._node.shelf, judged(self._node.shelf, read.space)
        with from_outside(self._note, read.space.hex()):
            admitted = self._node.import_space(read)
        for each in admitted.dropped:
            self._note(AuditType.P2P_MISMATCH, each.code, each.log.hex(), "entries that waited are none of their log")
        note_void(self._note, shelf, self._node.vault, read.space, mark)
        with self._node.shelf.lock:
            space, own = self._node.shelf.space(read.space), set(self._node.vault.logs_of(read.space))
            acts = any(own & set(each.levels) for each in space.grants())
            closed = space.waiting[1]
            pending = pending_rows(self._node.store, read.space)
        return {
            "space": read.space.hex(), "logs": admitted.logs, "entries": admitted.entries,
            "closed": closed, "acts": acts, "pending": pending, "dropped": dropped_rows(admitted.dropped),
        }  # fmt: skip

    def backup(self, passphrase: str | None) -> SealedBackup:
        """The whole data folder as one sealed file, to be read and closed; None: open, and without secrets."""
        settings = self._node.settings
        self._node.own_logs.remember()
        state = settings.state or state_folder()
        return begin_backup(settings.data, state, self._node.now_us() // 1_000_000, passphrase)

    def everything(
        self, conninfo: str, schema: str, spaces: Sequence[bytes], *, csv: bool, bom: bool, keys: bool
    ) -> Iterator[bytes]:
        """These spaces in open formats, as a ZIP archive that grows while it is read (exporting.py)."""
        from scmanager.exporting import Wanted, export  # With it comes psycopg, which only a running node needs.

        return export(self._node, conninfo, schema, spaces, Wanted(csv, bom, keys))

    def forks(self, space: bytes) -> list[Fork]:
        """The alarms of a space, each with its proof."""
        return self._node.forks(space)

    def pending(self, space: bytes) -> Result:
        """The runs of a space that wait (`waiting`), and those that proved wrong (`dropped`). Raises NoSuchSpace."""
        store, held = self._node.store, self._node.shelf.space(space).id
        return {
            "waiting": pending_rows(store, held),
            "dropped": dropped_rows(each for each in store.pending.dropped() if each.space == held),
        }

    def discard(self, space: bytes, number: int) -> int:
        """Let a waiting run of a space go, or strike a dropped one off the list. Raises RunGone.

        Returns how many runs of the space wait still.
        """
        discard(self._node.store, self._node.shelf, space, number)
        return len(pending_rows(self._node.store, space))

    def offer(self, space: bytes, recovery_keys: int | None = None) -> bytes:
        """Ask the recovery keys for the founder's seat; the new recovery sheet lies in the data folder."""
        return _file(founders_seat.offer(self._node, space, recovery_keys))

    def sign(self, offer: bytes, pages: Sequence[str]) -> bytes:
        """The recovery keys' word on an offer, from pages of the sheet as they are printed or typed."""
        asked = parse_hand_over(offer)
        seeds = [seed for page in pages for seed in recovery_sheet.parse(page)]
        return _file(founders_seat.sign(self._node, asked, seeds))

    def take(self, signed: bytes) -> Result:
        """Take the founder's seat that an offer of this machine asked for: space, and the new log."""
        answer = parse_signed_hand_over(signed)
        log = founders_seat.take(self._node, answer)
        return {"log": log.hex(), "space": answer.recovery.statement.space.hex()}


def _file(line: msgspec.Struct) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def sheet_of(offer: bytes) -> str:
    """The file name of the recovery sheet that was made with an offer."""
    made = parse_hand_over(offer)
    return f"recovery-{made.space.hex()[:12]}-{made.key.hex()[:6]}.txt"
