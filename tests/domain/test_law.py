"""Which duties apply where: what the table says, and all of them where nobody said where."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.territories import table
from scmanager.config import REGIONS
from scmanager.domain.law import DutyKind, duties_in, laws_in, notices_in, region_hash, region_of
from tests.support.effort import examples

ALL = {each.key for each in table().laws.laws}


def kinds(region: str | None) -> set[str]:
    return {each.duty.kind.value for each in duties_in(table(), region)}


def test_the_table_has_every_territory_and_names_no_law_that_there_is_not() -> None:
    assert set(table().territories) == REGIONS
    assert len(REGIONS) == 249
    assert {key for each in table().territories.values() for key in each.laws} == ALL
    laws = table().laws
    assert {each.law for duty in laws.duties for each in duty.by} == ALL
    assert {key for notice in laws.notices for key in notice.by} <= ALL
    assert len({each.key for each in laws.duties}) == len(laws.duties)
    assert {each.kind for each in laws.duties} == set(DutyKind)
    assert all(each.name and each.name == each.name.strip() for each in table().territories.values())


@pytest.mark.parametrize(
    ("region", "laws"),
    [
        ("DE", {"gdpr", "eprivacy", "dsa"}), ("FR", {"gdpr", "eprivacy", "dsa"}), ("AX", {"gdpr", "eprivacy", "dsa"}),
        ("RE", {"gdpr", "eprivacy", "dsa"}), ("NO", {"gdpr-eea", "eprivacy"}), ("GB", {"uk-gdpr", "pecr"}),
        ("US", set()), ("NC", set()), ("GL", set()), ("CH", set()),
    ],
)  # fmt: skip
def test_laws_apply_where_they_do(region: str, laws: set[str]) -> None:
    assert laws_in(table(), region) == laws


def test_the_union_has_27_members_and_the_area_three_more() -> None:
    gdpr = [each for each, found in table().territories.items() if "gdpr" in found.laws]
    assert len(gdpr) == 27 + len({"AX", "GF", "GP", "MF", "MQ", "RE", "YT"})
    assert [each for each, found in table().territories.items() if "gdpr-eea" in found.laws] == ["IS", "LI", "NO"]


def test_where_nobody_said_where_the_strictest_duties_apply() -> None:
    assert kinds(None) == kinds("DE") == {each.value for each in DutyKind}
    assert kinds("US") == set()
    assert "give-reasons" not in {each.duty.key for each in duties_in(table(), "GB")}
    assert [each.to for each in notices_in(table(), "NO")] == ["the supervisory authority", "the people concerned"]
    assert notices_in(table(), "US") == ()


def test_a_duty_names_the_laws_of_the_place_alone() -> None:
    (erase,) = [each for each in duties_in(table(), "GB") if each.duty.key == "erase"]
    assert [(law.key, at) for law, at in erase.by] == [("uk-gdpr", "Art. 17")]


@given(st.one_of(st.none(), st.text(max_size=4)))
@settings(max_examples=examples(200))
def test_whatever_is_said_of_a_region_there_is_an_answer_and_what_is_none_is_unknown(region: str | None) -> None:
    found = duties_in(table(), region)
    if region not in REGIONS:
        assert found == duties_in(table(), None)


def test_duties_are_data_and_another_table_has_other_ones() -> None:
    here = table()
    laws = msgspec.structs.replace(here.laws, duties=())
    assert duties_in(msgspec.structs.replace(here, laws=laws), "DE") == ()


def test_a_region_is_kept_under_a_secret_and_a_table() -> None:
    secret = bytes(range(32))
    kept = region_hash(secret, table().hash, "DE")
    assert region_of(table(), secret, kept) == "DE"
    assert region_of(table(), bytes(32), kept) is None
    assert region_of(msgspec.structs.replace(table(), hash=bytes(32)), secret, kept) is None
    hashes = {region_hash(secret, table().hash, code) for code in REGIONS}
    assert len(hashes) == len(REGIONS)
    assert region_hash(b"s" * 32, bytes(32), "DE").hex() == (
        "493266f3685c656bee0e3109d101dcb5fb53317e0aeb1fcd541d0ff4c4eba5e8"
    ), "what lies on somebody's disk is found again"
