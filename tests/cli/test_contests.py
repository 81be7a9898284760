"""What is contested, on the command line: one list over all spaces, settled by number, remembered."""

from pathlib import Path

import pytest

from tests.cli.conftest import Scm


def second_machine(scm: Scm, folder: Path) -> None:
    """`b`: another machine of Vesper's, up to date."""
    ask, grant, space = (str(folder / name) for name in ("invite.json", "request.json", "space.scm"))
    assert scm("init", at="b").code == 0
    assert scm("device", "invite", "-o", ask).code == 0
    assert scm("device", "request", ask, "-o", grant, at="b").code == 0
    assert scm("device", "enrol", grant).code == 0
    assert scm("space", "export", "-o", space).code == 0
    assert scm("space", "import", space, at="b").code == 0


def carry(scm: Scm, folder: Path, source: str, target: str) -> None:
    path = str(folder / f"{source}-{target}.scm")
    assert scm("space", "export", "-o", path, at=source).code == 0
    assert scm("space", "import", path, at=target).code == 0


def test_where_nothing_is_contested_both_lists_say_so(nova: Scm) -> None:
    told = nova("contested")
    assert (told.code, "Nothing is contested" in told.err) == (0, True)
    assert nova("contested", "--json").json == []
    assert "scm contested" in nova("contested", "--settled").err
    assert "scm contested --settled" in told.err
    unknown = nova("contested", "--kind", "fleet", "--kind", "bogus")
    assert unknown.error == "contest-kind-unknown"
    assert "fleet, machine, member" in unknown.err
    assert nova("settle", "First", "name", "--choose", 1).error == "name-unknown"


@pytest.mark.slow
def test_what_two_machines_set_at_once_is_listed_settled_by_number_and_remembered(nova: Scm, tmp_path: Path) -> None:
    assert nova("fleet", "form", "First").code == 0
    assert nova("member", "record", "Grace").code == 0
    second_machine(nova, tmp_path)
    nova("fleet", "rename", "First", "North")
    nova("fleet", "rename", "First", "South", at="b")
    nova("org", "describe", "We mine.")
    nova("org", "describe", "We fly.", at="b")
    nova("fleet", "assign-lead", "North", "Vesper")
    nova("fleet", "assign-lead", "South", "Grace", at="b")
    carry(nova, tmp_path, "b", "a")
    rows = {row["field"]: row for row in nova("contested", "--json").json}
    assert set(rows) == {"name", "lead", "description"}
    assert [each["value"] for each in rows["name"]["values"]] == ["North", "South"]
    assert [each["value"] for each in rows["description"]["values"]] == ["We fly.", "We mine."]
    assert [each["value"].partition(" (")[0] for each in rows["lead"]["values"]] == ["Vesper", "Grace"]
    assert (rows["name"]["you_may"], rows["name"]["right"]) == (True, "fleet.manage")
    assert rows["name"]["may_settle"][0]["name"] == "Vesper"
    shown = nova("contested")
    assert "South" in shown.out
    assert "scm settle" in shown.err
    assert nova("contested", "--kind", "organisation", "--json").json == [rows["description"]]
    assert nova("settle", "North", "name", "--choose", 3).error == "contest-choice-unclear"
    by_tag = nova("settle", "nova", "description", "--choose", 9)
    assert by_tag.error == "contest-choice-unclear", "its tag names an organisation here too"
    unclear = nova("settle", "North", "name")
    assert unclear.error == "contest-unclear"
    assert "--choose NO" in unclear.err
    assert "--value VALUE" in unclear.err
    unknown = nova("settle", "North", "tag", "--choose", 1)
    assert unknown.error == "contest-field-not-open"
    assert "Contested: name, lead.\n" in unknown.err or "Contested: lead, name.\n" in unknown.err
    assert nova("settle", "North", "name", "--choose", 2, "--json").json["fleet"] == rows["name"]["thing"]
    assert nova("settle", "South", "lead", "--value", "Grace").code == 0
    assert nova("settle", "Nova Halcyon", "description", "--choose", 2).code == 0
    assert nova("contested", "--json").json == []
    past = {row["field"]: row for row in nova("contested", "--settled", "--json").json}
    assert [each["value"] for each in past["name"]["values"]] == ["North", "South"]
    assert (past["description"]["outcome"], past["name"]["outcome"]) == ("We mine.", "South")
    assert "We fly." in nova("contested", "--settled").out
    lost = past["description"]["values"][0]["event"]
    assert nova("why", lost[:12], "--json").json["said"] == {"text": "We fly."}
    assert "  title: North" in nova("why", past["name"]["values"][0]["event"][:12]).out
    carry(nova, tmp_path, "a", "b")
    assert nova("contested", "--json", at="b").json == []


@pytest.mark.slow
def test_of_two_slots_of_one_role_the_list_says_which_and_what_is_over_asks_nobody(nova: Scm, tmp_path: Path) -> None:
    assert nova("operation", "plan", "Ore Run", "3h", "2h").code == 0
    assert nova("operation", "add-crew-slots", "Ore Run", "turret", "--count", 2).code == 0
    assert nova("operation", "limit-crew", "Ore Run", 4).code == 0
    for name in ("Grace", "Edsger", "Otto", "Ada"):
        assert nova("member", "record", name).code == 0
        assert nova("operation", "sign-up", "Ore Run", "--member", name).code == 0
    second_machine(nova, tmp_path)
    for slot, here, there in (("turret 1", "Ada", "Grace"), ("turret 2", "Edsger", "Otto")):
        assert nova("operation", "take-slot", "Ore Run", slot, "--member", here).code == 0
        assert nova("operation", "take-slot", "Ore Run", slot, "--member", there, at="b").code == 0
    carry(nova, tmp_path, "b", "a")
    rows = nova("contested", "--json").json
    assert {(row["field"], row["part_name"]) for row in rows} == {("crew", "turret 1"), ("crew", "turret 2")}
    told = nova("contested")
    assert "operation Ore Run, crew turret 2: you may settle it" in told.err
    assert "--slot SLOT" in told.err
    assert "who is turret 1" in nova("inbox").out
    assert nova("settle", "Ore Run", "crew", "--choose", 1).error == "name-ambiguous"
    assert nova("settle", "Ore Run", "crew", "--choose", 1, "--slot", "turret 2").code == 0
    assert [row["part_name"] for row in nova("contested", "--json").json] == ["turret 1"]
    assert nova("operation", "start", "Ore Run").code == 0
    assert nova("operation", "complete", "Ore Run", "success").code == 0
    assert nova("contested", "--json").json == []
    assert "who is turret 1" not in nova("inbox").out


@pytest.mark.slow
def test_a_contested_member_is_named_in_the_inbox_and_where_the_name_is_erased_it_says_so(
    nova: Scm, tmp_path: Path
) -> None:
    assert nova("member", "record", "Grace").code == 0
    grace = next(row["id"] for row in nova("member", "list", "--json").json if "Grace" in str(row))
    second_machine(nova, tmp_path)
    assert nova("member", "change-profile", grace, "Gracie").code == 0
    assert nova("member", "change-profile", grace, "Gracia", at="b").code == 0
    carry(nova, tmp_path, "b", "a")
    told = next(row["text"] for row in nova("inbox", "--json").json if "at the same time" in row["text"])
    assert told.startswith("Graci")
    assert nova("settle", grace, "profile", "--choose", 1).code == 0
    assert nova("erase", grace, "--yes").code == 0
    told = nova("contested", "--settled").out
    assert "member (erased)" in told
    assert grace[:12] not in told
