"""Leaving out on the command line: changes of a document are kept from its text, and taken in again."""

import time
from typing import Annotated, Any

import typer

from scmanager.application.verbs import MemberId
from scmanager.cli import names
from scmanager.cli.calling import PREFIX_DIGITS_MIN
from scmanager.cli.documents import KindOption, ThingArgument, change_of, opened
from scmanager.cli.moments import read_moment
from scmanager.cli.output import JsonFlag, say_result
from scmanager.cli.verbs import CommandIdOption, OrgOption, read_command_id
from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.leaving import LeavingUnknown


def leave_out(
    context: typer.Context,
    thing: ThingArgument,
    kind: KindOption,
    change: Annotated[
        list[str] | None,
        typer.Option("--change", metavar="CHANGE", help="The first digits of it; may be given several times."),
    ] = None,
    author: Annotated[
        str | None, typer.Option("--author", metavar="MEMBER", help="Everything that this member wrote.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Whatever anybody wrote.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Of those two, what was written from then on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="And until then; else until now.")
    ] = None,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For the history.")] = "",
    org: OrgOption = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a document's text without some changes and without what builds on them. It can be taken back: take-in."""
    now_s = int(time.time())
    with opened(context, thing, kind, org) as (place, space, documents, where):
        given = {
            "thing_id": where.entity,
            "kind": kind,
            "changes": tuple(change_of(documents, where, each) for each in change or ()),
            "everything": everything,
            "why": why,
        }
        if author is not None:
            given["author"] = names.resolve(MemberId, author, place, space)
        given |= {
            name: read_moment(said, now_s, None) for name, said in (("since_s", since), ("until_s", until)) if said
        }
        result = place.do("document.leave-out", space.id, given, read_command_id(command_id))
    say_result(result, as_json=as_json)


def take_in(
    context: typer.Context,
    thing: ThingArgument,
    left: Annotated[str, typer.Argument(metavar="LEFT", help="The first digits of what left it out: see history.")],
    kind: KindOption,
    org: OrgOption = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Let changes count again that were left out of a document."""
    with opened(context, thing, kind, org) as (place, space, _, where):
        document: Any = space.state(DOCUMENTS, where.entity)
        known = [each.entry for each in document.text(kind, where.owner).leavings]
        found = [each for each in known if each.hex().startswith(left.casefold())]
        if len(left) < PREFIX_DIGITS_MIN or len(found) != 1:
            raise LeavingUnknown
        given = {"thing_id": where.entity, "kind": kind, "left": found[0]}
        result = place.do("document.take-in", space.id, given, read_command_id(command_id))
    say_result(result, as_json=as_json)
