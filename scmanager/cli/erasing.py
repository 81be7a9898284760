"""Erasing the words about a person, with what that means said before."""

from typing import Annotated, Any

import typer

from scmanager.application.verbs import MemberId
from scmanager.cli import names, people, results
from scmanager.cli.calling import Register
from scmanager.cli.output import JsonFlag, ask, counted, remark, say_result, short
from scmanager.cli.session import carry_out_erasures, session_of
from scmanager.cli.verbs import CommandIdOption, OrgOption, PersonalFlag, read_command_id
from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.document import Document, shared_by
from scmanager.domain.governance import AT_ONCE
from scmanager.errors import Refused
from scmanager.spaces.space import Space

GRACE = (
    "They are hidden now, and destroyed after seven days; nothing brings them back then. Within these days they"
    " come back only if this is made void: scm member remove WHO REASON --voiding EVENT, of whoever says it."
)


class AtOnceNotYours(Refused):
    """The words about {member} cannot be erased at once: only their own devices can say so."""

    code = "erase-at-once-not-yours"
    hint = "Leave out --at-once: they are hidden now, and their keys go after seven days."


class NobodyNamed(Refused):
    """It is not said whose words shall be erased."""

    code = "erase-nobody-named"
    hint = "Name a member: scm erase MEMBER. Of your own space it is you: scm erase --personal."


def erase(
    context: typer.Context,
    member: Annotated[
        str | None, typer.Argument(metavar="MEMBER", help="In your own space left out: it is you.")
    ] = None,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Without the seven days of grace: only for your own words.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    org: OrgOption = None,
    personal: PersonalFlag = False,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Erase the personal words about a member: names, notes, nicknames. Every proof still holds afterwards."""
    with session_of(context).open() as place:
        space = place.shelf.space(place.personal_space()) if personal else names.organisation(place, org)
        mine = people.me(place, space)
        who = mine if personal else None
        if member is not None:
            who = names.resolve(MemberId, member, place, space, "member.erase")
        if who is None:
            raise NobodyNamed
        if at_once and who != mine:
            raise AtOnceNotYours(member=member)
        told = place.do("member.erase", space.id, {"member_id": who, "preview": True})
        entries = _entries(told, names.register(MemberId, place, space))
        if not yes:
            if shared := _shared(space, who):
                many = counted(shared, "shared document")
                remark(f"What they wrote in {many} stays; their name goes from it.")
            if also := entries["also"]:
                remark(f"With them goes what was recorded of them before they joined: {', '.join(also)}.")
            _remark_what_stays(entries)
            remark("At once, for good." if at_once else GRACE)
            whose = f"about {names.register(MemberId, place, space).call(who)}" if member else "of your own space"
            ask(f"Erase all personal words {whose}?")
        given = {"member_id": who, "ground": AT_ONCE if at_once else "request"}
        result = place.do("member.erase", space.id, given, read_command_id(command_id))
        by_node = place.api is not None
        done = 0 if by_node else carry_out_erasures(place.node)
        shown = result if as_json else results.told(place, space, result) | entries
    say_result({word: value for word, value in shown.items() if as_json or value != []}, as_json=as_json)
    if yes:
        _remark_what_stays(entries)
    if at_once and by_node:
        remark("The node destroys the keys now.")
    elif done:
        remark("The keys are destroyed on this device.")
    else:
        remark("Hidden now; the keys go when the days of grace are over.")


def _entries(told: dict[str, Any], people: Register) -> dict[str, list[str]]:
    """What others recorded before, by the handles that are shown until it is erased: what goes and what stays."""
    return {
        word: [f"{people.call(bytes.fromhex(each))} ({short(each)})" for each in told.get(word, ())]
        for word in ("also", "recorded", "unconfirmed")
    }


def _remark_what_stays(entries: dict[str, list[str]]) -> None:
    if stays := entries["recorded"]:
        remark(
            f"What others recorded before they joined stays: {', '.join(stays)}. Somebody of rank 0 or 1 erases that"
            " too, with the same command."
        )
    if stays := entries["unconfirmed"]:
        remark(
            f"What is said to be theirs, but not surely, stays: {', '.join(stays)}. If it is, somebody of rank 0 or 1"
            " says so first (scm member settle-claim), or erases it by itself (scm erase), as where it joined."
        )


def _shared(space: Space, member: bytes) -> int:
    """In how many documents that others read and write too they wrote."""
    documents = (state for _, state in space.things(DOCUMENTS) if isinstance(state, Document))
    return sum(len(shared_by(each, member)) for each in documents)
