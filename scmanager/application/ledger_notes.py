"""What the author's node notes of statements that enter his ledger (SPEC A2): updates signed, plugins judged."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from scmanager.application.audit_intake import Note
from scmanager.domain.audit_types import AuditType
from scmanager.domain.ledger import AuditStatus, PluginSigned, UpdateSigned
from scmanager.eventstore.entry import digest
from scmanager.master_ledger.submission import Submission

_JUDGED: Final = MappingProxyType(
    {
        AuditStatus.PENDING: AuditType.PLUGIN_REGISTERED,
        AuditStatus.PASS: AuditType.PLUGIN_APPROVED,
        AuditStatus.BLOCKED: AuditType.PLUGIN_BLOCKED,
    }
)
"""Of a deprecated plugin nothing is noted: SPEC A2 has no type for it."""


def note_entered(note: Note, log: bytes, submissions: Sequence[Submission], indices: Sequence[int]) -> None:
    """Note what stands at these indices of the log. The same entry is noted once, however often this is called.

    So whoever died after an entry was committed enters the file again, and nothing is missing.
    """
    for said, index in zip(submissions, indices, strict=True):
        found = _of(said)
        if found is not None:
            type_, code, text = found
            once = digest("scm/ledger-audit/1", log, index.to_bytes(8, "big"))[:16]
            note(type_, code, f"ledger entry {index}", text, once)


def _of(said: Submission) -> tuple[AuditType, str, str] | None:
    """Its type, its code and what is told of it."""
    match said:
        case UpdateSigned(update):
            text = f"update {update.version} ({update.channel}): {update.content_hash}"
            return AuditType.UPDATE_SIGNED, "update-entered", text
        case PluginSigned(plugin) if plugin.audit_status in _JUDGED:
            text = f"plugin {plugin.id} {plugin.version} ({plugin.audit_status}): {plugin.content_hash}"
            return _JUDGED[plugin.audit_status], "plugin-entered", text
        case _:
            return None
