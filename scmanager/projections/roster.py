"""The roster: members as the organisation knows them, with what their standing grants allow."""

from collections.abc import Iterator

from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.member import Member, Note, Profile
from scmanager.domain.words import NAME_LENGTH_MAX
from scmanager.projections.copy_text import NULL, flag, ident, idents, line, number, seconds, text, texts
from scmanager.projections.read_model import Look, ReadModel, Row, Table, Voice, spoken

SORTED_BY = 2 * NAME_LENGTH_MAX
"""Characters of a handle that count when handles are sorted; an index takes no long ones."""


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A member's row: everybody something was said of, and everybody who may act."""
    member: Member = look.state(MEMBERS, entity)
    voice = look.voice(entity)
    if member.id or voice:
        yield (
            "member",
            line(ident(look.space), ident(entity), *_roster(look, member), *_voice(voice), *_said(look, member)),
        )


def _roster(look: Look, member: Member) -> tuple[str, ...]:
    return (
        member.standing.value,
        look.moment(member.joined),
        seconds(member.invited_until),
        flag(member.invitation_withdrawn),
        flag(member.join_contested),
        text(member.removed_for.value if member.removed_for else None),
        ident(member.claimed_by),
        idents(member.rival_claims),
    )


def _voice(voice: Voice | None) -> tuple[str, ...]:
    if voice is None:
        return NULL, NULL, "{}", "0"
    return number(voice.rank), ident(voice.role), texts(voice.rights), number(voice.devices)


def _said(look: Look, member: Member) -> tuple[str, ...]:
    profile, note = look.words(member.profile, Profile), look.words(member.note, Note)
    return (
        text(profile.handle if isinstance(profile, Profile) else None),
        text(profile.handle.lower()[:SORTED_BY] if isinstance(profile, Profile) else None),
        text(profile.display_name if isinstance(profile, Profile) else None),
        text(profile.display_name.lower() if isinstance(profile, Profile) else None),
        spoken(profile),
        text(note.text if isinstance(note, Note) else None),
        spoken(note),
    )


def _words(state: State) -> Iterator[Id32]:
    if isinstance(state, Member):
        yield from (entry for entry in (state.profile, state.note, state.joined) if entry)


MODEL = ReadModel(
    "roster",
    (Table("member", "id", ("handle", "handle_lower", "display_name", "display_name_lower", "note")),),
    (MEMBERS,),
    rows,
    _words,
    voices=True,
)
