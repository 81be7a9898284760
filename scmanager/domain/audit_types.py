"""The 25 types of audit events (SPEC A2): who raises each, and what happens then.

docs/audit-types.md is made from this table, with the test that raises each type by its real cause. A type that names
what it `needs` has no cause in this release: nothing raises it.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec


class AuditType(enum.StrEnum):
    """Never renamed; there are 25 of them."""

    UPDATE_SIGNED = "update-signed"
    UPDATE_DISTRIBUTED = "update-distributed"
    UPDATE_APPLIED = "update-applied"
    UPDATE_FAILED = "update-failed"
    UPDATE_ROLLED_BACK = "update-rolled-back"
    PLUGIN_REGISTERED = "plugin-registered"
    PLUGIN_APPROVED = "plugin-approved"
    PLUGIN_BLOCKED = "plugin-blocked"
    PLUGIN_INSTALLED = "plugin-installed"
    PLUGIN_UNINSTALLED = "plugin-uninstalled"
    PLUGIN_CRASHED = "plugin-crashed"
    TOS_VIOLATION = "tos-violation"
    PERMISSION_VIOLATION = "permission-violation"
    SANDBOX_ESCAPE = "sandbox-escape"
    INTEGRITY_FAILURE = "integrity-failure"
    P2P_MISMATCH = "p2p-mismatch"
    INSTANCE_REGISTERED = "instance-registered"
    INSTANCE_ACTIVE = "instance-active"
    INSTANCE_INACTIVE = "instance-inactive"
    ERROR_REPORTED = "error-reported"
    BUG_REPORTED = "bug-reported"
    FEATURE_USED = "feature-used"
    ACTION_PERFORMED = "action-performed"
    SESSION_STARTED = "session-started"
    SESSION_ENDED = "session-ended"


class Severity(enum.StrEnum):
    """How much it matters to the node's owner."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Kind(msgspec.Struct, frozen=True):
    """What a type is about."""

    emitter: str
    trigger: str
    severity: Severity = Severity.INFO
    needs: str = ""
    """What must exist before it has a cause; empty: it is raised."""
    consent: bool = False
    """Whether it is a statistic: only its owner's consent (SPEC A5) lets it be raised. It is not reported."""


_T, _W, _C = AuditType, Severity.WARNING, Severity.CRITICAL
_POLICIES = "policies of adapters (W4)"
_UPDATES, _PLUGINS = "updates (U3)", "plugins (P1 to P3)"

KINDS: Final[Mapping[AuditType, Kind]] = MappingProxyType(
    {
        _T.UPDATE_SIGNED: Kind("author's ledger", "an update that the author signed is entered"),
        _T.UPDATE_DISTRIBUTED: Kind("mesh", "an update is handed to the first peers", needs=_UPDATES),
        _T.UPDATE_APPLIED: Kind("updater", "a verified update is in use", needs=_UPDATES),
        _T.UPDATE_FAILED: Kind("updater", "an update does not verify, or cannot be applied", _W, _UPDATES),
        _T.UPDATE_ROLLED_BACK: Kind("updater", "the new version does not come up", _W, _UPDATES),
        _T.PLUGIN_REGISTERED: Kind("author's ledger", "a plugin is entered that waits to be judged"),
        _T.PLUGIN_APPROVED: Kind("author's ledger", "a plugin is entered that may run"),
        _T.PLUGIN_BLOCKED: Kind("author's ledger", "a plugin is entered that may not run", _W),
        _T.PLUGIN_INSTALLED: Kind("plugin host", "the owner installs a plugin", needs=_PLUGINS),
        _T.PLUGIN_UNINSTALLED: Kind("plugin host", "the owner removes a plugin", needs=_PLUGINS),
        _T.PLUGIN_CRASHED: Kind("plugin host", "a plugin traps, or passes a limit", _W, _PLUGINS),
        _T.TOS_VIOLATION: Kind("policy", "an act would break the terms of the game or of an adapter", _W, _POLICIES),
        _T.PERMISSION_VIOLATION: Kind(
            "API guard; exchange",
            "a request without the token, for a foreign Host, or from a foreign Origin; an event of somebody else "
            "that goes beyond the rights of its author",
            _W,
        ),
        _T.SANDBOX_ESCAPE: Kind("plugin host", "a plugin reaches for what it was not granted", _C, _PLUGINS),
        _T.INTEGRITY_FAILURE: Kind(
            "whoever opens the folder; auditor; scm log verify",
            "the log, the keys or the identity are not what was written; a log signed two histories",
            _C,
        ),
        _T.P2P_MISMATCH: Kind("exchange", "what another machine sent does not prove what it claims", _W),
        _T.INSTANCE_REGISTERED: Kind("scm init", "a data folder gets its identity"),
        _T.INSTANCE_ACTIVE: Kind("node", "the node serves"),
        _T.INSTANCE_INACTIVE: Kind("node", "the node stops"),
        _T.ERROR_REPORTED: Kind("supervisor; API", "an actor fails and is started again; a request fails inside", _W),
        _T.BUG_REPORTED: Kind("audit vault", "a fingerprint of an error rises"),
        _T.FEATURE_USED: Kind("API", "a feature is used", consent=True),
        _T.ACTION_PERFORMED: Kind("API", "a command is carried out", consent=True),
        _T.SESSION_STARTED: Kind("API", "the owner begins to work", consent=True),
        _T.SESSION_ENDED: Kind("API", "the owner ends working", consent=True),
    }
)  # fmt: skip
"""By type, in the order of SPEC A2."""
