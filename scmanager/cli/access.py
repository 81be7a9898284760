"""All that this machine holds about a person, as one file of JSON for him to read and to take along."""

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from scmanager import __version__
from scmanager.adapters.outbox import Outbox
from scmanager.adapters.private_files import write_private
from scmanager.application import access, privacy
from scmanager.application.verbs import MemberId
from scmanager.cli import names, people
from scmanager.cli.audit_events import recorded, waiting
from scmanager.cli.output import JsonFlag, plain_json, remark, say_result
from scmanager.cli.session import Place, session_of
from scmanager.cli.targets import ReplaceFlag, check_replaceable
from scmanager.cli.verbs import OrgOption
from scmanager.domain.consent import standing
from scmanager.domain.consent_texts import Purpose
from scmanager.errors import utc
from scmanager.spaces.space import Space

INDEX = (
    "What this file holds, in order: about: who it is about, when and by which release it was made. spaces: for each "
    "space, the keys that seal words about this person (that they are held, never the keys), and every event that "
    "the person said, that is about the person or its ships, that names it or holds words of it: schema is the "
    "event's type (docs/events.md), payload what was said, words the personal words or why there are none. consents: "
    "what the person lets be sent to the author. audit: what the person's machines noticed. outbox: what waits to be "
    "sent, word for word. sent: what was sent, and the receipts. The last four only where the person is the owner of "
    "this machine."
)
BEGINS = b'"index"'
KEEP = "Everything in it is in clear: keep it as you keep a letter."


def export(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write, such as me.json.")
    ],
    member: Annotated[
        str | None,
        typer.Option(
            "--member", metavar="MEMBER", help="Somebody without a machine, for whom you may speak; else you."
        ),
    ] = None,
    org: OrgOption = None,
    replace: ReplaceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Write all that this machine holds about you, or about somebody for whom you may speak, as one file of JSON."""
    check_replaceable(output, lambda begun: BEGINS in begun, replace=replace)
    session = session_of(context)
    with session.open() as place:
        if member is None:
            pairs = [(space, me) for space in place.shelf.spaces() if (me := people.me(place, space)) is not None]
        else:
            space = names.organisation(place, org)
            subject = names.resolve(MemberId, member, place, space, "member.erase")
            access.check_may_see(space, people.me(place, space), subject)
            pairs = [(space, subject)]
        held = [_space(place, space, subject) for space, subject in pairs]
        mine = _own(place) if member is None else {}
    made = {"index": INDEX, "about": _about(pairs), "spaces": held, **mine}
    write_private(output, msgspec.json.format(plain_json(made), indent=2) + b"\n")
    events = sum(len(each["events"]) for each in held)
    say_result({"file": str(output), "spaces": len(held), "events": events}, as_json=as_json)
    remark(KEEP)


def _about(pairs: list[tuple[Space, bytes]]) -> dict[str, Any]:
    return {
        "format": "scm-access/1", "made": utc(int(time.time())), "release": __version__,
        "member_ids": sorted({subject for _, subject in pairs}),
    }  # fmt: skip


def _space(place: Place, space: Space, subject: bytes) -> dict[str, Any]:
    told = access.held_about(place.shelf, place.store, place.vault, space.id, subject)
    return {
        "space": space.id, "kind": space.kind, "member": subject,
        "keys": access.keys_about(place.vault, space, subject), "events": list(told),
    }  # fmt: skip


def _own(place: Place) -> dict[str, Any]:
    said = [privacy.consents_in(space) for space in place.personal_spaces()]
    outbox = Outbox(place.settings.data)
    try:
        waits = [{"kind": each.kind, "body": msgspec.Raw(each.body)} for each in outbox.waiting()]
        sent = [
            {**row, "body": msgspec.Raw(row["body"]), "answer": msgspec.Raw(row["answer"])} for row in outbox.sent()
        ]
    finally:
        outbox.close()
    return {
        "consents": [{"purpose": each, "stands": any(each in standing(one) for one in said)} for each in Purpose],
        "audit": [*recorded(place), *waiting(place)], "outbox": waits, "sent": sent,
    }  # fmt: skip
