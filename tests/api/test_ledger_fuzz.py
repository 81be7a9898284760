"""Requests made from the server's own OpenAPI description, right and wrong: each answer is one that it describes."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from scmanager.api.handshake import Identity
from scmanager.eventstore.memory import MemoryStore
from tests.api.test_ledger_app import SNAPSHOT
from tests.api.test_ledger_registry import made
from tests.support.ledger import NOW_S, RELEASE
from tests.support.ledger_server import served

EXAMPLES = {"positive": 12, "negative": 5}
CHECKS: Any = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip
SCHEMA = schemathesis.openapi.from_path(SNAPSHOT)
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr]
RIGHT, WRONG = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
CASES = [(each, RIGHT) for each in OPERATIONS]
CASES += [(each, WRONG) for each in OPERATIONS if len(each.query) or len(each.body)]
"""Any text is a right one in a path."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = MemoryStore()
    ledger = made(store, tmp_path_factory.mktemp("ledger"))
    ledger.name(RELEASE.public, NOW_S)
    ledger.publish()
    with served(ledger.public, Identity(RELEASE, lambda: NOW_S, lambda: secrets.token_bytes(32))) as url:
        yield url
    store.close()


@pytest.mark.parametrize(("operation", "mode"), CASES, ids=lambda each: getattr(each, "label", None) or each.value)
def test_every_answer_is_one_that_is_described(operation: Any, mode: schemathesis.GenerationMode, url: str) -> None:
    @seed(20261121)
    @settings(
        max_examples=EXAMPLES[mode.value], deadline=None, phases=[Phase.explicit, Phase.generate], database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(base_url=url, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    ask()


def test_every_path_is_asked() -> None:
    assert len(OPERATIONS) >= 12
