"""Reports of a node to the author: wires the reporter to the rest, and keeps the outbox to what is consented to."""

import contextlib
import hashlib
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from scmanager import __version__
from scmanager.adapters.outbox import Outbox
from scmanager.adapters.participation import Participation
from scmanager.adapters.private_files import state_folder
from scmanager.application import privacy
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.statistics import DAY_S
from scmanager.runtime import Node

if TYPE_CHECKING:
    from scmanager.application.reporter import Parts, Reporter

ACTOR = "reports"


def reporter_of(node: Node, parts: "Parts") -> "Reporter":
    """The reporter of an open node. One a node, as long as it is open. Most commands need none of its imports."""
    from scmanager.adapters.report_post import ReportPost
    from scmanager.application.reporter import Reporter

    settings = node.settings

    def now_s() -> int:
        return node.now_us() // 10**6

    secret = hashlib.sha3_256(b"scm/report-secret/1\n" + node.identity.vault_secret).digest()
    post = None
    if settings.report_to:
        post = ReportPost(settings.report_to, settings.trust, settings.state or state_folder(), now_s)
    return Reporter(
        node.store, node.shelf, node.vault, Outbox(settings.data), post, secret, __version__, now_s, parts,
        secrets.randbelow,
    )  # fmt: skip


def failures(
    reporter: "Reporter", node: Node, also: Callable[[str, BaseException], None]
) -> Callable[[str, BaseException], None]:
    """What the supervisor tells of a part that failed; the shape goes to the reporter, but for its own failures."""

    def failed(actor: str, error: BaseException) -> None:
        also(actor, error)
        if actor != ACTOR:
            from scmanager.master_ledger.error_shape import shape_of

            reporter.failed(shape_of(error, __version__, node.now_us() // 10**6))

    return failed


def keep_to_consents(node: Node) -> None:
    """Delete what waits without a consent that stands. For whoever has the folder open without a node that runs."""
    outbox = Outbox(node.settings.data)
    with contextlib.suppress(Exception):  # The next that opens the folder does it.
        stands = privacy.standing(node.shelf, node.store, node.vault)
        outbox.keep_only(set(stands.values()), node.now_us() // 10**6)
        drawn, today = Participation(node.settings.data), node.now_us() // 10**6 // DAY_S
        (drawn.forget if Purpose.STATISTICS in stands else drawn.give_up)(today)
    outbox.close()
