"""After each test: no database of it runs on, and none lies about."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import clear


@pytest.fixture(autouse=True)
def cleared(tmp_path: Path) -> Iterator[None]:
    yield
    clear(tmp_path)
