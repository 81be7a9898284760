"""Consent: what the owner lets be sent to the author, said in his own space for all his machines (SPEC A5, A8).

Nothing is consented to unless he said so, to the text as it is now, and did not withdraw it since. Said on one
machine while it was withdrawn on another, it is withdrawn.
"""

import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from scmanager.domain.audit_event import Count, Digest
from scmanager.domain.consent_texts import TEXTS, Purpose, current, text_of
from scmanager.domain.contest import Claim, drop, entries
from scmanager.domain.event import Decision, Envelope, Event, Id, Id32, State
from scmanager.domain.payload import TUPLE_MAX, Entries
from scmanager.errors import Refused

V = TypeVar("V")


class Given(Event, tag="consent.given/1"):
    """To this text of this purpose. Ends the withdrawals that are named."""

    purpose: Purpose
    text: Count
    words: Digest
    """The hash of the text that was shown."""
    over: Entries = ()


class Withdrawn(Event, tag="consent.withdrawn/1"):
    """No longer. Ends the consents that are named."""

    purpose: Purpose
    over: Entries = ()


ConsentEvent = Given | Withdrawn


class Agreed(State):
    """To which text."""

    version: int
    words: bytes


class Standing(State):
    """What was said of one purpose."""

    given: tuple[Claim[Agreed], ...] = ()
    withdrawn: tuple[Claim[bool], ...] = ()
    """What no later consent took back."""


class Consents(State):
    """What a member said of each purpose, by his own id."""

    said: tuple[tuple[Purpose, Standing], ...] = ()

    def of(self, purpose: Purpose) -> Standing:
        """What was said of this purpose; nothing where nobody said anything."""
        return dict(self.said).get(purpose, _NOTHING)


_NOTHING: Final = Standing()


class ConsentTextOther(Refused):
    """What {purpose} asks is at version {version}; {given} was not what was shown."""

    code = "consent-text-other"
    hint = "Read it as it is now (scm privacy show PURPOSE) and name that version."


def give(consents: Consents, purpose: Purpose, version: int) -> Iterator[Decision]:
    """Consent to a purpose, having read its text of this version. Twice is harmless. Raises ConsentTextOther."""
    text = text_of(purpose, version)
    if text is None or version != current(purpose):
        raise ConsentTextOther(purpose=purpose.value, version=current(purpose), given=version)
    if purpose not in standing(consents):
        yield Given(purpose, version, text.hash, entries(consents.of(purpose).withdrawn))


def withdraw(consents: Consents, purpose: Purpose) -> Iterator[Decision]:
    """Consent to it no longer, whatever another machine says meanwhile. Harmless where it is withdrawn."""
    said = consents.of(purpose)
    if not said.withdrawn:
        yield Withdrawn(purpose, entries(said.given))


def evolve(consents: Consents, event: ConsentEvent, envelope: Envelope) -> Consents:
    """Total. Counts only from the member himself. Of a consent and a withdrawal at one time, the withdrawal holds."""
    if envelope.member != envelope.entity:
        return consents
    before = consents.of(event.purpose)
    match event:
        case Given(_, version, words):
            given = _with(before.given, Claim(Agreed(version, words), envelope.entry, envelope.member))
            after = Standing(given, drop(before.withdrawn, event.over, envelope))
        case Withdrawn():
            withdrawn = _with(before.withdrawn, Claim(True, envelope.entry, envelope.member))
            after = Standing(drop(before.given, event.over, envelope), withdrawn)
    said = {**dict(consents.said), event.purpose: after}
    return Consents(tuple((each, said[each]) for each in Purpose if each in said))


def consent_hash(purpose: Purpose, version: int) -> bytes:
    """What a batch of reports names as its ground: H(scm/consent/1, purpose, version u32, the text's hash). 32 bytes.

    The same for everybody who consented to this text: it tells nobody apart. `version`: one that there is.
    """
    text = TEXTS[purpose][version - 1]
    said = purpose.value.encode() + version.to_bytes(4, "big") + text.hash
    return hashlib.sha3_256(b"scm/consent/1\n" + said).digest()


def standing(consents: Consents) -> Mapping[Purpose, Id32]:
    """The purposes that are consented to now, each with the hash that its reports name. Total.

    A consent to an older text does not stand: it has to be asked again. Nor does one to other words than these.
    """
    now = {each: current(each) for each in Purpose}
    return {
        each: consent_hash(each, version)
        for each, version in now.items()
        if not (said := consents.of(each)).withdrawn
        and Agreed(version, TEXTS[each][version - 1].hash) in (given.value for given in said.given)
    }


def is_asked_again(consents: Consents, purpose: Purpose) -> bool:
    """Whether an older text was agreed to and nothing withdrawn: what is asked now says more."""
    said = consents.of(purpose)
    return bool(said.given) and not said.withdrawn and purpose not in standing(consents)


def given_in(consents: Consents, purpose: Purpose) -> tuple[Id32, ...]:
    """The entries in which a purpose was consented to that nobody withdrew; empty where it does not stand."""
    return entries(consents.of(purpose).given) if purpose in standing(consents) else ()


KNOWN: Final[Mapping[Id32, Purpose]] = MappingProxyType(
    {consent_hash(purpose, number + 1): purpose for purpose, texts in TEXTS.items() for number in range(len(texts))}
)
"""Every consent that a batch of reports may rest on, with what it is for."""


def allows(consent: Id32, purpose: Purpose) -> bool:
    """Whether a batch that names this consent may carry reports of this purpose. For whoever takes them in."""
    return KNOWN.get(consent) is purpose


def subject_of(space: Id32) -> Id:
    """Whose consents count in a personal space: its founder's."""
    return space[:16]


def _with(claims: tuple[Claim[V], ...], new: Claim[V]) -> tuple[Claim[V], ...]:
    """As many as one event can name. What falls off stood beside others that say the same."""
    return claims if new.entry in entries(claims) else (*claims, new)[-TUPLE_MAX:]
