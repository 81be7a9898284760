"""What is drawn with rich: tables and bars. Imported when the first is drawn; a line of text needs none of it."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

_WHOLE = re.compile(
    r"[0-9a-f]{12,64}"  # ids
    r"|\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?: \S{1,6})?"  # days and times, with their zone
    r"|[a-z-]+(?:\.[a-z-]+)+(?:/\d+)?"  # types of events, verbs and rights
)
"""Cells that are read, or typed back, as one: they are never broken."""

LEAST = 8
"""What is left at least to a column that may be broken, in cells of the terminal, if its words need as much."""
_BETWEEN = 2


def draw_table(stream: Any, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Cells are harmless text. Raises BrokenPipeError.

    Ids, times and types stay whole: a terminal too narrow for them gets longer lines.
    """
    console, listed = _console(stream), list(rows)
    table, least = Table(box=None, pad_edge=False, header_style="bold"), 0
    for number, column in enumerate(columns):
        cells = [row[number] for row in listed if row[number]]
        whole = bool(cells) and all(_WHOLE.fullmatch(cell) for cell in cells)
        widest = max(map(cell_len, [column, *cells]))
        least += _BETWEEN + (widest if whole else min(widest, LEAST))
        table.add_column(column, overflow="fold", no_wrap=whole, min_width=widest if whole else None)
    for row in listed:
        table.add_row(*(Text(cell) for cell in row))
    console.width = max(console.width, least)
    console.print(table)


@contextmanager
def draw_bar(stream: Any, title: str, total: int | None, *, in_bytes: bool) -> Iterator[Callable[[int], None]]:
    """A bar, or without a total the time that passes, until the block ends; what it gives moves the bar on."""
    columns: tuple[ProgressColumn, ...] = (TextColumn("{task.description}"), TimeElapsedColumn())
    if total is not None:
        count = DownloadColumn() if in_bytes else MofNCompleteColumn()
        columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    elif in_bytes:
        columns = (TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console(stream), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)


def _console(stream: Any) -> Console:
    width = None if stream.isatty() or os.environ.get("COLUMNS") else 160
    return _Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


class _Console(Console):
    """Raises BrokenPipeError where rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Nobody reads any more."""
        raise BrokenPipeError
