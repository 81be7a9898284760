"""Log lists: which line is wrong and why, what is passed over, and that what we write is read again."""

from collections.abc import Iterable

import pytest

from scmanager.eventstore.any_checkpoint import ORIGIN_BYTES_MAX
from scmanager.master_ledger import log_list
from scmanager.master_ledger.cosignature import KIND
from scmanager.master_ledger.log_list import FILE_BYTES_MAX, BadLogList, ListedLog, entry_of, parse
from scmanager.master_ledger.policy import ED25519, Vkey
from tests.golden.logs import key_of

ONE, OTHER = (Vkey(f"{name}.example", ED25519, key_of(name).public) for name in ("one", "other"))
WITNESS = Vkey("w.example", KIND, key_of("w").public)


def listed(*lines: str) -> dict[str, ListedLog]:
    return parse("\n".join(["logs/v0", *lines, ""]).encode())


def flaw(data: bytes) -> tuple[object, object]:
    with pytest.raises(BadLogList) as bad:
        parse(data)
    return bad.value.facts["line"], bad.value.facts["reason"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], (0, "it is empty")),
        (["# nothing", "", " \t"], (0, "it is empty")),
        (["# a list", "logs/v1"], (2, "it does not begin with logs/v0")),
        (["logs/v0", "origin x"], (2, "an origin before any key")),
        (["logs/v0", f"vkey {ONE.text()}", "origin"], (3, "this origin is empty, too long or not text")),
        (["logs/v0", f"vkey {ONE.text()}", "origin a\tb", "origin a\x07b"],
         (4, "this origin is empty, too long or not text")),
        (["logs/v0", "# x", f"vkey {ONE.text()}", f"origin {'ä' * 127}", f"origin {'ä' * 128}"],
         (5, "this origin is empty, too long or not text")),
        (["logs/v0", "vkey x+y+!"], (2, "This is no public key in the form name+id+key: its key is no base64.")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(lines: list[str], told: tuple[int, str]) -> None:
    assert flaw("\n".join(lines).encode()) == told


def test_a_file_that_is_too_long_or_not_text_has_no_line_to_tell() -> None:
    assert flaw(b"#" * FILE_BYTES_MAX) == (0, "it is empty")
    assert flaw(b"#" * (FILE_BYTES_MAX + 1)) == (0, "the file is too long")
    assert flaw(b"logs/v0\n\xff") == (0, "it is not UTF-8")


def test_more_logs_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_list, "LOGS_MAX", 2)
    lines = ["logs/v0", f"vkey {ONE.text()}", f"vkey {OTHER.text()}"]
    assert len(listed(*lines[1:])) == 2
    assert flaw("\n".join([*lines, f"vkey {WITNESS.text()}"]).encode()) == (4, "more logs than anybody needs")


def test_an_origin_is_that_of_the_key_above_it_and_the_key_s_name_where_none_is_given() -> None:
    found = listed(
        f"vkey {ONE.text()}", f"vkey  {OTHER.text()} ", "origin the other log", "contact origin nobody", "vkeys x",
    )  # fmt: skip
    assert found == {
        "one.example": ListedLog("one.example", (ONE,)),
        "the other log": ListedLog("the other log", (OTHER,)),
    }
    assert listed(f"vkey {ONE.text()}", "origin none").keys() == {"one.example"}
    longest = "o" * ORIGIN_BYTES_MAX
    assert listed(f"vkey {ONE.text()}", f"origin {longest}").keys() == {longest}


def test_several_keys_of_one_origin_are_one_log_and_each_is_listed_once() -> None:
    lines = [line for key in (OTHER, ONE, OTHER) for line in (f"vkey {key.text()}", "origin a log")]
    assert listed(*lines) == {"a log": ListedLog("a log", (OTHER, ONE))}


def test_keys_of_kinds_that_sign_no_checkpoints_are_passed_over() -> None:
    assert listed(f"vkey {WITNESS.text()}", f"vkey {ONE.text()}").keys() == {"one.example"}


@pytest.mark.parametrize(("origin", "line"), [(None, "none"), ("one.example", "none"), ("a log", "a log")])
def test_a_log_is_written_as_it_is_read(origin: str | None, line: str) -> None:
    assert entry_of(ONE, origin) == f"\nvkey {ONE.text()}\norigin {line}\n"
    written: Iterable[str] = entry_of(ONE, origin).splitlines()
    assert listed(*written) == {origin or ONE.name: ListedLog(origin or ONE.name, (ONE,))}
