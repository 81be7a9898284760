"""Reports made from the server's own OpenAPI description, right and wrong: each answer is one that it describes."""

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

from tests.api.test_intake_app import SNAPSHOT
from tests.support.intake import Site

EXAMPLES = {"positive": 6, "negative": 12}
CHECKS: Any = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip
SCHEMA = schemathesis.openapi.from_path(SNAPSHOT)
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Site(tmp_path_factory.mktemp("intake")).make().serving() as url:
        yield url


@pytest.mark.parametrize("mode", MODES, ids=lambda each: each.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
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


def test_every_kind_is_asked() -> None:
    assert len(OPERATIONS) >= 3
