"""Audit events of a node: where they are raised from, and what raises them. Wires the auditor to the rest.

An open node has an auditor. Who has only the folder (`scm init`, `scm log verify`, whoever finds that it cannot be
opened) leaves a note in its spool, which the next that opens the folder takes into the owner's log.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from scmanager import __version__
from scmanager.adapters.audit_spool import AuditSpool
from scmanager.adapters.folder_mark import MarkDamaged
from scmanager.adapters.identity import IdentityDamaged
from scmanager.adapters.key_vault import VaultDamaged
from scmanager.application.audit_intake import Intake, Note
from scmanager.application.auditor import Auditor
from scmanager.domain.audit_types import AuditType
from scmanager.errors import ScManagerError
from scmanager.eventstore.audit_chunk import Finding
from scmanager.eventstore.file_faults import DiskFailed
from scmanager.eventstore.own_tables import GUARD_MISSING
from scmanager.eventstore.store import StoreDamaged
from scmanager.runtime import EVENTS_FILE, Node, clock_us

ACTOR = "audit"
FINDINGS_MAX = 8
"""Of one verification. The first few tell what is wrong; the verification itself lists all."""
_DAMAGE = (StoreDamaged, DiskFailed, VaultDamaged, IdentityDamaged, MarkDamaged)


def auditor_of(node: Node) -> Auditor:
    """The auditor of an open node. One a node, as long as it is open."""
    leave_mended(node.settings.data, node.store.mended)
    secret = hashlib.sha3_256(b"scm/audit-secret/1\n" + node.identity.vault_secret).digest()
    return Auditor(
        node.store, node.shelf, node.writer, node.vault, node.now_us, secrets.token_bytes,
        AuditSpool(node.settings.data), secret, __version__, node.settings.region,
    )  # fmt: skip


@contextlib.contextmanager
def audited(node: Node) -> Iterator[Note]:
    """An auditor while the block lasts, without a thread: it records what waits before, and what came, after.

    What it cannot do is told nowhere: the block's own work is worth more.
    """
    auditor = auditor_of(node)
    with contextlib.suppress(Exception):
        auditor.work()
    try:
        yield auditor.note
    finally:
        with contextlib.suppress(Exception):
            auditor.work(closing=True)


def leave(folder: Path, type_: AuditType, code: str, source: str = "", text: str = "") -> None:
    """A note for whoever opens the folder next. Harmless where nothing can be written."""
    intake = Intake(clock_us, secrets.token_bytes, lambda: None)
    intake(type_, code, source, text)
    for cause in intake.take()[0]:
        AuditSpool(folder).put(cause)


def leave_findings(folder: Path, findings: tuple[Finding, ...]) -> None:
    """What a verification found, unless the store is there for reading only: then it is somebody's evidence."""
    if not os.access(folder / EVENTS_FILE, os.W_OK):
        return
    for each in findings[:FINDINGS_MAX]:
        text = f"log {each.log.hex()} entry {each.seq}: {each.what}" if each.log else each.what
        leave(folder, AuditType.INTEGRITY_FAILURE, each.code, each.log.hex(), text)


def leave_mended(folder: Path, mended: tuple[str, ...]) -> None:
    """That the store's own guards were gone when it was opened: somebody wrote to its file past us."""
    if mended:
        text = f"missing, and made anew: {', '.join(mended)}"
        leave(folder, AuditType.INTEGRITY_FAILURE, GUARD_MISSING, "own folder", text)


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[None]:
    """While a folder is opened: a note of what proves damaged."""
    try:
        yield
    except _DAMAGE as error:
        leave(folder, AuditType.INTEGRITY_FAILURE, error.code, "own folder", str(error))
        raise


def actor_failed(note: Note) -> Callable[[str, BaseException], None]:
    """What the supervisor tells of an actor that failed. Of the one that writes audit events it is told nothing."""

    def failed(actor: str, error: BaseException) -> None:
        if actor == ACTOR:
            return
        code = error.code if isinstance(error, ScManagerError) else type(error).__name__
        damaged = isinstance(error, _DAMAGE)
        type_ = AuditType.INTEGRITY_FAILURE if damaged else AuditType.ERROR_REPORTED
        note(type_, code, actor, f"{actor} failed: {type(error).__name__}")  # Never the message: it may hold data.

    return failed
