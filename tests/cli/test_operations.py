"""Operations on the command line: listed, shown, fielded, put into a calendar."""

from pathlib import Path

import pytest

from scmanager.application.zones import zone_named
from scmanager.cli.moments import when
from tests.cli.conftest import Scm, served


@pytest.fixture
def planned(nova: Scm) -> Scm:
    """Jumptown, for which a gunship and a gunner are wanted."""
    day = ("2955-11-30T20:00", "2955-11-30T22:00", "--zone", "Europe/Berlin")
    assert nova("operation", "plan", "Jumptown", *day, "--objective", "Take it.", "--place", "Yela").code == 0
    assert nova("operation", "add-ship-slot", "Jumptown", "Gunship", "--models", "DRAK_Corsair").code == 0
    assert nova("operation", "add-crew-slots", "Jumptown", "gunner", "--aboard", "Gunship").code == 0
    return nova


@pytest.mark.slow
def test_what_is_planned_is_listed_in_the_zone_that_is_asked_for(planned: Scm) -> None:
    (row,) = planned("operation", "list", "--json").json
    assert (row["title"], row["stage"], row["open_slots"], row["length_s"]) == ("Jumptown", "planned", 2, 7200)
    assert "2955-12-01 04:00 JST" in planned("operation", "list", "--zone", "Asia/Tokyo").out
    assert "2955-11-30 20:00 CET" in planned("operation", "show", "Jumptown", "--zone", "Europe/Berlin").out
    assert planned("operation", "list", "--zone", "Mars/Olympus").error == "operation-zone-unusable"


@pytest.mark.slow
def test_what_is_over_is_listed_when_asked_for_and_templates_stand_apart(planned: Scm) -> None:
    planned("operation", "save-template", "Jumptown", "As ever")
    assert [row["title"] for row in planned("operation", "list", "--templates", "--json").json] == ["As ever"]
    planned("operation", "cancel", "Jumptown", "servers", "--text", "Patch day.")
    told = planned("operation", "list")
    assert "scm operation plan" in told.err
    assert [row["stage"] for row in planned("operation", "list", "--all", "--json").json] == ["cancelled"]
    assert "Patch day." in planned("operation", "show", "Jumptown").out
    assert planned("operation", "copy", "As ever", "2955-12-07T19:00").code == 0
    (copied,) = (row["id"] for row in planned("operation", "list", "--json").json)
    told = planned("operation", "show", copied).out
    assert "objective (holds), by Vesper:" in told
    assert "Take it. (Yela)" in told


@pytest.mark.slow
def test_a_copy_and_a_move_are_meant_in_the_operations_own_zone_and_an_end_counts_from_the_beginning(
    nova: Scm,
) -> None:
    day = ("2955-06-30T20:00", "3h", "--zone", "Europe/Berlin")
    assert nova("operation", "plan", "Jumptown", *day).code == 0
    made = nova("operation", "copy", "Jumptown", "2955-12-07T20:00", "--title", "Again", "--json").json["operation"]
    rows = {row["title"]: row for row in nova("operation", "list", "--json").json}
    assert [rows[title]["length_s"] for title in ("Jumptown", "Again")] == [3 * 3600] * 2
    assert "2955-12-07 20:00 CET" in nova("operation", "show", made, "--zone", "Europe/Berlin").out
    assert nova("operation", "reschedule", "Again", "2955-12-08T21:00", "90m").code == 0
    told = nova("operation", "show", made, "--zone", "Europe/Berlin").out
    assert "2955-12-08 21:00 CET, 1.5 h" in told
    assert nova("operation", "reschedule", "Again", "2955-12-08T21:00", "2h", "--zone", "UTC").code == 0
    assert "2955-12-08 21:00 UTC, 2 h" in nova("operation", "show", made, "--zone", "UTC").out
    assert nova("operation", "save-template", "Jumptown", "As ever").code == 0
    assert nova("operation", "reschedule", "As ever", 0, "5h").code == 0
    assert nova("operation", "list", "--templates", "--json").json[0]["length_s"] == 5 * 3600


def test_whoever_plans_an_operation_in_the_past_is_told_so(nova: Scm) -> None:
    told = nova("operation", "plan", "Long ago", "2020-01-01T20:00", "2h")
    assert (told.code, "It begins in the past: 2020-01-01 20:00 UTC." in told.err) == (0, True)
    assert "in the past" not in nova("operation", "plan", "Soon", "2h", "2h").err


def test_whoever_copies_a_date_of_the_verse_is_told_how_far_ahead_that_is(nova: Scm) -> None:
    told = nova("operation", "plan", "Far", "2956-11-28T20:00", "3h")
    assert (told.code, "It begins in 9" in told.err, "calendar on your wall" in told.err) == (0, True, True)
    assert "calendar" not in nova("operation", "plan", "Next year", "300d", "3h").err


def test_a_second_of_one_title_is_taken_with_a_remark(nova: Scm) -> None:
    day, made_fleet = ("14d", "3h"), nova("fleet", "form", "Spare", "--json").json["fleet"]
    for first, again in (
        (("role", "define", "Bosun", 3), ("role", "define", "bosun", 4)),
        (("fleet", "form", "Lamplighters"), ("fleet", "form", "Lamplighters")),
        (("squadron", "form", "Red"), ("squadron", "form", "Red")),
        (("operation", "plan", "Ore Run", *day), ("operation", "plan", "Ore Run", *day)),
        (("member", "record", "Otto", "--display-name", "Ötti"), ("member", "record", "ötti")),
        (("fleet", "form", "Reserve"), ("fleet", "rename", made_fleet, "RESERVE")),
    ):
        made = nova(*first, "--json").json[first[0]]
        told = nova(*again)
        assert (told.code, f"another of that name ({made[:12]})" in told.err) == (0, True), again
    assert nova("fleet", "form", "Alone").err.count("another") == 0
    assert nova("fleet", "rename", "Alone", "ALONE").err.count("another") == 0, "it is no twin of itself"
    assert nova("fleet", "disband", "Alone").code == 0
    assert nova("fleet", "form", "Alone").err.count("another") == 0, "what is gone is no twin"


def test_who_has_no_template_is_told_how_to_keep_one(nova: Scm) -> None:
    assert "scm operation save-template" in nova("operation", "list", "--templates").err


@pytest.mark.slow
def test_an_operation_is_shown_in_full(planned: Scm) -> None:
    planned("member", "record", "Ayla")
    planned("operation", "sign-up", "Jumptown")
    planned("operation", "sign-up", "Jumptown", "--member", "Ayla")
    planned("operation", "take-slot", "Jumptown", "gunner")
    planned("operation", "check-in", "Jumptown", "--member", "Ayla")
    told = planned("operation", "show", "Jumptown")
    for words in ("Take it. (Yela)", "crew: Vesper", "waiting: Ayla", "there: Ayla", "Europe/Berlin", "DRAK_Corsair"):
        assert words in told.out
    shown = planned("operation", "show", "Jumptown", "--json").json
    assert [each["name"] for each in shown["slots"][1]["who"]] == ["Vesper"]
    assert planned("operation", "show", "Nothing").error == "name-unknown"


@pytest.mark.slow
def test_can_we_field_this_names_who_and_what_and_what_is_missing(planned: Scm) -> None:
    planned("operation", "sign-up", "Jumptown")
    told = planned("operation", "field", "Jumptown")
    assert "no ship that comes fits" in told.out
    assert "its ship is missing" in told.out
    assert "2 slots stay open" in told.err
    planned("member", "record", "Ayla")
    ayla = planned("ship", "add", "DRAK_Corsair", "--owner", "Ayla", "--json").json["ship"]
    told = planned("operation", "field", "Jumptown").out
    assert "DRAK_Corsair would, but belongs to somebody who does not come (Ayla)" in " ".join(told.split())
    planned("operation", "assign-ship", "Jumptown", "Gunship", ayla)
    told = planned("operation", "field", "Jumptown").out
    assert told.count("DRAK_Corsair") == 1
    assert "cannot come" in told
    planned("operation", "release-ship", "Jumptown", "Gunship")
    planned("ship", "remove", ayla, "sold")
    ours = planned("ship", "add", "DRAK_Corsair", "--organisation", "--json").json["ship"]
    found = planned("operation", "field", "Jumptown", "--json").json
    assert found["complete"] is True
    assert found["slots"][1]["filled"]["name"] == "Vesper"
    assert "Yes" in planned("operation", "field", "Jumptown").err
    planned("operation", "assign-ship", "Jumptown", "Gunship", ours)
    planned("ship", "remove", ours, "sold")
    assert "cannot come" in planned("operation", "field", "Jumptown").out


def test_a_template_with_a_ship_that_nobody_owns_is_asked_of_the_whole_roster(planned: Scm) -> None:
    planned("operation", "save-template", "Jumptown", "As ever")
    found = planned("operation", "field", "As ever", "--json").json
    assert (found["complete"], found["open"]) == (False, 2)
    assert found["slots"][1]["could"][0]["name"] == "Vesper"


@pytest.mark.slow
def test_operations_are_written_as_a_calendar(planned: Scm, tmp_path: Path) -> None:
    file = tmp_path / "nova.ics"
    assert planned("operation", "calendar", "-o", file, "--json").json["operations"] == 1
    taken = planned("operation", "calendar", "-o", file)
    assert (taken.error, "--replace replaces it" in taken.err) == ("target-taken", True)
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all", encoding="utf-8")
    assert planned("operation", "calendar", "--replace", "-o", letter).error == "target-taken"
    assert letter.read_text(encoding="utf-8") == "Dear all"
    text = file.read_bytes().decode()
    file.write_bytes(b"BEGIN:VCALENDAR\r\nolder")
    assert planned("operation", "calendar", "--replace", "-o", file).code == 0
    assert "END:VCALENDAR" in file.read_bytes().decode()
    assert planned("operation", "calendar", "-o", tmp_path / "nowhere" / "x.ics").error == "private-file-failed"
    assert "DTSTART:29551130T190000Z\r\n" in text
    assert "SUMMARY:Jumptown\r\nDESCRIPTION:Take it.\r\nLOCATION:Yela\r\n" in text
    assert "X-WR-CALNAME:Nova Halcyon\r\n" in text


def test_a_time_is_shown_as_clocks_show_it_even_beyond_calendars() -> None:
    assert when(0) == ""
    assert when(1_792_888_200, zone_named("Europe/Berlin")) == "2026-10-25 02:30 CEST"
    assert when(1_792_891_800, zone_named("Europe/Berlin")) == "2026-10-25 02:30 CET"
    assert when(2**53).startswith("9999-12-3")


@pytest.mark.services
def test_through_a_running_node_an_operation_is_planned_and_flown_alike(nova: Scm, tmp_path: Path) -> None:
    with served(tmp_path, "a"):
        nova("member", "record", "Ayla")
        day = ("2955-11-30T20:00", "2955-11-30T22:00", "--zone", "Europe/Berlin")
        first = nova("operation", "plan", "Jumptown", *day, "--objective", "Take it.", "--json")
        assert first.code == 0, first.err
        told = nova("operation", "add-crew-slots", "Jumptown", "gunner", "--count", 1, "--json").json
        assert len(told["slots"]) == 1
        for command in (
            ("set-reminders", "Jumptown", "--before", "1h", "--before", 900),
            ("sign-up", "Jumptown", "--answer", "accepted", "--roles", "gunner"),
            ("sign-up", "Jumptown", "--member", "Ayla", "--answer", "reserve"),
            ("take-slot", "Jumptown", "gunner"),
            ("repeat", "Jumptown", "week", 1),
            ("start", first.json["operation"]),
            ("take-attendance", first.json["operation"], "--members", "Ayla", "--members", "Vesper"),
            ("complete", first.json["operation"], "success"),
        ):
            done = nova("operation", *command)
            assert done.code == 0, (command, done.err)
        report = (first.json["operation"], "--kind", "report")
        assert nova("document", "edit", *report, "--text", "All came home.").code == 0
        shown = nova("operation", "show", first.json["operation"], "--json").json
        assert shown["stage"] == "completed"
        assert [each["text"] for each in shown["texts"]] == ["Take it."]
        assert nova("document", "show", *report).out == "All came home.\n"
        assert len(shown["attendance"][0]["members"]) == 2
        (again,) = nova("operation", "list", "--json").json
        assert nova("operation", "show", "Jumptown", "--json").json["id"] == again["id"]
        assert nova("operation", "show", "Jumptown 2955-11-30").code == 0
        assert again["starts_s"] - shown["starts_s"] == 7 * 86_400


def test_who_starts_long_before_the_time_is_told(nova: Scm) -> None:
    nova("operation", "plan", "Later", "3d", "2h")
    early = nova("operation", "start", "Later")
    assert (early.code, "planned to begin in 72 hours" in early.err, "scm undo" in early.err) == (0, True, True)
    nova("operation", "plan", "Soon", "2h", "2h")
    assert "planned to begin" not in nova("operation", "start", "Soon").err


@pytest.mark.slow
def test_those_of_one_title_are_listed_with_the_day_that_tells_them_apart(planned: Scm) -> None:
    assert "Jumptown 2955" not in planned("operation", "list").out
    assert planned("operation", "copy", "Jumptown", "2955-12-07T20:00").code == 0
    told = planned("operation", "list").out
    assert "Jumptown 2955-11-30" in told
    assert "Jumptown 2955-12-07" in told
    unclear = planned("operation", "show", "Jumptown")
    assert (unclear.error, "has its day" in unclear.err) == ("name-ambiguous", True)
    assert planned("operation", "show", "Jumptown 2955-12-07").code == 0


@pytest.mark.slow
def test_whoever_takes_another_slot_is_told_that_the_first_is_open_again(planned: Scm) -> None:
    assert planned("operation", "add-crew-slots", "Jumptown", "pilot").code == 0
    assert planned("operation", "sign-up", "Jumptown").code == 0
    assert "given up" not in planned("operation", "take-slot", "Jumptown", "gunner").err
    assert "given up" not in planned("operation", "take-slot", "Jumptown", "gunner").err
    assert "gunner is given up for it, and open again." in planned("operation", "take-slot", "Jumptown", "pilot").err


@pytest.mark.slow
def test_roles_that_no_slot_asks_for_are_remarked(planned: Scm) -> None:
    told = planned(
        "operation", "sign-up", "Jumptown", "--roles", "cook", "--roles", "pilot,gunner", "--roles", "Gunner"
    )
    assert told.code == 0
    assert "No slot asks for: cook; pilot,gunner. Asked for: gunner." in told.err
    assert "Each role is said by itself" in told.err
    assert "No slot" not in planned("operation", "sign-up", "Jumptown", "--roles", "gunner").err
