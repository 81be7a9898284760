"""Models of ships: typed as people call them, kept as the catalogue's keys; what may be a typo is asked."""

import pytest

from tests.cli.conftest import Scm


@pytest.mark.parametrize("typed", ["Corsair", "Drake Corsair", "drak_corsair", "DRAK_Corsair"])
def test_a_ship_is_added_as_people_call_it(nova: Scm, typed: str) -> None:
    assert nova("ship", "add", typed).code == 0
    assert [row["model"] for row in nova("ship", "list", "--json").json] == ["DRAK_Corsair"]


def test_a_ship_that_is_here_is_named_as_people_call_it_too(nova: Scm) -> None:
    ship = nova("ship", "add", "Corsair", "--json").json["ship"]
    assert nova("ship", "name", "corsair", "Rosinante", "--json").json["ship"] == ship


def test_what_the_catalogue_does_not_list_is_taken_only_when_that_is_said(nova: Scm) -> None:
    told = nova("ship", "add", "DRAK_Corsiar")
    assert (told.code, told.error) == (1, "ship-model-unknown")
    assert "It could be: DRAK_Corsair." in told.err
    assert "scm ship models" in told.err
    assert nova("ship", "list", "--json").json == []
    assert nova("ship", "add", "DRAK_Buccaneer_Mk9", "--unlisted").code == 0
    assert [row["model"] for row in nova("ship", "list", "--json").json] == ["DRAK_Buccaneer_Mk9"]


def test_a_ship_slot_asks_for_models_as_people_call_them(nova: Scm) -> None:
    nova("operation", "plan", "Jumptown", "2955-11-30T20:00", "2955-11-30T22:00")
    asked = ("operation", "add-ship-slot", "Jumptown", "Gunship", "--models", "Corsair", "--models")
    assert nova(*asked, "Gladus").error == "ship-model-unknown"
    assert nova(*asked, "Gladius").code == 0
    assert "AEGS_Gladius" in nova("operation", "show", "Jumptown").out


def test_the_catalogue_is_shown_without_a_folder(scm: Scm) -> None:
    rows = scm("ship", "models", "--json").json
    assert {"key": "DRAK_Corsair", "name": "Corsair", "maker": "Drake Interplanetary"} in rows
    assert [row["key"] for row in scm("ship", "models", "corsair", "--json").json] == ["DRAK_Corsair"]
    assert {row["maker"] for row in scm("ship", "models", "drake", "--json").json} == {"Drake Interplanetary"}
    told = scm("ship", "models", "Corsiar")
    assert told.out == ""
    assert "It could be: DRAK_Corsair" in told.err
