"""Which commands the command line has beside the verbs, and where each stands."""

import importlib
from collections.abc import Callable
from typing import Any

import typer

Command = str | Callable[..., Any]
"""A function by its place below this package: its module is imported when a command of its group is asked for."""

THINGS: dict[str, dict[str, Command]] = {
    "organisation": {
        "found": "organisations.found",
        "list": "organisations.list_organisations",
        "hand-over": "taking_over.sign",
    },
    "role": {"list": "people.list_roles"},
    "member": {
        "list": "people.list_members",
        "show": "members.show",
        "invite": "spaces.invite",
        "admit": "spaces.admit",
    },
    "device": {
        "list": "people.list_devices",
        "invite": "spaces.invite_device",
        "request": "spaces.request_device",
        "enrol": "spaces.enrol",
    },
    "hangar": {
        "import": "hangar.import_file",
        "imports": "hangar.list_imports",
        "wishes": "hangar.list_wishes",
        "undo-import": "hangar.undo_import",
    },
    "ship": {"list": "ships.list_ships", "models": "models.list_models"},
    "fleet": {"list": "ships.list_fleets"},
    "squadron": {"list": "ships.list_squadrons"},
    "operation": {
        "list": "operations.list_operations",
        "show": "operations.show",
        "field": "operations.field",
        "calendar": "operations.export_calendar",
    },
    "contact": {"list": "diplomacy.list_contacts", "history": "diplomacy.history"},
    "treaty": {"list": "diplomacy.list_treaties", "versions": "diplomacy.versions"},
    "character": {"list": "characters.list_characters", "show": "characters.show"},
    "notification": {"list": "inbox.inbox"},
    "document": {
        "list": "documents.list_documents",
        "show": "documents.show",
        "edit": "documents.edit",
        "history": "documents.history",
        "diff": "documents.diff",
        "undo": "documents.undo",
        "leave-out": "leaving.leave_out",
        "take-in": "leaving.take_in",
    },
    "space": {
        "list": "spaces.list_spaces",
        "export": "spaces.export",
        "import": "spaces.import_",
        "request": "spaces.request",
        "pending": "pending.list_pending",
        "discard": "pending.discard",
    },
    "recovery": {
        "confirm": "recovery.confirm",
        "offer": "taking_over.offer",
        "sign": "taking_over.sign",
        "take": "taking_over.take",
    },
    "event": {"void": "events.void"},
    "audit": {
        "list": "audit_events.list_audit_events",
        "bundle": "audit_evidence.bundle",
        "check": "audit_evidence.check_bundle",
        "replay": "audit_replay.replay",
        "verify": "audit_verify.verify",
        "explain": "audit_explain.explain",
        "diff": "audit_diff.diff",
        "export": "audit_export.export",
    },
    "privacy": {
        "show": "privacy.show",
        "consent": "privacy.consent",
        "waiting": "reporting.waiting",
        "sent": "reporting.sent",
        "export": "access.export",
        "certificate": "certificates.certificate",
        "region": "law.region",
        "duties": "law.duties",
        "breach": "law.breach",
    },
    "log": {"show": "log.show", "verify": "log.verify", "forks": "log.forks"},
    "author": {
        "keygen": "author_keys.keygen",
        "manifest": "author_keys.publish",
        "sign-update": "author_statements.sign_update",
        "sign-plugin": "author_statements.sign_plugin",
        "revoke": "author_keys.revoke",
        "countersign": "author_keys.countersign",
        "show": "author_keys.show",
        "init": "author_ledger.init",
        "append": "author_ledger.append",
        "count": "author_counts.count",
        "log": "author_ledger.show_log",
        "prove": "author_ledger.prove",
        "publish": "author_ledger.publish",
        "cosign": "author_witnesses.cosign",
        "upload": "author_witnesses.upload",
        "anchor": "author_witnesses.anchor",
        "statistics": "statistics.release",
        "intake-store": "intake_store.install",
        "intake-init": "author_intake.init",
        "intake-log": "author_intake.show_log",
        "vault": "author_vault.show_vault",
        "serve": "author_intake.serve",
        "name-server": "author_naming.name_server",
    },
    "verify": {
        "update": "verifying.update",
        "plugin": "verifying.plugin",
        "fork": "verifying.fork",
        "erasure": "certificates.erasure",
        "anchor": "author_witnesses.verify_anchor",
    },
    "ledger": {
        "fetch": "ledger.fetch",
        "show": "ledger.show",
        "fork": "ledger.fork",
        "statistics": "statistics.read",
        "serve": "ledger_serving.serve",
        "greet": "ledger_greeting.greet",
        "mirror": "ledger_mirroring.mirror_ledger",
        "updates": "ledger_registry.list_updates",
        "plugins": "ledger_registry.list_plugins",
        "plugin": "ledger_registry.show_plugin",
    },
    "witness": {
        "init": "witnessing.init",
        "show": "witnessing.show",
        "add-log": "witnessing.add_log",
        "serve": "witnessing.serve",
        "verify-fork": "witnessing.verify_fork",
    },
    "mirror": {
        "init": "mirroring.init",
        "show": "mirroring.show",
        "add-log": "mirroring.add_log",
        "serve": "mirroring.serve",
    },
    "backup": {"make": "backups.make", "verify": "backups.verify"},
    "projections": {"status": "running.projections_status", "rebuild": "running.projections_rebuild"},
}

TOP: dict[str, Command] = {
    "init": "organisations.init",
    "up": "running.up",
    "demo": "demo.demo",
    "import": "hangar.import_file",
    "export": "exports.export",
    "restore": "backups.restore",
    "erase": "erasing.erase",
    "inbox": "inbox.inbox",
    "search": "searching.search",
    "why": "why.why",
    "contested": "contests.list_contested",
    "settle": "contests.settle",
    "undo": "undoing.undo",
    "query": "running.query",
    "version": "running.version",
}

GROUP_HELP = {
    "space": "Spaces travel as files: export, import, ask for admission; look at what waits for its beginning.",
    "recovery": "Recovery sheets: confirm yours; take over the founder's seat with one.",
    "event": "What you said that came to nothing: look at it, and say it again.",
    "audit": "What your machines noticed; what was so when and why; and evidence of it, for strangers.",
    "log": "What was recorded: look at it, and prove that nobody changed it.",
    "author": "For the author: keys and signatures, made without a network; his ledger.",
    "verify": "Whether a file is what the author released; certificates of erasure, anchors, evidence of forks.",
    "ledger": "The author's ledger as this machine has seen it.",
    "witness": "Be a witness: cosign the heads of logs that only grow, the author's or anybody's.",
    "mirror": "Be a mirror: keep whole copies of logs that are uploaded to you, and sign that you do.",
    "backup": "The data folder as one sealed file: scm backup FILE makes it, scm backup verify FILE proves it.",
    "projections": "The read models: how far they are, and making them anew.",
}

WITHOUT_REMINDER = frozenset(
    {"recovery", "version", "demo", "restore", "author", "verify", "ledger", "witness", "mirror"}
)
"""Where the reminder of an unconfirmed recovery sheet would be in the way."""


GROUP_KINDS: dict[str, str] = {"backup": "backups.MakesByDefault"}
"""Groups that are more than a list of commands."""


def is_own(verb: str) -> bool:
    """Whether a command of ours stands in a verb's place (and calls the verb itself)."""
    thing, _, act = verb.partition(".")
    return act in THINGS.get(thing, {}) or verb in TOP


def group_of(thing: str, act: str | None = None) -> typer.Typer:
    """A group with our commands of one thing; where one is named, with this at most."""
    kind = _found(GROUP_KINDS[thing]) if thing in GROUP_KINDS else None
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, cls=kind)
    for name, command in THINGS.get(thing, {}).items():
        if act in (None, name):
            group.command(name)(_found(command))
    return group


def add_top(app: typer.Typer, name: str) -> None:
    """Enter one of those that stand in no group."""
    app.command(name)(_found(TOP[name]))


def _found(command: Command) -> Any:
    if not isinstance(command, str):
        return command
    module, _, name = command.rpartition(".")
    return getattr(importlib.import_module(f"scmanager.cli.{module}"), name)
