"""Every verb there is: importing this fills `verbs.VERBS`. A module with verbs is entered here."""

from scmanager.application import (
    characters,
    contests,
    devices,
    diplomacy,
    documents,
    erasing,
    fleets,
    hangar_import,
    leaving,
    members,
    notifications,
    operations,
    organisations,
    privacy,
    reissuing,
    ships,
    undoing,
)
from scmanager.application.verbs import VERBS, Verb
from scmanager.errors import Refused

MODULES = (
    organisations,
    members,
    devices,
    erasing,
    ships,
    fleets,
    hangar_import,
    reissuing,
    operations,
    diplomacy,
    characters,
    documents,
    leaving,
    contests,
    undoing,
    notifications,
    privacy,
)


class VerbUnknown(Refused):
    """There is no verb {verb}."""

    code = "verb-unknown"
    hint = "List the verbs with: scm --help."


class NotForThisSpace(Refused):
    """{verb} does not work in a space of kind {kind}."""

    code = "verb-not-for-this-space"
    hint = "Name the space of an organisation, or your personal one, as the verb's help says."


def verb_for(name: str, kind: str) -> Verb:
    """The verb of this name, for a space of this kind. Raises VerbUnknown, NotForThisSpace."""
    known = VERBS.get(name)
    if known is None:
        raise VerbUnknown(verb=name)
    if kind not in known.kinds:
        raise NotForThisSpace(verb=name, kind=kind)
    return known


__all__ = ["MODULES", "VERBS", "NotForThisSpace", "Verb", "VerbUnknown", "verb_for"]
