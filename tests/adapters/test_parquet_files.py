"""Parquet files are written piece by piece, in order, with every value that a row can have."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.adapters.parquet_files import ROWS_A_PIECE, write_parquet
from scmanager.adapters.private_files import PrivateFileFailed
from scmanager.application.audit_tables import Kind

COLUMNS = {"text": Kind.TEXT, "few": Kind.FEW, "number": Kind.NUMBER, "flag": Kind.FLAG, "at": Kind.MOMENT_US}
ROW = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(),
        "few": st.none() | st.sampled_from(["a", "ß", "星", ""]),
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "flag": st.none() | st.booleans(),
        "at": st.none() | st.integers(0, 2**53 - 1),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ROW, max_size=20))
def test_what_is_written_is_read_again(
    rows: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("parquet") / "rows.parquet"
    assert write_parquet(path, COLUMNS, rows) == len(rows)
    read = pl.read_parquet(path)
    assert list(read.columns) == list(COLUMNS)
    for name in ("few", "number", "flag"):
        assert read[name].to_list() == [row[name] for row in rows]
    assert read["at"].dt.timestamp("us").to_list() == [row["at"] for row in rows]
    spelt = [row["text"] if row["text"] is None else str(row["text"]) for row in rows]
    assert read["text"].to_list() == [
        each if each is None else each.encode(errors="backslashreplace").decode() for each in spelt
    ]


def test_more_than_one_piece_stays_in_order(tmp_path: Path) -> None:
    count = 2 * ROWS_A_PIECE + 7
    path = tmp_path / "rows.parquet"
    rows = ({"text": f"row {number}", "few": f"{number % 3}", "number": number} for number in range(count))
    assert write_parquet(path, COLUMNS, rows) == count
    assert pl.read_parquet(path)["number"].to_list() == list(range(count))


def test_a_file_that_is_there_or_cannot_be_made_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"mine")
    with pytest.raises(PrivateFileFailed):
        write_parquet(path, COLUMNS, [])
    assert path.read_bytes() == b"mine"
    with pytest.raises(PrivateFileFailed):
        write_parquet(tmp_path / "no" / "rows.parquet", COLUMNS, [])
