"""Outcomes: which entries of a log a command led to, and the newest of a log, without a walk through all of them.

Kept by log: a log has one writer, so nobody makes another's commands long. Entries that do not count are here too.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from operator import attrgetter

from scmanager.domain.event import Id, Id32
from scmanager.spaces.opening import Opened

_order = attrgetter("order")


class Outcomes:
    """Of one space, as far as it is open. Grows by `admit`."""

    def __init__(self) -> None:
        self._logs: dict[Id32, list[Opened]] = {}
        """In fold order."""
        self._commands: dict[Id32, dict[Id, Opened | list[Opened]]] = {}
        """By log. Nearly all commands lead to one entry; the list is for the others."""
        self._answers: dict[Id32, list[Opened]] = {}
        """By what they name as their cause; few do."""

    def admit(self, opened: Opened) -> None:
        """Take in one more entry, in any order. Entry 0 and what cannot be read are no outcome."""
        if opened.shared is None:
            return
        log, command = opened.entry.log, opened.shared.command
        if opened.shared.cause:
            self._answers.setdefault(opened.shared.cause, []).append(opened)
        entries = self._logs.setdefault(log, [])
        if not entries or entries[-1].entry.hlc < opened.entry.hlc:
            entries.append(opened)
        else:
            insort(entries, opened, key=_order)  # Of another branch, or opened late.
        commands = self._commands.setdefault(log, {})
        known = commands.setdefault(command, opened)
        if isinstance(known, list):
            known.append(opened)
        elif known is not opened:
            commands[command] = [known, opened]

    def of(self, command: Id, logs: Iterable[Id32]) -> list[Opened]:
        """The entries in these logs that say they are an outcome of this command, in fold order."""
        found: list[Opened] = []
        for log in logs:
            known = self._commands.get(log, {}).get(command, [])
            found += known if isinstance(known, list) else [known]
        return sorted(found, key=_order)

    def answering(self, cause: Id32) -> tuple[Opened, ...]:
        """The entries that name this one as their cause, in any order."""
        return tuple(self._answers.get(cause, ()))

    def newest(self, log: Id32) -> Iterator[Opened]:
        """The entries of a log, the newest first."""
        return reversed(self._logs.get(log, []))
