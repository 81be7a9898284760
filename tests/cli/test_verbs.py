"""Verbs on the command line: each has a command, things are called by their names, errors help."""

import contextlib
import io
import json
import re
import secrets
import shlex
from pathlib import Path

import pytest

from scmanager.application.every_verb import VERBS
from scmanager.cli import commands
from scmanager.cli.output import say_result
from tests.cli.conftest import Scm, served


@pytest.mark.parametrize("name", sorted(VERBS))
@pytest.mark.slow
def test_every_verb_is_a_command_with_its_own_help(scm: Scm, name: str) -> None:
    thing, _, act = name.partition(".")
    told = scm(thing, act, "--help")
    assert told.code == 0
    if not commands.is_own(name):
        assert " ".join(VERBS[name].help.split("\n\n")[0].split()) in " ".join(told.out.split())


def test_a_name_may_have_blanks_and_the_organisation_may_be_named(nova: Scm) -> None:
    assert nova("organisation", "rename", "--org", "NOVA", "New name").code == 0
    assert nova("org", "list", "--json").json[0]["title"] == "New name"


def test_the_result_is_json_when_asked_for(nova: Scm) -> None:
    told = nova("member", "record", "Ayla", "--json")
    assert set(told.json) == {"member", "space"}


@pytest.mark.parametrize("called", ["ayla", "Aýla 星", lambda member: member[:12], lambda member: member])
@pytest.mark.slow
def test_a_member_is_called_by_handle_name_prefix_or_id(nova: Scm, called: object) -> None:
    member = nova("member", "record", "Ayla", "--display-name", "Aýla 星", "--json").json["member"]
    told = nova("member", "note", called(member) if callable(called) else called, "steady", "--json")
    assert told.json["member"] == member


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.slow
def test_what_is_not_given_stays_and_an_empty_text_takes_it_away_and_says_so(
    nova: Scm, tmp_path: Path, running: bool
) -> None:
    nova("member", "record", "Ayla", "--display-name", "Aýla")
    nova("role", "define", "Pilot", 5, "--rights", "fleet.manage")
    with served(tmp_path, "a") if running else contextlib.nullcontext():
        assert "Taken away" not in nova("member", "change-profile", "Ayla", "Ayla_2").err
        assert nova("role", "change", "Pilot", "Pilot", 6).code == 0
        assert nova("member", "list", "--json").json[1]["name"] == "Aýla"
        assert [each["rights"] for each in nova("role", "list", "--json").json] == [["fleet.manage"]]
        taken = nova("member", "change-profile", "Ayla_2", "Ayla_2", "--display-name", "")
        assert (taken.code, taken.err.splitlines()[-1]) == (0, "Taken away: display name.")
        assert "Taken away: rights." in nova("role", "change", "Pilot", "Pilot", 6, "--rights", "").err
        assert nova("member", "list", "--json").json[1]["name"] == ""
        assert [each["rights"] for each in nova("role", "list", "--json").json] == [[]]


def test_a_name_that_fits_two_lists_both(nova: Scm) -> None:
    first, second = (nova("member", "record", "Ayla", "--json").json["member"] for _ in range(2))
    told = nova("member", "note", "Ayla", "which one?")
    assert (told.code, told.error) == (1, "name-ambiguous")
    assert first[:12] in told.err
    assert second[:12] in told.err


def test_a_name_that_fits_nothing_lists_what_there_is(nova: Scm) -> None:
    told = nova("member", "note", "Nobody", "hello")
    assert (told.code, told.error) == (1, "name-unknown")
    assert "Vesper" in told.err


@pytest.mark.slow
def test_with_several_organisations_one_must_be_named(nova: Scm) -> None:
    nova("org", "found", "Tallow", "--sid", "TALLOW", "--handle", "Vesper")
    told = nova("role", "define", "Pilot", 5)
    assert (told.code, told.error) == (1, "which-organisation")
    assert nova("role", "define", "Pilot", 5, "--org", "tallow").code == 0
    assert nova("role", "list", "--org", "TALLOW", "--json").json[0]["title"] == "Pilot"
    assert nova("role", "list", "--org", "NOVA", "--json").json == []


def test_a_command_sent_twice_is_done_once(nova: Scm) -> None:
    command = secrets.token_hex(16)
    first = nova("member", "record", "Ayla", "--command-id", command, "--json").json
    assert nova("member", "record", "Ayla", "--command-id", command, "--json").json == first
    assert len(nova("member", "list", "--json").json) == 2


def test_a_command_id_of_another_length_is_refused(nova: Scm) -> None:
    assert nova("member", "record", "Ayla", "--command-id", "abc").error == "command-id-unusable"


def test_a_list_is_an_option_given_several_times(nova: Scm) -> None:
    nova("role", "define", "Officer", 2, "--rights", "member.invite", "--rights", "member.grant")
    (officer,) = nova("role", "list", "--json").json
    assert officer["rights"] == ["member.invite", "member.grant"]


def test_what_the_domain_refuses_is_a_line_and_a_hint_and_no_traceback(nova: Scm) -> None:
    told = nova("role", "define", "King", 0, "--json")
    assert told.code == 1
    assert told.err.splitlines()[-2].startswith("role-rank-unusable: ")
    assert told.json["error"]["code"] == "role-rank-unusable"
    assert "Traceback" not in told.err + told.out


def test_a_command_that_is_not_understood_is_a_usage_error(nova: Scm) -> None:
    assert nova("role", "define").code == 2
    assert nova("member", "remove", "Vesper", "boredom").code == 2
    assert nova("dance").code == 2


def test_a_folder_that_is_not_there_is_misconfigured_or_unavailable(scm: Scm) -> None:
    told = scm("org", "list")
    assert (told.code, told.error) == (3, "no-data-folder")
    assert "scm init" in told.err


def test_a_fault_of_ours_is_a_sentence_unless_debugging(nova: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scmanager.cli.names.organisations", lambda place: 1 / 0)
    told = nova("member", "list")
    assert (told.code, told.error) == (3, "internal-error")
    assert "Traceback" not in told.err
    monkeypatch.setenv("SCM_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        nova("member", "list")


@pytest.mark.slow
def test_empty_lists_name_the_next_step(nova: Scm) -> None:
    for thing, step in (("role", "scm role define"), ("ship", "scm import"), ("fleet", "scm fleet"),
        ("contact", "scm contact record"), ("treaty", "scm treaty propose"),
        ("character", "scm character make")):  # fmt: skip
        told = nova(thing, "list")
        assert told.code == 0
        assert told.out == ""
        assert step in told.err


@pytest.mark.slow
def test_ships_are_imported_previewed_shared_and_taken_back(
    nova: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = "scmanager/cli/data/hangars/TocToc.json"
    assert nova("import", file, "--preview", "--json").json["added"] == 2
    assert nova("ship", "list", "--json").json == []
    done = nova("import", file, "--yes", "--json").json
    short_list = tmp_path / "short.json"
    short_list.write_text(json.dumps(json.loads(Path(file).read_text(encoding="utf-8"))[:1]), encoding="utf-8")
    assert "(you)" in nova("ship", "list", "--personal").out
    assert len(nova("hangar", "share", "--json").json["ships"]) == 2
    assert "not listed" not in nova("import", short_list, "--preview").out.partition("to add")[0]
    assert nova("import", short_list, "--preview", "--missing", "remove").out.count("\nnot listed") == 1
    assert {ship["model"] for ship in nova("ship", "list", "--json").json} == {"ORIG_400i", "ORIG_300i"}
    assert nova("import", file, "--preview", "--json").json["unchanged"] == 2
    (listed,) = nova("hangar", "imports", "--personal", "--json").json
    assert (listed["id"], listed["undone"]) == (done["import"], "")
    assert [listed[each] for each in ("added", "changed", "removed")] == [
        done[each] for each in ("added", "changed", "removed")
    ]
    assert listed["tool"] in nova("hangar", "imports", "--personal").out
    assert "scm import FILE" in nova("hangar", "imports").err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert nova("hangar", "undo-import", done["import"], "--personal").error == "unanswered"
    told = nova("hangar", "undo-import", done["import"], "--personal", "--yes", "--command-id", "ab" * 16)
    assert "scm ship withdraw SHIP --org NOVA" in told.err
    taken_back = nova(
        "hangar", "undo-import", done["import"], "--personal", "--yes", "--command-id", "ab" * 16, "--json"
    ).json
    assert nova("hangar", "imports", "--personal", "--json").json == [listed | {"undone": "yes"}]
    assert taken_back["undone"] == 2
    again = nova("hangar", "undo-import", done["import"], "--personal")
    assert (again.code, "was taken back already" in again.err) == (0, True)


@pytest.mark.slow
def test_what_is_said_of_a_shared_ship_in_ones_own_hangar_names_who_sees_it_otherwise_and_how_to_tell_them(
    nova: Scm,
) -> None:
    assert nova("org", "found", "Red Wing", "--sid", "RED", "--handle", "Vesper").code == 0
    ship = nova("ship", "add", "ANVL_Carrack", "--personal", "--json").json["ship"]
    assert nova("ship", "share", ship, "--org", "RED").code == 0
    told = nova("ship", "set-readiness", ship, "damaged", "--personal")
    command = f"scm ship share {ship[:12]} --org RED"
    assert "RED still sees it as it was" in told.err
    assert command in told.err
    assert re.search("[0-9a-f]{64}", told.out + told.err) is None
    assert nova("ship", "list", "--org", "RED", "--json").json[0]["readiness"] == "ready"
    assert nova(*command.split()[1:]).code == 0
    assert nova("ship", "list", "--org", "RED", "--json").json[0]["readiness"] == "damaged"
    removed = nova("ship", "remove", ship[:12], "sold", "--personal")
    assert command in removed.err
    assert "still_shared_in  RED" in removed.out
    assert "withdrawn" in nova("hangar", "share", "--org", "RED").out
    assert nova("ship", "list", "--org", "RED", "--json").json == []


def test_a_list_that_changes_nothing_is_not_recorded(nova: Scm) -> None:
    file = "scmanager/cli/data/hangars/TocToc.json"
    assert nova("import", file, "--yes").code == 0
    before = nova("log", "show", "--limit", 1, "--json").json
    again = nova("import", file, "--yes")
    assert (again.code, "Nothing to import" in again.err) == (0, True)
    told = nova("import", file, "--yes", "--json").json
    assert (told["added"], told["changed"]) == (0, 0)
    assert nova("log", "show", "--limit", 1, "--json").json == before


def test_an_archived_organisation_is_marked(nova: Scm) -> None:
    assert "archived" not in nova("org", "list").out
    nova("organisation", "archive")
    assert "archived" in nova("org", "list").out


def test_an_import_that_nobody_confirms_is_an_error_in_json_too(nova: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    file = "scmanager/cli/data/hangars/TocToc.json"
    for answer, code in (("", "unanswered"), ("n\n", "stopped")):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        told = nova("import", file, "--json")
        assert (told.code, told.json["error"]["code"]) == (3, code)
        assert ("--yes" in told.err) is (code == "unanswered")
    assert nova("ship", "list", "--personal", "--json").json == []


@pytest.mark.slow
def test_what_to_answer_can_be_pasted_into_a_shell(nova: Scm, tmp_path: Path) -> None:
    file = tmp_path / "hangar.json"
    file.write_text('[{"manufacturer": "Argo", "name": "MOLE Teach\'s Special", "ship_code": "x"}]', encoding="utf-8")
    told = nova("import", file, "--preview").err
    (line,) = (each for each in told.splitlines() if "--answer" in each)
    assert shlex.split(line.partition("with: ")[2]) == ["--answer", "MOLE Teach's Special=MODEL"]


def test_a_long_list_of_ids_is_counted_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    say_result({"ships": ["ab" * 16] * 5, "left": []}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [f"ships  5: {', '.join(['ab' * 6] * 3)}, ...", "left   none"]


def test_erasing_somebody_else_at_once_is_refused(nova: Scm) -> None:
    nova("member", "record", "Ayla")
    assert nova("erase", "Ayla", "--at-once", "--yes").error == "erase-at-once-not-yours"


def test_the_words_of_ones_own_space_are_erased_without_a_name(nova: Scm) -> None:
    nova("ship", "add", "DRAK_Corsair", "--personal", "--nickname", "Rocinante")
    assert nova("erase", "--yes").error == "erase-nobody-named"
    assert nova("erase", "--personal", "--at-once", "--yes", "--json").json["keys"] == 1
    assert nova("why", nova("log", "show", "--type", "ship.named", "--json").json[0]["id"]).code == 0


def test_digits_that_fit_no_entry_do_not_say_that_there_are_none(nova: Scm) -> None:
    assert "to be named by their ids" in nova("why", "zzzz").err
    assert "scm log show" in nova("log", "show", "--type", "zzz").err


@pytest.mark.slow
def test_ones_own_hangar_is_listed_and_a_loan_is_seen(nova: Scm) -> None:
    assert "scm import" in nova("ship", "list", "--personal").err
    nova("ship", "add", "DRAK_Corsair", "--personal")
    assert [ship["model"] for ship in nova("ship", "list", "--personal", "--json").json] == ["DRAK_Corsair"]
    assert "scm ship remove SHIP wished" in nova("hangar", "wishes", "--personal").err
    nova("ship", "add", "ANVL_Carrack", "--personal")
    assert nova("ship", "remove", "ANVL_Carrack", "wished", "--personal").code == 0
    (wished,) = nova("hangar", "wishes", "--personal", "--json").json
    assert (wished["model"], nova("hangar", "wishes", "--json").json) == ("ANVL_Carrack", [])
    nova("hangar", "share")
    nova("member", "record", "Ayla")
    nova("ship", "lend", "DRAK_Corsair", "Ayla")
    (ship,) = nova("ship", "list", "--json").json
    assert ship["lent_to"][0]["name"] == "Ayla"
    assert "lent to" in nova("ship", "list").out


def test_who_leaves_is_told_what_becomes_of_the_seat(nova: Scm) -> None:
    nova("member", "record", "grace")
    told = nova("member", "leave", "--member", "grace")
    assert "scm member remove" in told.err
    told = nova("member", "leave", "--json")
    assert told.json["seat"] == "stays"
    assert "A founder's seat stays" in told.err
    assert nova("fleet", "form", "Home").error == "member-left"
    assert nova("member", "join").code == 0
    assert nova("fleet", "form", "Home").code == 0


def test_a_founder_who_leaves_is_asked_and_the_way_back_is_named(nova: Scm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    stopped = nova("member", "leave")
    assert stopped.error == "stopped" or "stopped" in stopped.err
    for told in ("Nobody else here may let anybody in", "scm org hand-over", "scm member join"):
        assert told in stopped.err
    assert nova("fleet", "form", "Home").code == 0
    assert nova("member", "leave", "--yes").code == 0
    refused = nova("undo", "--yes")
    assert (refused.error, "scm member join" in refused.err) == ("undo-impossible", True)
    assert nova("member", "join").code == 0


def test_whoever_founds_a_second_of_one_tag_is_told_and_both_are_told_apart(nova: Scm) -> None:
    (first,) = nova("org", "list", "--json").json
    founded = nova("org", "found", "Gamma", "--sid", "NOVA", "--handle", "Vesper")
    assert (founded.code, f"There is another NOVA here ({first['id'][:12]})" in founded.err) == (0, True)
    assert "There is another" not in nova("org", "found", "Delta", "--sid", "DEL", "--handle", "Vesper").err
    assert "There is another Delta" in nova("org", "found", "Delta", "--sid", "DLT", "--handle", "Vesper").err
    refused = nova("fleet", "list", "--org", "NOVA")
    assert refused.error == "name-ambiguous"
    assert f"NOVA Nova Halcyon ({first['id'][:12]})" in refused.err
    assert "NOVA Gamma (" in refused.err
    assert nova("fleet", "list", "--org", first["id"][:12]).code == 0


def test_without_an_organisation_lists_are_of_ones_own_space(scm: Scm) -> None:
    scm("init")
    file = "scmanager/cli/data/hangars/TocToc.json"
    first = scm("import", file, "--yes")
    assert first.code == 0, first.err
    assert "does not list" not in first.err
    assert [each["undone"] for each in scm("hangar", "imports", "--json").json] == [""]
    listed = scm("ship", "list", "--json").json
    assert listed == scm("ship", "list", "--personal", "--json").json != []
    assert scm("ship", "list", "--org", "NOVA").error == "no-organisation"


def test_an_import_says_what_becomes_of_ships_that_the_file_does_not_list(scm: Scm) -> None:
    scm("init")
    scm("ship", "add", "ANVL_Carrack", "--personal")
    file = "scmanager/cli/data/hangars/TocToc.json"
    assert "stays as it is" in scm("import", file, "--preview").err
    assert "on the wish list" in scm("import", file, "--preview", "--missing", "wish-list").err
