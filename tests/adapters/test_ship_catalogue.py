import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.ship_catalogue import Catalogue, Match
from scmanager.application.ship_names import (
    NAME_LENGTH_MAX,
    compact,
    manufacturer_code,
    same_maker,
    visible,
    without_mark,
)

CATALOGUE = Catalogue.load()
SHIPS = CATALOGUE.ships


def test_every_hull_has_a_key_of_its_own_and_sane_facts() -> None:
    assert len(SHIPS) > 240
    for ship in SHIPS:
        assert CATALOGUE.get(ship.key) is ship
        assert ship.key.isascii()
        assert " " not in ship.key
        assert ship.class_name in (None, ship.key) or "-" in ship.key
        assert ship.crew_min is None or ship.crew_max is None or 0 < ship.crew_min <= ship.crew_max
        assert manufacturer_code(ship.manufacturer) == ship.manufacturer_code


def test_no_two_hulls_share_a_name_or_an_alias() -> None:
    forms = [compact(name) for ship in SHIPS for name in {ship.name, *ship.aliases}]
    assert len(forms) == len(set(forms))


@pytest.mark.parametrize("ship", SHIPS, ids=lambda ship: ship.key)
def test_a_hull_is_found_by_name_alias_and_code(ship) -> None:
    assert CATALOGUE.match(ship.name) == Match(ship.key, "name")
    assert CATALOGUE.match(f"{ship.manufacturer} {ship.name.upper()}  ", ship.manufacturer).key == ship.key
    for alias in ship.aliases:
        assert CATALOGUE.match(alias, ship.manufacturer) == Match(ship.key, "alias")
    if ship.class_name:
        assert CATALOGUE.match("no such name", None, ship.class_name.lower()) == Match(ship.key, "code")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Aopoa San'tok.yāi", "San'tok.yāi"),
        ("SAN’TOK.YAI", "San'tok.yāi"),
        ("Nautilus ", "Nautilus"),
        ("F7C Hornet MkII", "F7C Hornet Mk II"),
        ("F7C Hornet Mk 2", "F7C Hornet Mk II"),
        ("Zeus CL", "Zeus Mk II CL"),
        ("600i 2951 Best In Show Edition", "600i 2951 BIS"),
        ("Hammerhead Best in Show 2949", "Hammerhead 2949 Best In Show Edition"),
        ("cyclone-tr", "Cyclone TR"),
        ("890Jump", "890 Jump"),
        ("C.O. Nomad", "Nomad"),
        ("Roberts Space Industries Polaris", "Polaris"),
        ("Po\u200blar\u202eis", "Polaris"),
        ("MISC Fury", "Fury"),
    ],
)
def test_spellings_of_one_hull_are_one(written: str, name: str) -> None:
    (ship,) = (ship for ship in SHIPS if ship.name == name)
    assert CATALOGUE.match(written).key == ship.key


@pytest.mark.parametrize("written", ["Aurora", "F7C Hornet", "Cutlass", "Hercules", "600i Executive Edition"])
def test_what_could_be_several_hulls_is_asked(written: str) -> None:
    match = CATALOGUE.match(written)
    assert match.key is None
    assert match.how == "fuzzy-suggestion"
    assert match.suggestions


def test_a_code_and_a_name_that_mean_two_hulls_are_asked() -> None:
    assert CATALOGUE.match("Corsair", None, "ANVL_Carrack") == Match(
        None, "fuzzy-suggestion", ("ANVL_Carrack", "DRAK_Corsair")
    )


def test_a_name_of_another_manufacturer_is_asked() -> None:
    assert CATALOGUE.match("Carrack", "Drake") == Match(None, "fuzzy-suggestion", ("ANVL_Carrack",))


def test_a_daughter_of_the_manufacturer_is_not_another() -> None:
    assert same_maker("MISC", "MRAI")
    assert not same_maker("MISC", "DRAK")
    assert CATALOGUE.match("Razor", "MISC").how == "name"


def test_an_unknown_manufacturer_decides_nothing() -> None:
    assert manufacturer_code("Hull & Sons") is None
    assert CATALOGUE.match("Carrack", "Hull & Sons").key == "ANVL_Carrack"


def test_what_a_tool_calls_the_hull_in_its_code_is_read_as_a_name() -> None:
    assert CATALOGUE.match("?", None, "DRAK_Cutlass_2949_Best_In_Show").how == "code"


def test_an_answer_is_remembered_under_every_spelling_and_unknown_keys_are_not() -> None:
    taught = CATALOGUE.remembering({"600i Executive Edition": "ORIG_600i", "Cutlass": "NO_Such"})
    assert taught.remembering({}).match("origin 600I EXECUTIVE") == Match("ORIG_600i", "alias")
    assert taught.match("Cutlass").key is None
    assert CATALOGUE.match("600i Executive Edition").key is None


def test_an_answer_for_a_name_of_signs_is_not_one_for_every_name_of_signs() -> None:
    assert CATALOGUE.remembering({"★": "ORIG_600i"}).match("☆").key is None


def test_a_manufacturer_alone_stays_his_name() -> None:
    assert compact("Argo") == "argo"
    assert compact("Argo MOLE") == "mole"
    assert compact("Edition") == "edition"


def test_nothing_at_all_matches_nothing() -> None:
    assert CATALOGUE.match("") == Match(None, "fuzzy-suggestion")
    assert CATALOGUE.match("\u200b \x00", "", "") == Match(None, "fuzzy-suggestion")
    assert CATALOGUE.get("NO_Such") is None


@given(st.text(), st.none() | st.text(), st.none() | st.text())
@settings(deadline=None)
def test_any_text_gets_the_same_answer_twice_and_only_known_keys(
    name: str, maker: str | None, code: str | None
) -> None:
    match = CATALOGUE.match(name, maker, code)
    assert match == Catalogue(reversed(SHIPS)).match(name, maker, code)
    assert all(CATALOGUE.get(key) for key in (*match.suggestions, *filter(None, [match.key])))
    assert (match.key is None) == (match.how == "fuzzy-suggestion")


@given(st.text())
@settings(deadline=None)
def test_a_name_s_form_has_no_case_no_blanks_and_an_end(name: str) -> None:
    assert not any(c.isspace() for c in compact(name))
    assert len(compact(name)) <= 20 * NAME_LENGTH_MAX
    assert visible(visible(name)) == visible(name)


def test_a_mark_can_be_left_out() -> None:
    assert without_mark("F7A Hornet Mk II") == without_mark("F7A Hornet Mk I") == "f7ahornet"
