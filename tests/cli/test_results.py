"""What commands answer to people: names for ids, and what comes next. Programs get what they always got."""

from tests.cli.conftest import Scm

DAY = ("2955-11-30T20:00", "2h")


def test_a_result_names_what_it_is_about_and_programs_get_ids(nova: Scm) -> None:
    told = nova("member", "record", "Ayla")
    assert told.out.startswith("member  Ayla (")
    assert "scm member invite --member" in told.err
    assert len(nova("member", "note", "Ayla", "steady", "--json").json["member"]) == 32
    nova("operation", "plan", "Jumptown", *DAY)
    told = nova("operation", "add-crew-slots", "Jumptown", "gunner", "--count", 2).out
    assert "operation  Jumptown 2955-11-30 (" in told
    assert "gunner 1 (" in told
    assert "gunner 2 (" in told
    assert "space" not in told


def test_a_role_alone_means_the_first_slot_of_it_that_nobody_has(nova: Scm) -> None:
    for member in ("Ayla", "Bo", "Cato"):
        nova("member", "record", member)
    nova("operation", "plan", "Jumptown", *DAY)
    nova("operation", "add-crew-slots", "Jumptown", "gunner", "--count", 2)
    nova("operation", "limit-crew", "Jumptown", 9)
    for number, member in enumerate(("Ayla", "Bo"), 1):
        nova("operation", "sign-up", "Jumptown", "--member", member)
        told = nova("operation", "take-slot", "Jumptown", "gunner", "--member", member)
        assert f"gunner {number} (" in told.out, told.err
    told = nova("operation", "take-slot", "Jumptown", "gunner", "--member", "Ayla")
    assert told.error == "name-ambiguous"
    assert "gunner 1 (" in told.err
    nova("operation", "sign-up", "Jumptown", "--member", "Ayla", "--answer", "declined")
    nova("operation", "sign-up", "Jumptown", "--member", "Cato")
    told = nova("operation", "take-slot", "Jumptown", "gunner", "--member", "Cato")
    assert "gunner 1 (" in told.out, "whoever declined has it no more"
    nova("operation", "add-crew-slots", "Jumptown", "pilot")
    nova("operation", "take-slot", "Jumptown", "pilot", "--member", "Bo")
    assert nova("operation", "take-slot", "Jumptown", "pilot", "--member", "Cato").code == 0, "the only one"
    assert "pilot     Cato" in nova("operation", "show", "Jumptown").out


def test_what_an_undo_would_say_is_told_in_names(nova: Scm) -> None:
    nova("fleet", "form", "Home Fleet")
    nova("fleet", "rename", "Home Fleet", "Far Fleet")
    told = nova("undo", "--preview")
    assert "Far Fleet (" in told.out
    fleet = nova("fleet", "list", "--json").json[0]["id"]
    assert fleet not in told.out
    assert fleet in str(nova("undo", "--preview", "--json").json["would"])


def test_a_member_whose_words_were_erased_is_listed_as_that(nova: Scm) -> None:
    nova("member", "record", "Ayla")
    assert nova("ship", "add", "DRAK_Corsair", "--owner", "Ayla").code == 0
    assert nova("erase", "Ayla", "--yes").code == 0
    assert "(erased)" in nova("ship", "list").out
    assert "(erased)" in nova("member", "list").out
    rows = nova("member", "list", "--json").json
    assert sorted(row["handle"] for row in rows) == ["", "Vesper"]
    (erased,) = (row["id"] for row in rows if not row["handle"])
    assert nova("member", "show", erased).out.startswith("(erased)  recorded")


def test_an_operation_in_full_names_outcome_lead_and_who_was_counted(nova: Scm) -> None:
    nova("operation", "plan", "Jumptown", *DAY)
    nova("operation", "assign-lead", "Jumptown", "Vesper")
    nova("operation", "sign-up", "Jumptown")
    nova("operation", "start", "Jumptown")
    nova("operation", "check-in", "Jumptown")
    nova("operation", "take-attendance", "Jumptown")
    assert "--kind report" in nova("operation", "complete", "Jumptown", "success").err
    told = nova("operation", "show", "Jumptown").out
    assert told.startswith("Jumptown  completed (success)")
    assert "led by Vesper" in told
    assert told.splitlines()[-1].endswith(": Vesper")
    assert "1 more is gone; to see it: --all" in nova("operation", "list").err
