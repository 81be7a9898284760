"""Diplomacy as GraphQL types: contacts, treaties, versions of terms, history. Bound like those in `models`.

Phases and relations are those of the moment of the query, by the database's clock: rows hold moments, and no row
changes when one passes.
"""

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
    hexed_list,
    many,
    matches,
    moment,
    one,
    orders,
    part_of_title,
)
from scmanager.api.filters import Words
from scmanager.api.models import SAME, Connection, InSpace, Member, Organisation, Titled
from scmanager.api.scalars import Moment, graphql_enum
from scmanager.domain import diplomacy, treaty, treaty_events

NO_CONTACTS = "No contacts yet: record another organisation with contactRecord."
NO_TREATIES = "No treaties yet: propose one with treatyPropose."
NO_VERSIONS = "No terms yet: propose a treaty with treatyPropose."
NO_STEPS = "Nothing happened yet: say how you stand towards them with contactSetStance."

Side = graphql_enum(diplomacy.Side)
Proof = graphql_enum(diplomacy.Proof)
Stance = graphql_enum(diplomacy.Stance)
Kind = graphql_enum(treaty_events.Kind)
EndReason = graphql_enum(treaty_events.EndReason)
Phase = graphql_enum(treaty.Phase)

_PHASE = (
    "case when {c}.stage <> 'agreed' then {c}.stage"
    " when {c}.ended_at <= now() and not coalesce({c}.until_at < {c}.ended_at, false) then 'ended'"
    " when {c}.until_at <= now() then 'expired'"
    " when {c}.starts_at > now() then 'agreed'"
    " when {c}.warns_from <= now() then 'expiring'"
    " else 'in-force' end"
)
"""The same as `domain.treaty.phase_at`."""
_BINDS = (
    "exists (select 1 from treaty t where t.space = {{c}}.space and t.contact = {{c}}.id and t.stage = 'agreed'"
    " and t.kind in ({kinds}) and coalesce(t.starts_at <= now(), true) and coalesce(t.ends_at > now(), true))"
)


def _binds(*kinds: treaty_events.Kind) -> str:
    """Whether a treaty of these kinds is in force with the contact."""
    return _BINDS.format(kinds=", ".join(f"'{kind.value}'" for kind in kinds))


_RELATION = (
    "case when {c}.stance = 'war' then 'war'"
    f" when {_binds(treaty_events.Kind.ALLIANCE)} then 'ally'"
    f" when {_binds(treaty_events.Kind.NON_AGGRESSION)} then 'non-aggression-pact'"
    " else {c}.stance end"
)
"""The same as `domain.contact.relation`."""
_AT_ODDS = "({c}.stance = 'war' and " + _binds(*sorted(treaty.AGAINST_WAR)) + ")"


def _shown(sql: str) -> str:
    """An enum's value as GraphQL names it."""
    return f"upper(translate(({sql}), '-', '_'))"


@strawberry.input
class ContactFilter:
    """Which contacts."""

    text: str | None = matches(
        "(position(lower({v}) in {c}.title_lower) > 0 or position(upper({v}) in {c}.sid) > 0)",
        "Part of the name or of the tag, in any case.",
    )
    stance: list[Stance] | None = matches("{c}.stance = any({v})")  # type: ignore[valid-type] # made from the domain's
    relation: list[Stance] | None = matches(f"({_RELATION}) = any({{v}})", "As it is now, treaties included.")  # type: ignore[valid-type] # made from the domain's
    archived: bool | None = matches("{c}.archived = {v}")
    contested: bool | None = matches(
        "({c}.rival_titles <> '{{}}' or {c}.rival_spaces <> '{{}}' or {c}.rival_stances <> '{{}}') = {v}"
    )
    at_odds: bool | None = matches(f"{_AT_ODDS} = {{v}}", "War, and a treaty against it in force.")


ContactSort = orders("ContactSort", TITLE=Sort("title_lower"), STANCE=Sort("stance"))


@strawberry.input
class TreatyFilter:
    """Which treaties."""

    text: str | None = part_of_title()
    contact: ID | None = matches("{c}.contact = {v}")
    kind: list[Kind] | None = matches("{c}.kind = any({v})")  # type: ignore[valid-type] # made from the domain's
    phase: list[Phase] | None = matches(f"({_PHASE}) = any({{v}})", "As it is now.")  # type: ignore[valid-type] # made from the domain's
    in_force_at: Moment | None = matches(
        "({c}.stage = 'agreed' and coalesce({c}.starts_at <= {v}::timestamptz, true)"
        " and coalesce({c}.ends_at > {v}::timestamptz, true))"
    )
    ends_before: Moment | None = matches("{c}.ends_at < {v}::timestamptz")
    contested: bool | None = matches("{c}.contested = {v}")


TreatySort = orders("TreatySort", TITLE=Sort("title_lower"), ENDS=Sort("ends_at", "timestamptz"))


@strawberry.input
class VersionFilter:
    """Which versions of a treaty's terms."""

    contested: bool | None = matches("{c}.contested = {v}")


VersionSort = orders("VersionSort", PLACE=Sort("place", "integer"))


@strawberry.input
class StepFilter:
    """Which steps of a history."""

    side: list[Side] | None = matches("{c}.side = any({v})")  # type: ignore[valid-type] # made from the domain's
    act: list[str] | None = matches("{c}.act = any({v})", "Such as contact.war-declared.")
    since: Moment | None = matches("{c}.at >= {v}::timestamptz")


StepSort = orders("StepSort", AT=Sort("at", "timestamptz"))


@described
class Contact(Titled):
    """Another organisation, as this one knows it, and how the two stand."""

    sid: str = column("sid", "Its short tag in the game.")
    their_space: ID | None = hexed("their_space", "The space it lives in, if one of us claims to know.")
    rival_spaces: list[ID] = hexed_list("rival_spaces")
    identity: Proof = chosen("identity", "How far it is proved that this is their space.")  # type: ignore[valid-type] # made from the domain's
    archived: bool = column("archived")
    relation: Stance = computed(_shown(_RELATION), "How things are now: our stance, and what treaties in force say.")  # type: ignore[valid-type] # made from the domain's
    stance: Stance = chosen("stance", "How we stand towards them, by our own word.")  # type: ignore[valid-type] # made from the domain's
    rival_stances: list[str] = column("rival_stances")
    at_odds: bool = computed(_AT_ODDS, "There is war, and a treaty against it is in force.")
    war_since: Moment | None = moment("war_since")
    war_by: Side | None = chosen("war_by", "Who declared it.")  # type: ignore[valid-type] # made from the domain's
    reported_stance: Stance | None = chosen("reported", "How they stand towards us, as one of us claims.")  # type: ignore[valid-type] # made from the domain's
    reported_at: Moment | None = moment("reported_at")
    note: str | None = column("note")
    note_words: Words = chosen("note_words")
    treaties: Connection["Treaty"] = many(
        f"{SAME} and {{c}}.contact = {{p}}.id", filter=TreatyFilter, sort=TreatySort, next_step=NO_TREATIES
    )
    history: Connection["DiplomaticStep"] = many(
        f"{SAME} and {{c}}.contact = {{p}}.id", filter=StepFilter, sort=StepSort, next_step=NO_STEPS,
        description="Of the contact and of all treaties with it; the last 64 steps of each.",
    )  # fmt: skip
    organisation: Organisation | None = one(SAME)


@described
class Treaty(InSpace):
    """A treaty with another organisation. Terms and yeses are those of what binds, else of what is on the table."""

    title: str = column("title")
    kind: Kind = chosen("kind")  # type: ignore[valid-type] # made from the domain's
    phase: Phase = computed(_shown(_PHASE), "As it is now.")  # type: ignore[valid-type] # made from the domain's
    proposed_by: Side = chosen("proposed_by")  # type: ignore[valid-type] # made from the domain's
    dropped_by: Side | None = chosen("dropped_by")  # type: ignore[valid-type] # made from the domain's
    end_reason: EndReason | None = chosen("end_reason")  # type: ignore[valid-type] # made from the domain's
    ended_by: Side | None = chosen("ended_by")  # type: ignore[valid-type] # made from the domain's
    starts_at: Moment | None = moment("starts_at", "Null: once it is agreed.")
    until_at: Moment | None = moment("until_at", "Null: without end.")
    ends_at: Moment | None = moment("ends_at", "Of an agreed one: when it ends or ended, by its terms or before.")
    warns_from: Moment | None = moment("warns_from", "From when on its end is near.")
    ours: Proof = chosen("ours", "How far it is proved that we agree.")  # type: ignore[valid-type] # made from the domain's
    theirs: Proof = chosen("theirs", "How far it is proved that they agree.")  # type: ignore[valid-type] # made from the domain's
    contested: bool = column("contested", "Things were said at the same time that do not go together.")
    version: ID | None = hexed("version", "Whose terms are shown.")
    terms: str | None = column("terms")
    terms_words: Words = chosen("terms_words")
    contact: Contact | None = one(f"{SAME} and {{c}}.id = {{p}}.contact")
    versions: Connection["TreatyVersion"] = many(
        f"{SAME} and {{c}}.treaty = {{p}}.id", filter=VersionFilter, sort=VersionSort, next_step=NO_VERSIONS
    )
    history: Connection["DiplomaticStep"] = many(
        f"{SAME} and {{c}}.thing = {{p}}.id", filter=StepFilter, sort=StepSort, next_step=NO_STEPS
    )


@described
class TreatyVersion:
    """One version of a treaty's terms. A version that lost stays readable."""

    id: ID = hexed("entry")
    written_at: Moment | None = moment("written_at")
    starts_at: Moment | None = moment("starts_at")
    until_at: Moment | None = moment("until_at")
    warn_days: int = column("warn_days")
    ours: Proof = chosen("ours")  # type: ignore[valid-type] # made from the domain's
    theirs: Proof = chosen("theirs")  # type: ignore[valid-type] # made from the domain's
    binds: bool = column("binds", "Both sides agreed to it.")
    on_table: bool = column("on_table")
    contested: bool = column("contested", "Another was put forward at the same time.")
    terms: str | None = column("terms")
    terms_words: Words = chosen("terms_words")
    evidence: str | None = column("evidence", "How it is known that they agree.")
    evidence_words: Words = chosen("evidence_words")


@described
class DiplomaticStep:
    """Something that was said or done between two organisations."""

    id: ID = hexed("entry", "The entry that holds it; `why` explains it.")
    at: Moment | None = moment("at", "The author's word for when.")
    act: str = column("act", "Such as treaty.signed.")
    side: Side = chosen("side", "In whose name.")  # type: ignore[valid-type] # made from the domain's
    said: str = column("said", "Where it led: a stance, or a reason.")
    member: Member | None = one(f"{SAME} and {{c}}.id = {{p}}.member", "Who wrote it.")
    treaty: Treaty | None = one(f"{SAME} and {{c}}.id = {{p}}.thing", "The treaty it is about, if it is about one.")


TABLES: dict[str, Table] = {
    "Contact": Table("contact"),
    "Treaty": Table("treaty"),
    "TreatyVersion": Table("treaty_version", "entry"),
    "DiplomaticStep": Table("diplomatic_step", "entry"),
}
"""The read model behind each type."""
