"""The author's ledger as of a point in words: which keys held, what they stood behind, whether a folder shows it."""

from collections.abc import Sequence
from typing import Any

from scmanager.application.replaying import LISTED_MAX
from scmanager.cli.output import counted, say
from scmanager.forensics.ledger_words import held_lines

UNFOUNDED = (
    "The log that founded this space is not here, so nobody's right can be judged: what holds of the ledger is by "
    "the key manifests in its own log. The folder of its first log shows the space."
)
SHOWN_MAX = 20
"""Lines of one kind."""


def ledger_words(told: dict[str, Any]) -> str:
    """How much it was, in one line."""
    said = [counted(told[each], each.removesuffix("s")) for each in ("manifests", "updates", "plugins")]
    keys = f"keys of manifest {told['newest_manifest']}" if told["newest_manifest"] else "no keys yet"
    folder = {True: "; the folder shows the same", False: "; the folder shows OTHER entries", None: ""}
    fewer = told["published"] is None and told["published_size"] is not None
    few = f"; the folder has only {told['published_size']} of {told['size']} entries" if fewer else ""
    return f"{', '.join(said)}; {keys}{folder[told['published']]}{few}"


def print_ledger(told: dict[str, Any]) -> None:
    """Keys and hashes in full, to be compared; SHOWN_MAX of a kind."""
    if told["keys"] is None:
        return
    say(f"\nas of entry {told['size']} of ledger {told['id'].hex()}")
    say(f"manifest  {told['keys']['n']}")
    for kind, rows, total in held_lines(told):
        for line in rows if kind in ("root", "release") else ():
            say(f"{kind.ljust(8)}  {line}")
        for line in () if kind in ("root", "release") else shown(kind, rows, total):
            say(line)
    say(f"counts    {counted(told['counted'], 'entry', 'entries')} of what was counted of plugins")
    say(f"anchors   {counted(told['anchors'], 'head')} of other logs")


def shown(kind: str, rows: Sequence[str], total: int) -> list[str]:
    """A line for each of the first, and how many there are beyond them."""
    lines = [f"{kind.ljust(8)}  {row}" for row in rows[:SHOWN_MAX]]
    more = total - len(lines)
    return [*lines, f"{'':8}  and {more} more: --json lists up to {LISTED_MAX}"] if more else lines
