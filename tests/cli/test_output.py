"""What other people wrote is shown, and does not steer the terminal of whoever reads it; readers may leave."""

import contextlib
import io
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.cli import output
from scmanager.cli.output import counted, harmless, indented, remark, say, say_json, say_result, say_table
from tests.cli.conftest import Scm


@pytest.mark.parametrize(
    "text", ["Aýla 星", "نوري الطيّار", "கா‌", "👨\u200d🚀 Tevarin", "two\nlines\tand a tab", "⚔️ 1️⃣ ❤️\u200d🔥"]
)
def test_words_of_any_script_are_shown_as_they_are(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("\u202eevil", "\\u202eevil"),
        ("\x9b2J", "\\x9b2J"),
        ("\udcff", "\\udcff"),
        ("Ada\u200b", "Ada\\u200b"),
        ("A\u200cda", "A\\u200cda"),
        ("Ada\u200d", "Ada\\u200d"),
        ("\u200fAda", "\\u200fAda"),
        ("A\xadda\ufeff", "A\\xadda\\ufeff"),
        ("Ada\U000e0041", "Ada\\U000e0041"),
        ("Ada\u2800\u034f\ufe0f\ufe01", "Ada\\u2800\\u034f\\ufe0f\\ufe01"),
        ("Иван\u200d", "Иван\\u200d"),
        ("1\ufe0f", "1\\ufe0f"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(text)
    remark(text)
    say_table(["name"], [[text]], "nothing")
    told = capsys.readouterr()
    assert told.out.split() == [shown, "name", shown]
    assert told.err.split() == [shown]


@pytest.mark.parametrize(
    "text", ["\x7f\x9b2J", "\u2028\u202e", "Ada\u200b\u061c", "\U000e0041\ufeff", "\0\x1b", "Ada\u2800\u034f\ufe0f"]
)
def test_json_for_programs_holds_the_words_and_steers_no_terminal(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say_json({"name": text, text: ["نوري الطيّار 👨\u200d🚀"]})
    told = capsys.readouterr().out
    assert json.loads(told) == {"name": text, text: ["نوري الطيّار 👨\u200d🚀"]}
    assert harmless(told) == told
    assert "نوري الطيّار 👨\u200d🚀" in told


def test_a_cell_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(["name"], [["Ayla\nfounder"]], "nothing")
    assert capsys.readouterr().out.splitlines()[1].strip() == "Ayla founder"


def test_a_reader_who_leaves_early_is_no_failure(capfd: pytest.CaptureFixture[str]) -> None:
    talking = (
        "import sys; from scmanager.cli import commands, entry, output\n"
        "def talk(): [output.say('x' * 999) for _ in range(999)]\n"
        "commands.TOP['version'] = talk\n"
        "sys.exit(entry.run(['version']))"
    )
    with subprocess.Popen([sys.executable, "-c", talking], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "x" * 999 + "\n"
        process.stdout.close()
        assert process.wait(60) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("columns", ["80", "40"])
def test_ids_times_and_types_are_never_broken(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    whole = ("3fa9c07d11be", "2955-11-30 20:00 CET", "operation.ship-slot-added/1", "2955-12-01")
    words = "The whole wing meets above Yela and waits there until everybody has come, which may take a while."
    say_table(("what", "about", "id", "when", "type", "until"), [("Ayla " * 9, words, *whole)], "nothing")
    lines = capsys.readouterr().out.splitlines()
    for cell in whole:
        assert any(cell in line for line in lines)
    assert len(lines) > 2, "words are broken, so that the rest has its place"


def test_a_terminal_that_lacks_a_character_gets_it_spelled_out() -> None:
    talking = (
        "import sys; from scmanager.cli import commands, entry, output\n"
        "def talk(): output.say('Kaf\\u00e9 \\u661f')\n"
        "commands.TOP['version'] = talk\n"
        "sys.argv = ['scm', '--version']\n"
        "entry.main()"
    )
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", talking], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, [b"Kaf\xe9", b"\\u661f"]), done.stderr


TOLD = 'Kaf\u00e9 \u661f \U0001f680 \u009b31m \u202e "quoted" \\ \n'


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "latin-1", "cp437"])
@pytest.mark.parametrize("how", ["say_json({'told': TOLD})", "say_json_text(msgspec.json.encode({'told': TOLD}))"])
def test_json_is_json_whatever_the_terminal_s_encoding_lacks(encoding: str, how: str) -> None:
    talking = (
        "import sys, msgspec; from scmanager.cli import commands, entry, output\n"
        f"TOLD = {TOLD!a}\n"
        f"commands.TOP['version'] = lambda: output.{how}\n"
        "sys.argv = ['scm', '--version']\n"
        "entry.main()"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", talking], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding)) == {"told": TOLD}
    assert b"\x9b" not in done.stdout, "nothing in it steers a terminal"
    assert ("\u661f".encode() in done.stdout) == (encoding == "utf-8")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_any_words_survive_json_on_any_terminal(words: str, encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", newline="")
    with contextlib.redirect_stdout(stream):
        output.say_json({"told": words})
    stream.flush()
    assert json.loads(raw.getvalue().decode(encoding)) == {"told": words}


def test_the_version_is_an_option_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scmanager", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["SC", "Manager"]), done.stderr


def test_an_empty_list_of_imports_names_the_own_hangar(nova: Scm) -> None:
    assert "scm hangar imports --personal" in nova("hangar", "imports").err
    assert "--personal" not in nova("hangar", "imports", "--personal").err


def test_one_and_several_are_counted_as_people_do() -> None:
    told = [counted(number, "slot") for number in (0, 1, 2)]
    assert told == ["0 slots", "1 slot", "2 slots"]
    assert counted(2, "entry waits", "entries wait") == "2 entries wait"


def test_a_list_shows_names_whole_and_ids_by_their_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    say_result({"ships": ["TMBL_Ranger_TR", "MISC_Hull_D (ad7b0123cdef)", "ARGO_MOLE", "x"]}, as_json=False)
    say_result({"ships": ["ab" * 16] * 4}, as_json=False)
    told = capsys.readouterr().out
    assert "4: TMBL_Ranger_TR, MISC_Hull_D (ad7b0123cdef), ARGO_MOLE, ..." in told
    assert f"4: {'ab' * 6}, {'ab' * 6}," in told


def test_prose_of_several_lines_begins_no_line_of_ours() -> None:
    assert indented("Fly low.\nNo slots.") == "Fly low.\n    No slots."


@pytest.mark.parametrize(
    ("numbers", "shown"), [([1, 2, 3, 4], "1 to 4"), ([7], "7"), ([1, 2, 5, 7, 8], "1 to 2, 5, 7 to 8"), ([], "none")]
)
def test_numbers_are_shown_whole_and_in_ranges(
    numbers: list[int], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say_result({"indices": numbers}, as_json=False)
    assert capsys.readouterr().out == f"indices  {shown}\n"
