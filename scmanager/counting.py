"""What a node's use comes to, with its owner's consent: wires the counting to the rest.

Audit events of use go to the auditor; records go to the outbox, if a server is named that they are sent to.
"""

import secrets
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from scmanager import __version__
from scmanager.adapters.outbox import Outbox
from scmanager.adapters.participation import Participation
from scmanager.application import privacy
from scmanager.application.audit_intake import Intake
from scmanager.application.personal import own_space
from scmanager.application.usage import Usage
from scmanager.domain.consent import consent_hash
from scmanager.domain.consent_texts import Purpose, current
from scmanager.domain.statistics import MetaValue, Record
from scmanager.master_ledger.statistics_batch import KIND
from scmanager.runtime import Node

ACTOR = "statistics"
PLATFORMS: Final[Mapping[str, MetaValue]] = MappingProxyType(
    {"linux": MetaValue.LINUX, "darwin": MetaValue.MACOS, "win32": MetaValue.WINDOWS}
)


def usage_of(node: Node, note: Intake) -> Usage:
    """Of an open node; one a node, as long as it is open. `note`: the auditor's."""
    folder, outbox = node.settings.data, Outbox(node.settings.data)

    def now_s() -> int:
        return node.now_us() // 10**6

    def consented() -> bool:
        stands = privacy.standing(node.shelf, node.store, node.vault)
        note.statistics = Purpose.STATISTICS in stands
        return note.statistics

    def owner() -> bytes | None:
        with node.shelf.lock:
            return own_space(node.shelf, node.store, node.vault)

    def keep(record: Record) -> None:
        if node.settings.report_to is not None:
            ground = consent_hash(Purpose.STATISTICS, current(Purpose.STATISTICS))
            outbox.put(KIND.name, KIND.purpose.value, ground, msgspec.json.encode(record), now_s())

    usage = Usage(
        note, now_s, consented, owner, keep, Participation(folder), secrets.token_bytes, __version__,
        node.settings.region, PLATFORMS.get(sys.platform),
    )  # fmt: skip
    node.shelf.listen(usage.look)
    return usage
