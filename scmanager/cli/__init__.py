"""The command line `scm`: the same verbs as the API, from a terminal."""

from scmanager.cli.entry import main

__all__ = ["main"]
