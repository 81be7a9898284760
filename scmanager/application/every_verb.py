"""Every verb there is: importing this fills `verbs.VERBS`. A module with verbs is entered here."""

from scmanager.application import fleets, hangar_import, members, organisations, ships
from scmanager.application.verbs import VERBS, Verb

MODULES = (organisations, members, ships, fleets, hangar_import)

__all__ = ["MODULES", "VERBS", "Verb"]
