"""Characters as GraphQL types: those of one's personal space, and those that members show to an organisation."""

import strawberry
from strawberry import ID

from scmanager.api.bindings import (
    Sort,
    Table,
    chosen,
    column,
    computed,
    described,
    hexed,
    many,
    matches,
    moment,
    one,
    orders,
)
from scmanager.api.filters import Words
from scmanager.api.models import SAME, Connection, InSpace, Member, Organisation
from scmanager.api.scalars import Moment, graphql_enum
from scmanager.domain import character

NO_CHARACTERS = "No characters yet: make one with characterMake in your personal space, show it with characterShare."
NO_OTHERS = "Nobody else shows a character under this id."
NO_SHEETS = "Nothing is contested: the character itself says what holds."

Fate = graphql_enum(character.Fate)

_MAIN = (
    "exists (select 1 from main_persona m where m.space = {c}.space and m.member = {c}.player and m.persona = {c}.id)"
)
_MAIN_CONTESTED = (
    "exists (select 1 from main_persona m where m.space = {c}.space and m.member = {c}.player"
    " and m.rivals <> '{{}}' and ({c}.id = m.persona or {c}.id = any(m.rivals)))"
)


@strawberry.input
class CharacterFilter:
    """Which characters."""

    text: str | None = matches(
        "(position(lower({v}) in {c}.name_lower) > 0 or position(lower({v}) in lower({c}.occupation)) > 0)",
        "Part of the name or the occupation, in any case.",
    )
    player: ID | None = matches("{c}.player = {v}")
    main: bool | None = matches(f"{_MAIN} = {{v}}")
    played: bool | None = matches("({c}.fate is null) = {v}", "Whether it is still played.")
    fate: list[Fate] | None = matches("{c}.fate = any({v})")  # type: ignore[valid-type] # made from the domain's
    contested: bool | None = matches("({c}.rival_sheets <> '{{}}') = {v}")


CharacterSort = orders("CharacterSort", NAME=Sort("name_lower"), PLAYER=Sort("player", "bytea"))


@strawberry.input
class SheetFilter:
    """Which sheets."""

    stands: bool | None = matches("{c}.stands = {v}")


SheetSort = orders("SheetSort", WRITTEN=Sort("written_at", "timestamptz"))


@described
class Character(InSpace):
    """A character that a member plays."""

    name: str | None = column("name")
    occupation: str | None = column("occupation")
    origin: str | None = column("origin")
    background: str | None = column("background")
    words: Words = chosen("words")
    text: str | None = column("body", "Of its sheet, as its player showed it; of one's own, ask for the document.")
    text_words: Words = chosen("body_words", "NONE: its player shows no text.")
    text_shown_at: Moment | None = moment("body_at", "As of when the text is told.")
    fate: Fate | None = chosen("fate", "Why it is not played any more; null while it is.")  # type: ignore[valid-type] # made from the domain's
    main: bool = computed(_MAIN, "Whether it is its player's main one in this space.")
    main_contested: bool = computed(_MAIN_CONTESTED, "Chosen while its player chose another on another device.")
    player_id: ID = hexed("player")
    player: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.player")
    organisation: Organisation | None = one(SAME, "Null in a personal space.")
    others: Connection["Character"] = many(
        f"{SAME} and {{c}}.id = {{p}}.id and {{c}}.player <> {{p}}.player",
        filter=CharacterFilter, sort=CharacterSort,
        next_step=NO_OTHERS, description="Those of other players under this id; each is its player's own.",
    )  # fmt: skip
    rival_sheets: Connection["CharacterSheet"] = many(
        f"{SAME} and {{c}}.persona = {{p}}.id and {{c}}.player = {{p}}.player",
        filter=SheetFilter, sort=SheetSort, next_step=NO_SHEETS,
        description="What was written at the same time, until one is chosen; empty when nothing is contested.",
    )  # fmt: skip


@described
class CharacterSheet:
    """One of several descriptions that were written at the same time."""

    id: ID = hexed("entry", "What characterSettleSheet asks for.")
    written_at: Moment | None = moment("written_at")
    stands: bool = column("stands", "Whether it is shown until one is chosen.")
    name: str | None = column("name")
    occupation: str | None = column("occupation")
    origin: str | None = column("origin")
    background: str | None = column("background")
    words: Words = chosen("words")


TABLES: dict[str, Table] = {"Character": Table("persona", "place"), "CharacterSheet": Table("persona_sheet", "entry")}
"""The read model behind each type."""
