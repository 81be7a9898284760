"""Every verb there is: importing this fills `verbs.VERBS`. A module with verbs is entered here."""

from scmanager.application import members, organisations
from scmanager.application.verbs import VERBS, Verb

MODULES = (organisations, members)

__all__ = ["MODULES", "VERBS", "Verb"]
