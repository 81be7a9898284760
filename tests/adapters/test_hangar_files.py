import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scmanager.adapters.hangar_files import SHIPS_MAX, HangarUnknown, read_hangar
from scmanager.adapters.hangar_text import (
    DEPTH_MAX,
    SIZE_BYTES_MAX,
    HangarEmpty,
    HangarNotReadable,
    HangarNotText,
    HangarTooLarge,
)
from scmanager.adapters.ship_catalogue import Catalogue
from scmanager.application.hangar_ships import HangarFile, Note
from scmanager.errors import Untrusted

FIXTURES = Path(__file__).parent.parent / "fixtures" / "hangars"
FILES = {
    "hangarxplor.json": "hangarxplor",
    "hangarxplor-legacy.json": "hangarxplor-legacy",
    "hangarxplor.csv": "hangarxplor-csv",
    "sc-bridge.json": "sc-bridge",
    "fleetyards-old.json": "fleetyards",
    "fleetyards-new.json": "fleetyards",
    "starship42.json": "starship42",
    "fleetview.json": "fleetview",
}
HULLS = [
    "AEGS_Avenger_Titan",
    "ANVL_Arrow",
    "ANVL_Arrow",
    "ANVL_Carrack",
    "DRAK-cutlass-black-2949-best-in-show-edition",
    "XNAA_SanTokYai",
    None,
]


def of_file(name: str) -> HangarFile:
    return read_hangar((FIXTURES / name).read_bytes())


def of(value: Any) -> HangarFile:
    return read_hangar(json.dumps(value).encode())


def row(**fields: Any) -> dict[str, Any]:
    return {"name": "Corsair", "ship_code": "DRAK_Corsair", "manufacturer_code": "DRAK", **fields}


@pytest.mark.parametrize(("name", "tool"), FILES.items())
def test_every_tool_s_export_names_the_same_hulls(name: str, tool: str) -> None:
    file = of_file(name)
    assert file.tool == tool
    assert [ship.key for ship in file.ships] == HULLS
    (asked,) = file.unrecognised
    assert asked.name.casefold() == "mole teach's special"
    assert asked.suggestions[0] == "ARGO_MOLE"


def test_hangarxplor_tells_pledge_name_serial_and_insurance() -> None:
    titan, _, _, carrack, cutlass, *_ = of_file("hangarxplor.json").ships
    assert (titan.pledge_id, titan.pledge_date, titan.lti) == ("700001", "2021-03-04", True)
    assert titan.nickname is None  # The tool repeats the model there.
    assert (carrack.nickname, carrack.serial, carrack.row) == ("Long Way Round", "CK-0117", 4)
    assert cutlass.pledge_id is None  # "-"
    assert of_file("hangarxplor.json").notes == (Note("row-is-no-ship", 1),)


@pytest.mark.parametrize("name", ["hangarxplor-legacy.json", "hangarxplor.csv"])
def test_older_exports_tell_the_pledge_too(name: str) -> None:
    ships = of_file(name).ships
    assert [ship.pledge_id for ship in ships] == [
        "700001", "700002", "700002", "700003", None, "700005", "700006",
    ]  # fmt: skip
    assert ships[0].pledge_date == "2021-03-04"
    assert [ship.lti for ship in ships] == [True, False, False, True, True, False, False]


def test_sc_bridge_tells_the_months_of_insurance() -> None:
    ships = of_file("sc-bridge.json").ships
    assert [ship.insurance_months for ship in ships] == [None, 120, 120, None, None, 6, 120]


@pytest.mark.parametrize("name", ["fleetyards-old.json", "fleetyards-new.json", "fleetview.json"])
def test_a_wish_is_not_a_ship(name: str) -> None:
    file = of_file(name)
    assert [wish.key for wish in file.wishes] == ["RSI_Polaris"]
    assert "RSI_Polaris" not in [ship.key for ship in file.ships]


def test_a_layout_says_that_it_knows_nothing_of_ownership() -> None:
    assert of_file("starship42.json").notes == (Note("layout-says-nothing-of-ownership", 1),)


def test_an_answer_a_person_gave_is_used() -> None:
    catalogue = Catalogue.load().remembering({"MOLE Teach's Special": "ARGO_MOLE"})
    file = read_hangar((FIXTURES / "sc-bridge.json").read_bytes(), catalogue)
    assert file.ships[-1].key == "ARGO_MOLE"
    assert file.unrecognised == ()


@pytest.mark.parametrize("name", FILES)
def test_fingerprints_are_distinct_and_do_not_depend_on_the_order_of_rows(name: str) -> None:
    text = (FIXTURES / name).read_text(encoding="utf-8")
    if name.endswith(".csv"):
        head, *rows = text.splitlines()
        turned = "\n".join([head, *reversed(rows)]).encode()
    else:
        value = json.loads(text)
        (value["ships"] if isinstance(value, dict) else value).reverse()
        turned = json.dumps(value).encode()
    prints = [ship.fingerprint for ship in of_file(name).ships]
    assert len(set(prints)) == len(prints)
    assert sorted(prints) == sorted(ship.fingerprint for ship in read_hangar(turned).ships)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
    ],
)
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_windows_saved_is_the_same_file(name: str, encoding: str, mark: bytes) -> None:
    saved = mark + (FIXTURES / name).read_text(encoding="utf-8").replace("\n", "\r\n").encode(encoding)
    assert read_hangar(saved) == of_file(name)


def test_a_table_saved_by_a_german_spreadsheet_is_read() -> None:
    table = "Manufacturer;Ship;Lti;Warbond;ID;Pledge;Cost;Date\r\nDrake;Corsair;TRUE;FALSE;7;x;1;2020-02-29\r\n"
    (ship,) = read_hangar(table.encode()).ships
    assert (ship.key, ship.lti, ship.pledge_id, ship.pledge_date) == ("DRAK_Corsair", True, "7", "2020-02-29")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", HangarEmpty),
        (b" \r\n\t", HangarEmpty),
        (codecs.BOM_UTF8, HangarEmpty),
        (b"[]", HangarEmpty),
        (b"{}", HangarEmpty),
        (b'{"ships": []}', HangarEmpty),
        (b'[{"name": "", "ship_code": "x", "manufacturer_code": "y"}]', HangarEmpty),
        (b" " * (SIZE_BYTES_MAX + 1), HangarTooLarge),
        (json.dumps([row()] * (SHIPS_MAX + 1)).encode(), HangarTooLarge),
        (json.dumps({"ships": [{"name": "Arrow", "owned": 900}] * 6}).encode(), HangarTooLarge),
        (b"\xff\xfe\xd8", HangarNotText),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)), HangarNotText),
        (b"[" * 60_000, HangarNotReadable),
        (b"[" * 60_000 + b"]" * 60_000, HangarNotReadable),
        (b'{"a":' * 60_000, HangarNotReadable),
        (b'[{"name": "Arrow", "slug": "arrow"', HangarNotReadable),
        (b'[{"name": "Arrow", "slug": NaN}]', HangarNotReadable),
        (b'[{"name": "Arrow", "slug": -Infinity}]', HangarNotReadable),
        (b'[{"name": "Arrow", "name": "Polaris", "slug": "x"}]', HangarNotReadable),
        (b'[{"name": "Arr\x00ow", "slug": "x"}]', HangarNotReadable),
        (b'[{"name": ' + b"9" * 5000 + b', "slug": "x"}]', HangarNotReadable),
        (b"just words", HangarNotReadable),
        (b"a,b\n" + b'"' + b"x" * 200_000, HangarNotReadable),
        (b"Name,Rank,Stars\nada,Officer,3\n", HangarUnknown),
        (b'{"members": [1]}', HangarUnknown),
        (b'{"ships": "many"}', HangarUnknown),
        (b'[{"handle": "ada", "rank": 3}]', HangarUnknown),
        (b"[1, null, [], true]", HangarUnknown),
        (b'["Arrow"]', HangarUnknown),
    ],
    ids=lambda value: value[:24].hex() if isinstance(value, bytes) else value.__name__,
)
def test_what_is_no_hangar_is_refused_and_says_what_to_do(data: bytes, error: type[Untrusted]) -> None:
    with pytest.raises(error) as refused:
        read_hangar(data)
    assert type(refused.value) is error
    assert refused.value.code.startswith("hangar-")
    assert refused.value.hint
    assert "?" not in str(refused.value)


def test_as_deep_as_allowed_is_allowed() -> None:
    def deep(levels: int) -> bytes:
        return (
            json.dumps([row(name="Corsair [[[[[[[[[[[[[[[[")]).replace('"DRAK"', "[" * levels + "]" * levels).encode()
        )

    assert read_hangar(deep(DEPTH_MAX - 2)).ships
    with pytest.raises(HangarNotReadable):
        read_hangar(deep(DEPTH_MAX - 1))


def test_invisible_characters_do_not_survive() -> None:
    (ship,) = of(
        [row(name="Cor\u202esair\u200b", ship_name="Free\u2066dom\x00\ud800\u2800\u034f\ufe0f", pledge_name="\ufeff")]
    ).ships
    assert (ship.key, ship.name, ship.nickname, ship.pledge_name) == ("DRAK_Corsair", "Corsair", "Freedom", None)


@pytest.mark.parametrize(
    ("odd", "field", "read"),
    [
        ({"pledge_id": 15109407}, "pledge_id", "15109407"),
        ({"pledge_id": 1.5}, "pledge_id", None),
        ({"pledge_id": {"id": 1}}, "pledge_id", None),
        ({"pledge_id": True}, "pledge_id", None),
        ({"lti": "Yes"}, "lti", True),
        ({"lti": 0}, "lti", False),
        ({"lti": []}, "lti", None),
        ({"lti": "perhaps"}, "lti", None),
        ({"insurance": "120 Month Insurance"}, "insurance_months", 120),
        ({"insurance": "10-year insurance"}, "insurance_months", 120),
        ({"insurance": "Lifetime Insurance"}, "lti", True),
        ({"insurance": "Lifetime Insurance"}, "insurance_months", None),
        ({"insurance": 6}, "insurance_months", 6),
        ({"insurance": "6"}, "insurance_months", 6),
        ({"insurance": True}, "insurance_months", None),
        ({"insurance": -6}, "insurance_months", None),
        ({"insurance": ["6"]}, "insurance_months", None),
        ({"insurance": {"months": "24"}}, "insurance_months", 24),
        ({"insurance": {"duration": "3 months"}}, "insurance_months", 3),
        ({"insurance": {"label": "3 months"}}, "insurance_months", 3),
        ({"insurance": {"is_lifetime": True}}, "lti", True),
        ({"insurance": {"months": 3}, "lti": False}, "lti", False),
        ({"pledge_date": "Feb 3, 2020"}, "pledge_date", "2020-02-03"),
        ({"pledge_date": "2020-02-03T10:00:00Z"}, "pledge_date", "2020-02-03"),
        ({"pledge_date": "2020-13-03"}, "pledge_date", None),
        ({"pledge_date": "2020-04-31"}, "pledge_date", None),
        ({"pledge_date": "Brumaire 18, 1799"}, "pledge_date", None),
        ({"pledge_date": "yesterday"}, "pledge_date", None),
        ({"ship_serial": 7}, "serial", "7"),
        ({"ship_name": "CORSAIR "}, "nickname", None),
        ({"ship_name": "x" * 5000}, "nickname", "x" * 80),
    ],
)
def test_values_of_odd_types_are_read_or_left_out(odd: dict[str, Any], field: str, read: object) -> None:
    (ship,) = of([row(**odd)]).ships
    assert ship.key == "DRAK_Corsair"
    assert getattr(ship, field) == read


def test_odd_rows_are_counted_and_do_not_hide_the_others() -> None:
    file = of([row(), row(name=[]), 7, None, row(pledge_date="soon", insurance="some")])
    assert [ship.row for ship in file.ships] == [1, 5]
    assert file.notes == (
        Note("date-not-understood", 1),
        Note("row-without-name", 3),
        Note("value-not-understood", 1),
    )


def test_a_fleetview_row_may_stand_for_several_hulls() -> None:
    ships = [{"name": "Arrow", "owned": "3"}, {"name": "Polaris", "owned": -1}, {"name": "Nox", "contains": ["x"]}]
    file = of({"ships": ships})
    assert [ship.name for ship in file.ships] == ["Arrow", "Arrow", "Arrow", "Polaris", "Nox"]
    assert file.notes == (Note("contents-of-pledges-left-out", 1), Note("value-not-understood", 1))


def test_a_slug_or_a_maker_s_object_helps_to_find_the_hull() -> None:
    (ship,) = of(
        [{"name": "The big one", "slug": "rsi-polaris", "manufacturer": {"name": "RSI"}, "wanted": "no"}]
    ).ships
    assert ship.key == "RSI_Polaris"


FIELDS = st.sampled_from(
    [
        *("name", "ship_code", "manufacturer", "manufacturer_code", "slug", "purchased", "wanted", "owned", "lti"),
        *(
            "ships",
            "insurance",
            "pledge_date",
            "pledge_id",
            "shipname",
            "ship_name",
            "type",
            "entity_type",
            "contains",
        ),
        "months",
    ]
)


def values(leaves_max: int) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=20)
        | st.sampled_from(["Arrow", "LTI"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=8),
        max_leaves=leaves_max,
    )


def outcome(data: bytes) -> None:
    try:
        file = read_hangar(data)
    except Untrusted:
        return
    assert file.ships or file.wishes
    assert all(ship.name.encode() for ship in file.ships)  # No lone surrogates.


@given(st.binary())
@settings(deadline=None)
@example(b"\x00" * 9)
@example(b"\xef\xbb\xbf[")
@example(b"[\xc2\xa0")
def test_noise_is_refused_as_untrusted_and_nothing_else(data: bytes) -> None:
    outcome(data)


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(deadline=None, max_examples=200)
def test_a_damaged_export_is_read_or_refused_as_untrusted(name: str, data: st.DataObject) -> None:
    whole = (FIXTURES / name).read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    outcome(whole[:start] + data.draw(st.binary(max_size=12)) + whole[end:])


@given(values(25))
@settings(deadline=None, max_examples=300)
@pytest.mark.slow
def test_any_json_is_read_or_refused_as_untrusted(value: Any) -> None:
    outcome(json.dumps(value).encode())


@given(st.lists(st.dictionaries(FIELDS, values(4), min_size=2), max_size=4))
@settings(deadline=None)
@pytest.mark.slow
def test_rows_of_any_values_are_read_or_refused_as_untrusted(rows: list[dict[str, Any]]) -> None:
    outcome(json.dumps([{**row(), **odd} for odd in rows]).encode())
    outcome(json.dumps({"ships": rows}).encode())


@given(st.lists(st.lists(st.text(max_size=10), max_size=9), max_size=5))
@settings(deadline=None)
def test_any_table_is_read_or_refused_as_untrusted(rows: list[list[str]]) -> None:
    table = "Manufacturer, Ship, Lti, Warbond, ID, Pledge, Cost, Date\n" + "\n".join(",".join(row) for row in rows)
    outcome(table.encode("utf-8", "surrogatepass"))
