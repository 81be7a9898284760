"""The command line `scm`: the same verbs as the API, from a terminal."""

import gc

gc.set_threshold(
    20_000
)  # What is imported stays: looking for garbage in it, at every 700 things, is a tenth of a start.

from scmanager.cli.entry import main  # noqa: E402

__all__ = ["main"]
