"""Which commands the command line has beside the verbs, and where each stands."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from scmanager.cli import (
    backups,
    characters,
    contests,
    demo,
    diplomacy,
    documents,
    erasing,
    events,
    exports,
    hangar,
    inbox,
    log,
    operations,
    organisations,
    pending,
    people,
    recovery,
    running,
    searching,
    spaces,
    taking_over,
    why,
)

THINGS: dict[str, dict[str, Callable[..., Any]]] = {
    "organisation": {
        "found": organisations.found,
        "list": organisations.list_organisations,
        "hand-over": taking_over.sign,
    },
    "role": {"list": people.list_roles},
    "member": {"list": people.list_members, "invite": spaces.invite, "admit": spaces.admit},
    "device": {
        "list": people.list_devices,
        "invite": spaces.invite_device,
        "request": spaces.request_device,
        "enrol": spaces.enrol,
    },
    "hangar": {"import": hangar.import_file},
    "ship": {"list": people.list_ships},
    "fleet": {"list": people.list_fleets},
    "squadron": {"list": people.list_squadrons},
    "operation": {
        "list": operations.list_operations,
        "show": operations.show,
        "field": operations.field,
        "calendar": operations.export_calendar,
    },
    "contact": {"list": diplomacy.list_contacts, "history": diplomacy.history},
    "treaty": {"list": diplomacy.list_treaties, "versions": diplomacy.versions},
    "character": {"list": characters.list_characters},
    "document": {
        "list": documents.list_documents,
        "show": documents.show,
        "edit": documents.edit,
        "history": documents.history,
        "diff": documents.diff,
        "undo": documents.undo,
    },
    "space": {
        "list": spaces.list_spaces,
        "export": spaces.export,
        "import": spaces.import_,
        "request": spaces.request,
        "pending": pending.list_pending,
        "discard": pending.discard,
    },
    "recovery": {
        "confirm": recovery.confirm,
        "offer": taking_over.offer,
        "sign": taking_over.sign,
        "take": taking_over.take,
    },
    "event": {"void": events.void},
    "log": {"show": log.show, "verify": log.verify, "forks": log.forks},
    "backup": {"make": backups.make, "verify": backups.verify},
    "projections": {"status": running.projections_status, "rebuild": running.projections_rebuild},
}

TOP: dict[str, Callable[..., Any]] = {
    "init": organisations.init,
    "up": running.up,
    "demo": demo.demo,
    "import": hangar.import_file,
    "export": exports.export,
    "restore": backups.restore,
    "erase": erasing.erase,
    "inbox": inbox.inbox,
    "search": searching.search,
    "why": why.why,
    "contested": contests.list_contested,
    "settle": contests.settle,
    "query": running.query,
    "version": running.version,
}

GROUP_HELP = {
    "space": "Spaces travel as files: export, import, ask for admission.",
    "recovery": "Recovery sheets: confirm yours; take over the founder's seat with one.",
    "event": "What you said that came to nothing: look at it, and say it again.",
    "log": "What was recorded: look at it, and prove that nobody changed it.",
    "backup": "The data folder as one sealed file: scm backup FILE makes it, scm backup verify FILE proves it.",
    "projections": "The read models: how far they are, and making them anew.",
}

WITHOUT_REMINDER = frozenset({"recovery", "version", "demo", "restore"})
"""Where the reminder of an unconfirmed recovery sheet would be in the way."""


GROUP_KINDS: dict[str, type[TyperGroup]] = {"backup": backups.MakesByDefault}
"""Groups that are more than a list of commands."""


def is_own(verb: str) -> bool:
    """Whether a command of ours stands in a verb's place (and calls the verb itself)."""
    thing, _, act = verb.partition(".")
    return act in THINGS.get(thing, {}) or verb in TOP


def add_commands(app: typer.Typer, group_of: Callable[[str], typer.Typer]) -> None:
    """Enter them all. `org` is the organisation group once more, under the name that people type."""
    for thing, acts in THINGS.items():
        for act, function in acts.items():
            group_of(thing).command(act)(function)
    app.add_typer(group_of("organisation"), name="org", hidden=True, help="Organisations, under their short name.")
    for act, function in TOP.items():
        app.command(act)(function)
