"""Every operation in docs/api.md works as it stands there."""

import os
import re
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters.node_file import NodeFile, write_node_file
from scmanager.api import companion, connections, endpoint, limits, listening, sockets
from tests.support.api_docs import GUIDE, Documented, documented
from tests.support.api_node import Api, Socket
from tests.support.fleet_of import Nova, populate
from tests.support.ledger_file import ledger_file, trusting


@pytest.fixture(scope="module")
def ours(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nova]:
    with ledger_file() as ledger:
        api.node.exchange.import_space(ledger.write(tmp_path_factory.mktemp("ledger") / "file"))
        api.node.ledger = trusting(api.node.node.store, tmp_path_factory.mktemp("trust"), ledger.manifests)
    yield populate(api.node, members=6, ships=14, title="Documented")
    api.node.ledger = None


@pytest.mark.parametrize("operation", documented(), ids=lambda each: each.name)
def test_the_guide_s_operations_answer(api: Api, ours: Nova, operation: Documented) -> None:
    known = {"space": ours.space, "organisation": ours.organisation, "operation": ours.operation, "text": "pilot"}
    variables = {name: value for name, value in known.items() if f"${name}" in operation.text}
    if operation.kind == "subscription":
        with Socket(api).begin() as heard:
            heard.subscribe(operation.text, **variables)
            assert heard.next()["members"]["totalCount"] >= 7
        return
    data = api.ask(operation.text, **variables)
    assert all(data.values()), data


def test_the_guide_s_program_finds_the_node_and_asks_it(
    api: Api, ours: Nova, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    write_node_file(tmp_path, NodeFile(os.getpid(), api.port, api.node.token))
    monkeypatch.setenv("SCM_DATA", str(tmp_path))
    known: dict[str, Any] = {}
    exec(program, known)
    assert ours.space in [each["space"] for each in known["answer"]["data"]["organisations"]["nodes"]]
    write_node_file(tmp_path, NodeFile(os.getpid(), api.port, "of the last start"))
    with pytest.raises(urllib.error.HTTPError) as refused:
        exec(program, known)
    assert refused.value.code == 401


def test_the_guide_has_queries_mutations_and_a_subscription() -> None:
    kinds = [each.kind for each in documented()]
    assert (kinds.count("query") >= 7, kinds.count("mutation") >= 2, "subscription" in kinds) == (True, True, True)


def test_the_guide_names_the_limits_that_hold() -> None:
    text = GUIDE.read_text("utf-8")
    assert f"{limits.DEPTH_MAX} fields, {limits.NESTING_MAX} brackets" in text
    assert f"{limits.ALIASES_MAX}, {limits.FIELDS_MAX}, {limits.FRAGMENTS_MAX}" in text
    assert f"{limits.COST_MAX:,}" in text
    assert f"{limits.WHOLE_MAX:,}" in text
    assert f"{companion.STEPS_MAX} steps a request" in text
    assert f"{limits.TOKENS_MAX:,} words" in text
    assert f"{endpoint.BATCH_MAX}, {sockets.CONNECTIONS_MAX}, {sockets.SUBSCRIPTIONS_MAX}" in text
    assert f"| connections | {listening.REQUESTS_MAX};" in text
    assert f"{connections.HEAD_S:.0f} s, {connections.KEEP_ALIVE_S} s |" in text
