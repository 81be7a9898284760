"""Parquet files with typed columns, written piece by piece: never more than a piece of the rows lies in memory.

The library is imported here and nowhere before: nothing else of an installation needs it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from scmanager.adapters.private_files import PrivateFileFailed
from scmanager.application.audit_tables import Kind

ROWS_A_PIECE: Final = 20_000


def write_parquet(path: Path, columns: Mapping[str, Kind], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write a file for its owner only, which is not there yet; how many rows it has. Raises PrivateFileFailed."""
    import polars as pl
    from polars.exceptions import PolarsError
    from polars.io.plugins import register_io_source

    schema = {name: _type(pl, kind) for name, kind in columns.items()}
    count = 0

    def pieces(
        with_columns: list[str] | None, predicate: Any, n_rows: int | None, batch_size: int | None
    ) -> Iterator[Any]:
        nonlocal count
        del n_rows, batch_size  # Nothing narrows what is written.
        waiting = iter(rows)
        while piece := list(islice(waiting, ROWS_A_PIECE)):
            count += len(piece)
            columns_of = {name: [_value(row.get(name), kind) for row in piece] for name, kind in columns.items()}
            frame = pl.DataFrame(columns_of, schema=schema)
            frame = frame if with_columns is None else frame.select(with_columns)
            yield frame if predicate is None else frame.filter(predicate)

    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        register_io_source(pieces, schema=schema).sink_parquet(path, compression="zstd", statistics=True)
    except OSError as error:
        raise PrivateFileFailed(path=str(path), act="written", reason=error.strerror or str(error)) from error
    except PolarsError as error:
        raise PrivateFileFailed(path=str(path), act="written", reason=str(error)) from error
    return count


def _type(pl: Any, kind: Kind) -> Any:
    match kind:
        case Kind.TEXT:
            return pl.String()
        case Kind.FEW:
            return pl.Categorical()
        case Kind.NUMBER:
            return pl.Int64()
        case Kind.FLAG:
            return pl.Boolean()
        case Kind.MOMENT_US | Kind.MOMENT_S:
            return pl.Datetime("us", "UTC")


def _value(value: Any, kind: Kind) -> Any:
    """Moments are microseconds; text that UTF-8 has no bytes for is spelled out."""
    if value is None:
        return None
    if kind is Kind.MOMENT_S:
        return value * 1_000_000
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
