"""What the owner lets be sent to the author, as GraphQL types: the texts, and what stands."""

import strawberry
from strawberry import ID
from strawberry.types import Info

from scmanager.api.bindings import described
from scmanager.api.context import Context
from scmanager.api.mutations import VerbElsewhere
from scmanager.api.scalars import graphql_enum, read_id
from scmanager.application.privacy import consents_in
from scmanager.domain import consent_texts
from scmanager.domain.consent import consent_hash, is_asked_again, standing
from scmanager.domain.consent_texts import TEXTS, current

Purpose = graphql_enum(consent_texts.Purpose)


@described
class Consent:
    """Something that may be sent to the author, what one is asked about it, and whether one said yes."""

    purpose: Purpose  # type: ignore[valid-type] # made from the domain's
    version: int = strawberry.field(description="Of the text as it is now: what `privacyConsent` asks for.")
    consented: bool = strawberry.field(description="To this text, and not withdrawn since.")
    withdrawn: bool
    asked_again: bool = strawberry.field(description="An older text was agreed to, and this one says more.")
    hash: ID = strawberry.field(description="What reports name as their ground.")
    title: str
    why: str
    sent: str
    never: str = strawberry.field(description="What is not sent.")
    to_whom: str
    kept: str
    withdraw: str


def consents(info: Info[Context, None], space: ID) -> list[Consent]:
    """What may be sent to the author, and what you consent to, in your personal space."""
    held, context = read_id(space, "space"), info.context
    context.viewer.check(held)
    with context.backend.shelf.lock:
        found = context.backend.shelf.space(held)
        if found.kind != "personal":
            raise VerbElsewhere(verb="consents", kind=found.kind)
        said = consents_in(found)
    stands = standing(said)
    return [
        Consent(
            purpose=graphql_enum(consent_texts.Purpose)(each.value), version=current(each), consented=each in stands,
            withdrawn=bool(said.of(each).withdrawn), asked_again=is_asked_again(said, each),
            hash=ID(consent_hash(each, current(each)).hex()),
            title=text.title, why=text.why, sent=text.sent, never=text.never, to_whom=text.to_whom, kept=text.kept,
            withdraw=text.withdraw,
        )
        for each in consent_texts.Purpose
        for text in TEXTS[each][-1:]
    ]  # fmt: skip
