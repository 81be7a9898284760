"""Contests as GraphQL types: what several set at once, who may decide, and how it was decided before."""

import enum

import strawberry
from strawberry import ID

from scmanager.api.bindings import Sort, Table, chosen, column, described, hexed, many, matches, moment, one
from scmanager.api.filters import MemberFilter, MemberSort, Words
from scmanager.api.models import Connection, Member, Organisation
from scmanager.api.scalars import Moment

NO_CONTESTS = "Nothing is contested: nobody set anything while somebody else, unseen, set it too."
NO_SETTLED = "Nothing was settled yet. What is contested: `contested`."
NO_VALUES = "A contest has at least two values; ask for less in the filter."
NO_SETTLERS = "Nobody on the roster has the right: give it with roleChange and memberSetRole."

_SAME = "{c}.space = {p}.space"
_MAY = (
    "({c}.id = {p}.owner or {p}.right_needed = any({c}.rights)"
    " or ({p}.right_needed is not null and '*' = any({c}.rights)))"
)


@strawberry.input
class ContestFilter:
    """Which contests."""

    kind: list[str] | None = matches("{c}.kind = any({v})", "The kind of thing, such as fleet or operation.")
    field: list[str] | None = matches("{c}.field = any({v})", "Such as name or lead.")
    thing: ID | None = matches("{c}.thing = {v}")
    settled_by: ID | None = matches("{c}.settled_by = {v}")
    since: Moment | None = matches("{c}.since >= {v}::timestamptz")


@strawberry.enum
class ContestSort(enum.Enum):
    """By what contests are ordered."""

    SINCE = Sort("since", "timestamptz")
    SETTLED = Sort("settled_at", "timestamptz")
    KIND = Sort("kind")


@strawberry.input
class ContestValueFilter:
    """Which values of a contest."""

    holds: bool | None = matches("{c}.holds = {v}")


@strawberry.enum
class ContestValueSort(enum.Enum):
    """By what the values of a contest are ordered."""

    PLACE = Sort("place", "integer")


@described
class Contest:
    """Values of one field that were set at the same time. Nothing is lost: all of them stay readable."""

    id: ID = hexed("id")
    space: ID = hexed("space")
    kind: str = column("kind", "Of the thing, such as fleet.")
    thing: ID = hexed("thing", "The thing's id: what `settle` asks for.")
    title: str = column("title", "What the thing is called; empty where a name is personal.")
    field: str = column("field", "Such as name: what `settle` asks for.")
    part: ID | None = hexed("part", "A slot of an operation, where it is about one.")
    since: Moment = moment("since", "When the second of the values was set.")
    right_needed: str | None = column("right_needed", "Whoever has it may settle; null: only the owner.")
    verb: str = column("verb", "What says a new value in the ordinary way.")
    settled_in: ID | None = hexed("settled_in", "The entry that settled it; null while it is open.")
    settled_at: Moment | None = moment("settled_at")
    outcome: str | None = column("outcome", "What held from then on; empty for nothing.")
    outcome_id: ID | None = hexed("outcome_id")
    outcome_words: str | None = column("outcome_words", "The words, where it was about words.")
    settled_by: Member | None = one(f"{_SAME} and {{c}}.id = {{p}}.settled_by")
    values: Connection["ContestValue"] = many(
        f"{_SAME} and {{c}}.contest = {{p}}.id", filter=ContestValueFilter, sort=ContestValueSort, next_step=NO_VALUES
    )
    settlers: Connection[Member] = many(
        f"{_SAME} and {_MAY}", filter=MemberFilter, sort=MemberSort, next_step=NO_SETTLERS,
        description="Members who may settle it, as their grants are now.",
    )  # fmt: skip
    organisation: Organisation | None = one(_SAME, "Null in a personal space.")


@described
class ContestValue:
    """One of the values that stand against each other."""

    id: ID = hexed("entry", "The entry that set it: what `settle` asks for.")
    place: int = column("place", "Its number, from 1; 1 holds while the contest is open.")
    at: Moment = moment("at", "The author's word for when.")
    holds: bool = column("holds", "It holds now; of a settled contest: it was chosen.")
    value: str = column("value", "In one line; ids as hex.")
    value_id: ID | None = hexed("value_id")
    noun: str = column("noun", "What that id stands for, such as member; empty if the value is none.")
    words: str | None = column("words", "What its author wrote, where it is about words.")
    words_open: Words = chosen("words_open")
    by: Member | None = one(f"{_SAME} and {{c}}.id = {{p}}.member", "Who set it.")
    member: Member | None = one(f"{_SAME} and {{c}}.id = {{p}}.value_id", "The member it names, if it names one.")


TABLES: dict[str, Table] = {"Contest": Table("contest"), "ContestValue": Table("contest_value", "entry")}
"""The read model behind each type."""
