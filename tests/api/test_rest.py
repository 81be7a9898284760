"""The REST interface: described by OpenAPI, made when it is first asked for, under the same guard as everything."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from scmanager.api.rest import PATHS
from tests.support.api_node import Api

SNAPSHOT = Path(__file__).parent / "openapi.json"


def _code(answer: Any) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


def test_openapi_describes_every_path(api: Api) -> None:
    """`UPDATE=1` writes the snapshot anew."""
    said = api.client.get("/openapi.json")
    assert said.status_code == 200, said.text
    text = json.dumps(said.json() | {"info": said.json()["info"] | {"version": "*"}}, indent=1, sort_keys=True) + "\n"
    if os.environ.get("UPDATE") == "1":
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert text == SNAPSHOT.read_text(encoding="utf-8")
    assert set(said.json()["paths"]) == set(PATHS) - {"/openapi.json"}


@pytest.mark.parametrize("path", PATHS)
def test_no_path_answers_without_the_token(api: Api, path: str) -> None:
    answer = api.client.get(path, headers={"authorization": "Bearer wrong"})
    assert (answer.status_code, _code(answer)) == (401, "token-wrong")


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_is_not_offered_is_refused_as_everywhere(api: Api, path: str) -> None:
    answer = api.client.delete(path)
    assert (answer.status_code, _code(answer)) == (405, "method-not-offered")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/export/", "/backup/x", "/exchange"])
def test_what_is_beside_the_paths_is_not_there(api: Api, path: str) -> None:
    answer = api.client.get(path)
    assert (answer.status_code, _code(answer)) == (404, "no-such-page")


def test_a_body_that_grows_past_its_limit_is_refused_while_it_comes(api: Api) -> None:
    answer = api.client.post(
        "/backup", content=(b" " * 65_536 for _ in range(8)), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, _code(answer)) == (413, "body-too-large")


def test_a_fault_of_ours_is_told_without_its_details(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(api.node.exchange, "backup", fail)
    api.node.faults.clear()
    answer = api.client.post("/backup", json={"passphrase": None})
    assert (answer.status_code, _code(answer)) == (500, "internal")
    end = time.monotonic() + 10
    while not api.node.faults and time.monotonic() < end:  # It is answered first.
        time.sleep(0.01)
    assert [type(each) for each in api.node.faults] == [RuntimeError]
    assert "secret detail" not in answer.text
