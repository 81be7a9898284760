"""What is drawn with rich: tables and bars. Imported when the first is drawn; a line of text needs none of it."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

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


def draw_table(stream: Any, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Cells are harmless text. Raises BrokenPipeError."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _console(stream).print(table)


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
