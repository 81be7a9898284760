"""Privacy: what the owner lets be sent to the author, for all his machines. Nothing is, unless he says so."""

from collections.abc import Mapping
from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.inverses import back, final
from scmanager.application.keys import Keys
from scmanager.application.personal import own_space
from scmanager.application.verbs import verb
from scmanager.domain import consent
from scmanager.domain.catalogue import CONSENTS
from scmanager.domain.consent import Consents
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.event import Id32
from scmanager.eventstore.store import Store
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

Result = dict[str, Any]


@verb(
    "privacy.consent", "personal", undo=back("privacy.withdraw", consent.Given, aspect="consent", purpose="purpose")
)
def give(desk: Desk, *, purpose: Purpose, version: int) -> Result:
    """Let something be sent to the author, having read its text (scm privacy show). `version`: the text's."""
    desk.decide(CONSENTS, desk.me, consent.give, purpose, version)
    return {"member": desk.me.hex(), "purpose": purpose.value}


@verb(
    "privacy.withdraw",
    "personal",
    undo=final("consent is given by saying so and no other way: scm privacy consent.", consent.Withdrawn),
)
def withdraw(desk: Desk, *, purpose: Purpose) -> Result:
    """Let it be sent no longer, from any of your machines; what waits there is deleted. Harmless twice."""
    desk.decide(CONSENTS, desk.me, consent.withdraw, purpose)
    return {"member": desk.me.hex(), "purpose": purpose.value}


def consents_in(space: Space) -> Consents:
    """What the owner of a personal space said in it."""
    found = space.state(CONSENTS, consent.subject_of(space.id))
    return found if isinstance(found, Consents) else Consents()


def grounds(shelf: Shelf, store: Store, keys: Keys, purpose: Purpose) -> tuple[Id32, ...]:
    """The entries that the owner's consent to a purpose stands on; empty where it does not stand."""
    with shelf.lock:
        own = own_space(shelf, store, keys)
        return consent.given_in(consents_in(shelf.space(own)), purpose) if own is not None else ()


def standing(shelf: Shelf, store: Store, keys: Keys) -> Mapping[Purpose, Id32]:
    """What the owner of this node consents to now, each with the hash that reports name; empty without a space."""
    with shelf.lock:
        own = own_space(shelf, store, keys)
        return consent.standing(consents_in(shelf.space(own))) if own is not None else {}
