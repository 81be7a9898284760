"""One installation, its organisation and its owner's own space."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.runtime import Node
from tests.support.machines import Machine, found
from tests.support.node import Seat


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Machine(tmp_path, "ada").open() as node:
        yield node


@pytest.fixture
def org(node: Node) -> Seat:
    return Seat(node, found(node))


@pytest.fixture
def own(node: Node) -> Seat:
    return Seat(node, node.personal_space())
