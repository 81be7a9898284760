"""Spaces by file, until machines talk to each other: invitations, requests, exports, and letting somebody in.

    leader:    scm member invite -o invitation.json
    newcomer:  scm space request invitation.json -o request.json
    leader:    scm member admit request.json --role Member
    leader:    scm space export -o org.scm
    newcomer:  scm space import org.scm
    newcomer:  scm member join --handle NAME

A second machine of one's own goes the same way: `scm device invite`, `request`, `enrol`, then export and import.
"""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from scmanager.adapters.private_files import write_private
from scmanager.adapters.space_file import (
    Invitation,
    parse_invitation,
    parse_request,
    read_bytes,
)
from scmanager.application.desk import NotAMember
from scmanager.application.pieces import pending_hint
from scmanager.application.verbs import MemberId, RoleId
from scmanager.cli import events, names, people
from scmanager.cli import pending as waiting
from scmanager.cli.calling import listed
from scmanager.cli.moments import read_moment
from scmanager.cli.option_help import WHEN
from scmanager.cli.output import JsonFlag, counted, progress, remark, say_json, say_result, say_table, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.targets import check_space_target, check_target
from scmanager.cli.verbs import CommandIdOption, OrgOption, PersonalFlag, read_command_id
from scmanager.domain.catalogue import MEMBERS, ORGANISATIONS
from scmanager.domain.member import Standing as MemberStanding
from scmanager.errors import Refused
from scmanager.eventstore.parts import is_box_key
from scmanager.spaces.readers import readers
from scmanager.spaces.space import Space

OutOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write, for its owner only.")
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE")]


class OtherSpace(Refused):
    """This request is for a space that is not here."""

    code = "request-other-space"
    hint = "Run it in the data folder from which the invitation came."


class OwnSpaceOfSomebody(Refused):
    """This invitation leads into a space that is one person's own."""

    code = "invitation-to-own-space"
    hint = "If it is yours, from another machine of yours: scm device request. If not, do not use it."


PIECES = ("pending", "dropped")
"""What an import tells in a table of its own."""


def list_spaces(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Every space this folder holds: organisations, and your own."""
    with session_of(context).open() as place:
        rows = [_space_row(place, space) for space in place.shelf.spaces()]
        hint = pending_hint(place.store)
    if as_json:
        say_json(rows)
        return
    say_table(
        ("kind", "title", "logs", "entries", "closed", "you act", "id"),
        [(*(str(row[each]) for each in ("kind", "title", "logs", "entries", "closed")),
          "yes" if row["acts"] else "", short(row["id"])) for row in rows],
        'No space yet. Found an organisation: scm org found "My Org" --handle MyHandle',
    )  # fmt: skip
    for row in rows:
        if row["held"]:
            dated = counted(row["held"], "entry is", "entries are")
            remark(f"In {row['title'] or row['kind']}, {dated} dated in the future: is this machine's clock slow?")
    if hint:
        remark(f"{hint}. Look at them: scm space pending")


def _space_row(place: Place, space: Space) -> dict[str, Any]:
    heads = place.store.heads(space.id)
    held, closed = space.waiting
    state: Any = space.state(ORGANISATIONS, space.id[:16])
    return {
        "id": space.id.hex(), "kind": space.kind, "title": state.title, "logs": len({head.log for head in heads}),
        "entries": sum(1 for _ in space.entries()), "closed": closed, "held": held,
        "acts": people.me(place, space) is not None,
    }  # fmt: skip


def export(
    context: typer.Context,
    output: OutOption,
    org: OrgOption = None,
    personal: PersonalFlag = False,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="For a mirror that shall read nothing.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write a space to a file, with its keys sealed to every device that acts there."""
    with session_of(context).open() as place:
        space = _space(place, org, personal=personal)
        check_space_target(output, space.id)
        with progress("Writing logs", None):
            size = place.exchange.export_space(space.id, output, with_keys=not without_keys)
        left_out = set() if without_keys else {who for box, who in readers(space) if not is_box_key(box)}
        called = listed([each for each in names.members(place, space) if each.id in left_out])
    told: dict[str, Any] = {"file": str(output), "space": space.id.hex(), "bytes": size}
    if as_json or left_out:
        told["left_out"] = sorted(each.hex() for each in left_out)
    say_result(told, as_json=as_json)
    if left_out:
        remark(f"A device of {called} gets no keys: nothing can be sealed to its box key.")


def import_(context: typer.Context, file: FileArgument, as_json: JsonFlag = False) -> None:
    """Check a space file from end to end, then take in what is new in it."""
    with session_of(context).open() as place:
        with progress("Checking the file", None):
            told = place.import_space(file)
        place.shelf.follow()
        space = place.shelf.space(bytes.fromhex(told["space"]))
        acts, mine = told.pop("acts"), people.me(place, space)
        invited = mine is not None and _standing(space, mine) is MemberStanding.INVITED
        forked = bool(space.forks())
        of_another = acts and space.kind == "personal" and space not in place.personal_spaces()
        own, void = set(place.vault.logs_of(space.id)), events.mine(place, space)
        ended = mine is None and any(own & set(each.levels) for each in space.verdicts.grants.values())
    say_result(
        told if as_json else {name: value for name, value in told.items() if name not in PIECES}, as_json=as_json
    )
    if not as_json:
        waiting.say_brought(told["pending"], told["dropped"])
    if forked:
        remark("A log of this space signed two histories. Look at it: scm log forks")
    if void:
        again = "" if ended else ", and say it again"
        remark(f"Of what you wrote {len(void)} do not count any more. Look at it{again}: scm event void")
    if of_another:
        remark(
            "This is no organisation: it is one person's own space, and this device writes there as that person. "
            "What is in it is not yours and is not shared as yours. Not what you meant? Have them disown this device."
        )
    if ended:
        remark("You do not act here any more: a removal or a recovery ended your grant (scm log show).")
    elif told["closed"]:
        remark(
            "Some entries stay closed: the file held no key for this device. Ask to be admitted, then for a new file."
        )
    elif invited:
        remark("You are let in. Next: scm member join --handle NAME")
    elif acts:
        remark("This device acts in the space.")


def request(
    context: typer.Context, invitation: Annotated[Path, typer.Argument(metavar="INVITATION")], output: OutOption,
    as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """Ask to be let in: opens a log of this machine's own in the space, and writes the request to hand back."""
    invited = read_bytes(invitation)
    if parse_invitation(invited).kind == "personal":
        raise OwnSpaceOfSomebody
    _request(context, invited, output, as_json=as_json)


def request_device(
    context: typer.Context, invitation: Annotated[Path, typer.Argument(metavar="INVITATION")], output: OutOption,
    as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """Ask another machine of yours to let this one act as you."""
    invited = read_bytes(invitation)
    parse_invitation(invited)
    _request(context, invited, output, as_json=as_json)


def _request(context: typer.Context, invited: bytes, output: Path, *, as_json: bool) -> None:
    check_target(output)
    with session_of(context).open() as place:
        made = place.exchange.request(invited)
    write_private(output, made)
    asked = parse_request(made)
    told = {"file": str(output), "space": asked.space.hex(), "member": asked.member.hex(), "log": asked.log.hex()}
    told["device"] = short(asked.device)
    say_result(told, as_json=as_json)
    remark(f"Give {output} to whoever invited you; then take in the file they export: scm space import FILE")


def invite(
    context: typer.Context,
    output: OutOption = Path("invitation.json"),
    member: Annotated[
        str | None, typer.Option("--member", metavar="MEMBER", help="Somebody recorded or gone; else somebody new.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", "--until-s", metavar="WHEN", help=f"Till when it holds; 0 for no end. {WHEN}"),
    ] = None,
    org: OrgOption = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Invite somebody, and write the invitation to give them. The file itself gives no right."""
    check_target(output)
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        given: dict[str, Any] = {} if until is None else {"until_s": read_moment(until or "0", int(time.time()))}
        if member is not None:
            given["member_id"] = names.resolve(MemberId, member, place, space, "member.invite")
        result = place.do("member.invite", space.id, given, read_command_id(command_id))
        _write_invitation(output, space, bytes.fromhex(result["member"]))
    say_result(result | {"file": str(output)}, as_json=as_json)
    remark(f"Next, on their machine: scm space request {output.name} -o request.json")


def invite_device(
    context: typer.Context, output: OutOption = Path("device.json"), org: OrgOption = None,
    personal: PersonalFlag = False, as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """Write the file with which another machine of yours asks to act as you."""
    check_target(output)
    with session_of(context).open() as place:
        space = _space(place, org, personal=personal)
        mine = people.me(place, space)
        if mine is None:
            raise NotAMember
        _write_invitation(output, space, mine)
    say_result({"file": str(output), "space": space.id.hex(), "member": mine.hex()}, as_json=as_json)
    remark(f"Next, on the other machine: scm device request {output.name} -o request.json")


def admit(
    context: typer.Context,
    request: Annotated[Path, typer.Argument(metavar="REQUEST")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="Title or id of the role they get.")],
    member: Annotated[
        str | None, typer.Option("--member", metavar="MEMBER", help="As whom, if not as invited.")
    ] = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Let in the device of a request, with a role's rank and rights."""
    read = read_bytes(request)
    asked = parse_request(read)
    with session_of(context).open() as place:
        space = _here(place, asked.space)
        who = names.resolve(MemberId, member, place, space, "member.invite") if member else None
        template = names.resolve(RoleId, role, place, space)
        result = place.exchange.admit(read, template, who, read_command_id(command_id))
    say_result(result, as_json=as_json)
    remark("Next: scm space export -o org.scm, and give them that file.")


def enrol(
    context: typer.Context,
    request: Annotated[Path, typer.Argument(metavar="REQUEST")],
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Let another machine of yours act as you, from the log of its request."""
    read = read_bytes(request)
    asked = parse_request(read)
    with session_of(context).open() as place:
        _here(place, asked.space)
        result = place.exchange.enrol(read, read_command_id(command_id))
    say_result(result, as_json=as_json)
    remark(
        f"It acts as you from now on: device {short(asked.device)}. If your other machine does not show this one, "
        f"disown it: scm device cut {short(asked.device)}"
    )
    remark(f"To call it something: scm device name {short(asked.device)} NAME")
    remark("Next: scm space export -o space.scm, and on the other machine: scm space import space.scm")


def _standing(space: Space, member: bytes) -> MemberStanding:
    state: Any = space.state(MEMBERS, member)
    standing: MemberStanding = state.standing
    return standing


def _here(place: Place, space: bytes) -> Space:
    if space not in {each.id for each in place.shelf.spaces()}:
        raise OtherSpace
    return place.shelf.space(space)


def _space(place: Place, org: str | None, *, personal: bool) -> Space:
    return place.shelf.space(place.personal_space()) if personal else names.organisation(place, org)


def _write_invitation(path: Path, space: Space, member: bytes) -> None:
    state: Any = space.state(ORGANISATIONS, space.id[:16])
    kind: Literal["org", "personal"] = "personal" if space.kind == "personal" else "org"
    invited = Invitation("scm-invitation/1", space.id, kind, member, state.title)
    write_private(path, msgspec.json.encode(invited) + b"\n")
