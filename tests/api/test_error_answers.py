"""What strangers hear of a machine that is broken: the code, the hint, how many; never where what lies there."""

import string
from collections.abc import Iterator

import pytest
from starlette.requests import Request

from scmanager.api import intake_app, ledger_door, witness_app
from scmanager.api.error_answers import telling
from scmanager.api.guard import REQUEST_ID
from scmanager.errors import FAMILIES, ScManagerError

HERE = "/srv/where/nobody/looks"


def every_error() -> Iterator[type[ScManagerError]]:
    waiting: list[type[ScManagerError]] = [*FAMILIES]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        yield one


def of(kind: type[ScManagerError]) -> ScManagerError:
    """One whose every fact is a path of this machine."""
    names = {name for _, name, _, _ in string.Formatter().parse((kind.__doc__ or "").partition("\n")[0]) if name}
    made = kind.__new__(kind)
    ScManagerError.__init__(made, **dict.fromkeys(names | {"path", "reason"}, HERE))
    return made


@pytest.mark.parametrize("statuses", [intake_app.STATUS, ledger_door._STATUS], ids=["intake", "ledger"])
def test_no_error_but_those_about_the_request_carries_its_words_outside(statuses: dict[str, int]) -> None:
    request = Request({"type": "http", "headers": [], REQUEST_ID: "1"})
    shown = [kind.code for kind in every_error() if HERE.encode() in telling(request, of(kind), statuses, "", 1).body]
    assert set(shown) <= set(statuses)
    assert len(list(every_error())) > 300


def test_a_witness_that_is_broken_tells_its_code_alone() -> None:
    for kind in every_error():
        answer = witness_app.refused(of(kind))
        if answer.status_code == 503:
            assert HERE.encode() not in answer.body
            assert answer.body.startswith(f"{kind.code}: ".encode())
