"""A member in full, out of the folder itself: all that an organisation has to do with somebody, on one page."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from scmanager.application.verbs import CharacterId, MemberId, RoleId, SquadronId
from scmanager.application.words import Words
from scmanager.cli import names
from scmanager.cli.calling import Called, Register
from scmanager.cli.moments import Moment
from scmanager.cli.operations import past
from scmanager.cli.output import JsonFlag, say, say_json, short
from scmanager.cli.people import Handle, Row, role_of
from scmanager.cli.session import Place, session_of
from scmanager.cli.ships import rows_of_ships
from scmanager.cli.verbs import OrgOption
from scmanager.domain.catalogue import CHARACTERS, FLEETS, MEMBERS, OPERATIONS, SHIPS, SQUADRONS
from scmanager.domain.character import Character, played_by
from scmanager.domain.member import Member, Note, Standing, invitation_holds
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import manifest
from scmanager.domain.operation_parts import Stage
from scmanager.domain.records import Grant
from scmanager.domain.ship import Ship
from scmanager.forensics import gone
from scmanager.spaces.space import Space

EMPTY = {
    "rights": "none: a role comes with a device of theirs (scm member invite)",
    "devices": "none: whoever may speaks for them",
    "ships": "none is shown here",
    "borrowed": "nothing",
    "leads": "nothing",
    "squadrons": "in none",
    "characters": "none is shown here",
    "coming": "no answer to anything that is to come",
    "attended": "nothing yet",
    "note": "none. Write one: scm member note",
}
"""What a part says of which there is nothing."""


def show(
    context: typer.Context,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Handle, name, or first digits of the id.")],
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """One member in full: standing, role and rights, ships and loans, squadrons, operations, and the note."""
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        told = page(place, space, names.resolve(MemberId, member, place, space))
    if as_json:
        say_json(told)
        return
    called = f"{told['handle']} ({told['name']})" if told["name"] else str(told["handle"])
    say(f"{called}  {_standing(told)}  {short(told['id'])}")
    for part, lines in _parts(told):
        first, *more = lines or [EMPTY[part]]
        say(f"{part + ':':<12} {first}")
        for line in more:
            say(f"{'':<12} {line}")


def page(place: Place, space: Space, wanted: bytes) -> Row:
    """Everything about a member, for programs; people see `_parts` of it."""
    state, now_s = space.state(MEMBERS, wanted), int(time.time())
    one = state if isinstance(state, Member) else Member()
    grants = [standing for standing in space.grants() if standing.grant.member == wanted]
    grant: Grant | None = grants[0].grant if grants else None
    profiles, absent = names.profiles(place, space)
    profile = profiles.get(one.profile)
    people = names.register(MemberId, place, space)
    role = role_of(grant, names.register(RoleId, place, space))
    return {
        "id": wanted, "handle": Handle(profile.handle if profile else "", absent.get(one.profile, "unnamed")),
        "name": profile.display_name if profile else "",
        "standing": one.standing.value, "gone": gone.mark(one, now_s),
        "removed_for": one.removed_for.value if one.removed_for else None,
        "invitation": _invitation(one, now_s), "joined": Moment(_said_at(space, one.joined)),
        "claimed_by": people.call(one.claimed_by) if one.claimed_by else None,
        "role": role, "rank": grant.rank if grant else None, "rights": sorted(grant.rights) if grant else [],
        "devices": sum(len(each.devices) for each in grants),
        "note": _note(place, space, one),
    } | _holdings(place, space, wanted) | _outings(space, wanted, now_s)  # fmt: skip


def _invitation(one: Member, now_s: int) -> Row | None:
    if one.standing is not Standing.INVITED:
        return None
    holds = invitation_holds(one, now_s)
    return {"until": Moment(one.invited_until), "holds": holds, "withdrawn": one.invitation_withdrawn}


def _said_at(space: Space, entry: bytes) -> int:
    opened = space.opened(entry) if entry else None
    return opened.entry.hlc // 1_000_000 if opened else 0


def _note(place: Place, space: Space, one: Member) -> str | None:
    """Nothing if there is none; a sentence if it cannot be read."""
    if not one.note:
        return None
    words = Words(place.store, place.vault.held).read(space, {one.note: Note})[one.note]
    return (words.text or None) if isinstance(words, Note) else f"({words})"


def _holdings(place: Place, space: Space, wanted: bytes) -> Row:
    """What somebody has, borrows, leads, flies with and plays."""
    own, borrowed = set(), set()
    for entity, state in space.things(SHIPS):
        if isinstance(state, Ship) and not gone.mark(state, 0):
            own |= {entity} if state.owner and state.owner.id == wanted else set()
            borrowed |= {entity} if any(loan.value.borrower == wanted for loan in state.loans) else set()
    listed = [row for row in rows_of_ships(place, space) if row["id"] in own | borrowed] if own | borrowed else []
    squadrons = names.register(SquadronId, place, space)
    return {
        "ships": [row for row in listed if row["id"] in own],
        "borrowed": [row for row in listed if row["id"] in borrowed],
        "leads": list(_led(space, wanted)),
        "squadrons": [
            squadrons.call(entity)
            for entity, state in _living(space, SQUADRONS)
            if wanted in getattr(state, "members", ())
        ],
        "characters": list(_played(place, space, wanted)),
    }  # fmt: skip


def _living(space: Space, fold: Any) -> Iterator[tuple[bytes, Any]]:
    return ((entity, state) for entity, state in space.things(fold) if not gone.mark(state, 0))


def _led(space: Space, wanted: bytes) -> Iterator[Row]:
    """Fleets and squadrons; operations are told with what is to come."""
    for fold in (FLEETS, SQUADRONS):
        for entity, state in _living(space, fold):
            if state.lead == wanted:
                yield {"kind": fold.name, "thing": Called(entity, state.title)}


def _played(place: Place, space: Space, wanted: bytes) -> Iterator[Called]:
    called: Register = names.register(CharacterId, place, space)
    for entity, state in space.things(CHARACTERS):
        if isinstance(state, Character) and (his := played_by(state, wanted)).player and not gone.mark(his, 0):
            yield called.call(entity)


def _outings(space: Space, wanted: bytes, now_s: int) -> Row:
    """Operations to come, with the answer and the slot; and those where they were, with the time of the beginning."""
    coming, attended = list[Row](), list[Row]()
    for entity, state in space.things(OPERATIONS):
        if not isinstance(state, Operation) or state.template:
            continue
        row = {"operation": Called(entity, state.title), "starts": Moment(state.window.starts)}
        if not past(state, now_s):
            standing = manifest(state).standing(wanted)
            slots = [slot.role for slot in state.crew_slots if wanted in [each.value for each in slot.claims]]
            if standing != "no answer" or slots or state.lead == wanted:
                coming.append(row | {"answer": standing, "slots": slots, "leads": state.lead == wanted})
        seen = {each.value for each in state.checked_in}.union(*(each.members for each in state.snapshots))
        if wanted in seen and state.call.stage is not Stage.CANCELLED:
            attended.append(row)
    for rows in (coming, attended):
        rows.sort(key=lambda row: row["starts"].at_s)
    return {"coming": coming, "attended": attended}


def _standing(told: Row) -> str:
    invited, joined = told["invitation"], str(told["joined"])
    if invited:
        until = f" until {invited['until']}" if str(invited["until"]) else ""
        return "invited" + (until if invited["holds"] else ", but that is withdrawn or over")
    if told["removed_for"] and told["gone"]:
        return f"removed ({told['removed_for']})"
    return f"{told['standing']} {'' if told['gone'] else joined}".rstrip()


def _parts(told: Row) -> Iterator[tuple[str, list[str]]]:
    """Each part of the page and its lines, none where there is nothing."""
    role = f"{told['role']}" + (f", rank {told['rank']}" if told["rank"] is not None and told["role"] else "")
    yield "rights", [f"{role}: {', '.join(told['rights'])}"] if told["role"] else []
    if told["claimed_by"]:
        yield "is", [f"{told['claimed_by']}"]
    yield "devices", [str(told["devices"])] if told["devices"] else []
    yield "ships", [_ship(row) + _lent(row) for row in told["ships"]]
    yield "borrowed", [f"{_ship(row)}, of {row['owner']}{_until(row)}" for row in told["borrowed"]]
    yield "leads", [f"{row['kind']} {row['thing']}" for row in told["leads"]]
    yield "squadrons", [str(each) for each in told["squadrons"]]
    yield "characters", [str(each) for each in told["characters"]]
    yield "coming", [f"{row['starts']}  {row['operation']}: {_role_in(row)}" for row in told["coming"]]
    yield "attended", [f"{row['starts']}  {row['operation']}" for row in told["attended"]]
    yield "note", told["note"].splitlines() if told["note"] else []


def _ship(row: Row) -> str:
    called = f"{row['nickname']} ({row['model']})" if row["nickname"] else row["model"]
    until = f" until {row['claim_until']}" if str(row["claim_until"]) else ""
    return f"{called}, {row['readiness']}{until}"


def _lent(row: Row) -> str:
    return f", lent to {' or '.join(map(str, row['lent_to']))}{_until(row)}" if row["lent_to"] else ""


def _until(row: Row) -> str:
    first = next((str(each) for each in row["lent_until"] if str(each)), "")
    return f" until {first}" if first else ""


def _role_in(row: Row) -> str:
    return ", ".join(
        [row["answer"], *(["leads it"] if row["leads"] else []), *(f"as {slot}" for slot in row["slots"])]
    )
