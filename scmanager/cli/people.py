"""Lists out of the folder itself, for whoever has no node running: how they are shown; members, roles, devices."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from scmanager.application.verbs import RoleId
from scmanager.cli import machines, names
from scmanager.cli.calling import Called, Register
from scmanager.cli.moments import Moment
from scmanager.cli.output import Cell, JsonFlag, counted, remark, say_json, say_table, short
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption
from scmanager.domain.catalogue import MEMBERS, ROLES
from scmanager.domain.governance import Enrolled
from scmanager.domain.machine import MachineName
from scmanager.domain.records import Grant
from scmanager.forensics import gone
from scmanager.spaces.personal import Absence
from scmanager.spaces.space import Space

Row = dict[str, Any]
RowsOf = Callable[[Place, Space], Iterable[Row]]
"""What a list has to say of a space. `gone` in a row: the word for what is not here any more, else empty."""

AllFlag = Annotated[bool, typer.Option("--all", help="What is gone, too: left, removed, ended, and so on.")]
NOT_IN_YET = (
    "You are not in yet: give your request to whoever invited you, then scm space import the file they export."
)


class Handle(Cell, frozen=True):
    """What a member is called, or for people why that cannot be read."""

    text: str
    why: str = ""
    """`erased`, `not-here` ...; empty if it can be read, or was never said."""

    def __str__(self) -> str:
        return self.text or (f"({self.why})" if self.why else "")

    def plain(self) -> Any:
        """The handle; empty if it cannot be read."""
        return self.text


def list_members(
    context: typer.Context, everything: AllFlag = False, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """Everybody on the roster; with --all also who left or was removed. One in full: scm member show."""
    empty = "Nobody yet. Record somebody: scm member record HANDLE"
    list_rows(context, org, _members, as_json, empty, everything=everything)


def list_roles(
    context: typer.Context, everything: AllFlag = False, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """The roles that grants are written from."""
    empty = "No role yet. Define one: scm role define Member 5"
    list_rows(context, org, _roles, as_json, empty, everything=everything)


def list_devices(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Your devices in each space, this machine among them."""
    with session_of(context).open() as place:
        named = machines.called(place)
        rows = [row for space in place.shelf.spaces() for row in _devices(place, space, named)]
    show_rows(
        rows, as_json, "No device acts anywhere yet. Found an organisation, or join one: scm space request FILE"
    )


def me(place: Place, space: Space) -> bytes | None:
    """As which member this folder acts in a space."""
    own = set(place.vault.logs_of(space.id))
    return next((each.grant.member for each in space.grants() if own & set(each.levels)), None)


def list_rows(
    context: typer.Context, org: str | None, rows_of: RowsOf, as_json: bool, empty: str, *, everything: bool = True,
) -> None:  # fmt: skip
    """The rows of one organisation; when there are none, the next step instead. See show_rows."""
    with session_of(context).open() as place:
        _list_rows_in(place, org, rows_of, as_json, empty, everything=everything)


def _list_rows_in(
    place: Place, org: str | None, rows_of: RowsOf, as_json: bool, empty: str, *, everything: bool
) -> None:
    space = names.organisation(place, org)
    rows = list(rows_of(place, space))
    if not rows and me(place, space) is None:
        empty = NOT_IN_YET
    show_rows(rows, as_json, empty, everything=everything)


def list_rows_of(
    context: typer.Context, org: str | None, rows_of: RowsOf, as_json: bool, empty: str, *, personal: bool,
    everything: bool = True,
) -> None:  # fmt: skip
    """Rows of an organisation, or of your own space, as where there is no organisation. See show_rows."""
    with session_of(context).open() as place:
        if not personal and (org is not None or names.organisations(place)):
            _list_rows_in(place, org, rows_of, as_json, empty, everything=everything)
            return
        own = [space for space in place.personal_spaces() if me(place, space)]
        rows = [row for space in own for row in rows_of(place, space)]
    show_rows(rows, as_json, empty, everything=everything)


def show_rows(rows: list[Row], as_json: bool, empty: str, *, everything: bool = True) -> None:
    """A table of rows that have the same columns, or JSON. People see no column that is empty from top to bottom.

    Rows whose `gone` says something are left out unless `everything` is asked for, and how many is said.
    """
    shown = rows if everything else [row for row in rows if not row["gone"]]
    hidden = len(rows) - len(shown)
    if as_json:
        say_json(shown)
        return
    cells = [{column: _cell(value) for column, value in row.items()} for row in shown]
    columns = [column for column in cells[0] if any(row[column] for row in cells)] if cells else []
    say_table(
        [column.replace("_", " ") for column in columns],
        [[row[column] for column in columns] for row in cells],
        "Nothing is left of what was here." if hidden else empty,
    )
    say_hidden(hidden)


def say_hidden(count: int) -> None:
    """That there is more than a list shows."""
    if count:
        remark(f"{counted(count, 'more is', 'more are')} gone; to see {'it' if count == 1 else 'them'}: --all")


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return short(value)
    if isinstance(value, list | tuple):
        return ", ".join(_cell(each) for each in value)
    return "" if value is None else str(value)


def _members(place: Place, space: Space) -> Iterable[Row]:
    roles = names.register(RoleId, place, space)
    profiles, absent = names.profiles(place, space)
    grants = {standing.grant.member: standing.grant for standing in space.grants()}
    for entity, state in space.things(MEMBERS):
        member: Any = state
        profile, grant = profiles.get(member.profile), grants.get(entity)
        yield {
            "handle": Handle(profile.handle if profile else "", absent.get(member.profile, "")),
            "name": profile.display_name if profile else "",
            "standing": member.standing.value,
            "role": role_of(grant, roles),
            "gone": gone.mark(member, 0),
            "id": entity,
        }


def role_of(grant: Grant | None, roles: Register) -> Called | None:
    """What somebody with this grant is; nothing for who has none."""
    if grant is None:
        return None
    if grant.rank == 0:
        return Called(b"", "founder")
    return roles.call(grant.role) if grant.role else Called(b"", f"rank {grant.rank}")


def _roles(_place: Place, space: Space) -> Iterable[Row]:
    for entity, state in space.things(ROLES):
        role: Any = state
        if role.template is not None:
            told = role.template
            yield {
                "title": told.title, "rank": told.rank, "rights": list(told.rights), "gone": gone.mark(role, 0),
                "id": entity,
            }  # fmt: skip


def _devices(place: Place, space: Space, named: Mapping[bytes, MachineName | Absence]) -> Iterable[Row]:
    logs = {
        event.device: event.log for each in space.of_type(Enrolled.tag) if isinstance(event := each.event, Enrolled)
    }
    said: dict[bytes, list[int]] = {}
    for opened in space.entries():
        said.setdefault(opened.entry.log, []).append(opened.entry.hlc // 10**6)
    for standing in machines.seats(place, space):
        disowned = machines.disowned(space, standing)
        for device, level in sorted(standing.devices.items(), key=lambda each: each[1]):
            times = said.get(logs.get(device, standing.grant.log), [])
            yield {
                "space": space.kind, "of": Called(space.id, names.title_of(space), instead="yours"),
                "name": _spoken(named.get(device, Absence.NONE)), "device": device, "level": level,
                "first entry": Moment(min(times, default=0)), "last entry": Moment(max(times, default=0)),
                "this machine": "yes" if device == place.identity.device else "",
                "cut": "yes" if device in disowned else "",
            }  # fmt: skip


def _spoken(words: MachineName | Absence) -> Handle:
    return (
        Handle(words.text) if isinstance(words, MachineName) else Handle("", "" if words is Absence.NONE else words)
    )
