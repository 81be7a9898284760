"""One page of a member on the command line: all that an organisation has to do with somebody."""

from scmanager.cli.members import EMPTY
from tests.cli.conftest import Scm

SOON = ("2955-11-30T20:00", "2h")


def test_a_member_of_whom_nothing_is_known_has_a_page_that_says_so(nova: Scm) -> None:
    ayla = nova("member", "record", "Ayla", "--display-name", "Aýla 星", "--json").json["member"]
    told = nova("member", "show", "ayla")
    assert told.out.splitlines()[0] == f"Ayla (Aýla 星)  recorded  {ayla[:12]}"
    for part, words in EMPTY.items():
        assert f"{part + ':':<12} {words}\n" in told.out
    shown = nova("member", "show", "Aýla 星", "--json").json
    assert (shown["id"], shown["role"], shown["note"], shown["ships"], shown["coming"]) == (ayla, None, None, [], [])


def test_a_page_tells_ships_loans_squadrons_operations_and_the_note(nova: Scm) -> None:
    nova("member", "record", "Ayla")
    nova("member", "note", "Ayla", "Steady hand.\nKnows Yela.")
    nova("ship", "add", "DRAK_Corsair", "--owner", "Ayla")
    nova("ship", "add", "ANVL_Carrack", "--owner", "Ayla")
    nova("ship", "remove", "ANVL_Carrack", "sold")
    nova("ship", "add", "AEGS_Gladius")
    nova("ship", "name", "AEGS_Gladius", "Rosinante")
    nova("ship", "lend", "AEGS_Gladius", "Ayla", "--until", "3d")
    nova("fleet", "form", "Home Fleet")
    nova("fleet", "assign-lead", "Home Fleet", "Ayla")
    nova("squadron", "form", "Red Wing")
    assert nova("squadron", "enlist-member", "Red Wing", "Ayla").code == 0
    for title, starts in (("Jumptown", SOON), ("Long ago", ("2020-01-01T20:00", "2h"))):
        nova("operation", "plan", title, *starts)
        nova("operation", "add-crew-slots", title, "gunner")
        assert nova("operation", "sign-up", title, "--member", "Ayla").code == 0
    assert nova("operation", "take-slot", "Jumptown", "gunner", "--member", "Ayla").code == 0
    nova("operation", "start", "Long ago")
    assert nova("operation", "check-in", "Long ago", "--member", "Ayla").code == 0
    assert nova("operation", "complete", "Long ago", "success").code == 0
    told = nova("member", "show", "Ayla").out
    for line in (
        "ships:       DRAK_Corsair, ready", "Rosinante (AEGS_Gladius), ready, of Vesper until ", "fleet Home Fleet",
        "squadrons:   Red Wing", "Jumptown: crew, as gunner", "UTC  Long ago\n", "Steady hand.", "Knows Yela.",
    ):  # fmt: skip
        assert line in told
    assert "Carrack" not in told
    shown = nova("member", "show", "Ayla", "--json").json
    assert [each["model"] for each in shown["borrowed"]] == ["AEGS_Gladius"]
    assert shown["coming"][0]["operation"]["name"] == "Jumptown"
    assert shown["attended"][0]["starts"] == "2020-01-01T20:00:00Z"
    assert "lent to Ayla until " in nova("member", "show", "Vesper").out


def test_a_page_tells_role_and_rights_invitations_and_removal(nova: Scm) -> None:
    told = nova("member", "show", "Vesper", "--json").json
    assert (told["role"]["name"], told["rank"], told["devices"]) == ("founder", 0, 1)
    assert "  joined 20" in nova("member", "show", "Vesper").out.splitlines()[0]
    nova("member", "record", "Ayla")
    assert nova("member", "remove", "Ayla", "conduct").code == 0
    assert "removed (conduct)" in nova("member", "show", "Ayla").out
    assert nova("member", "show", "Ayla", "--json").json["gone"] == "removed"
    told = nova("member", "show", "Ayal")
    assert told.error == "name-unknown"
    assert "Did you mean Ayla (" in told.err
