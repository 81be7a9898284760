"""Consent: nothing unless somebody said so, to these words, and did not withdraw it since."""

from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from scmanager.domain import consent
from scmanager.domain.consent import (
    KNOWN,
    Agreed,
    Consents,
    ConsentTextOther,
    Given,
    Withdrawn,
    allows,
    consent_hash,
    evolve,
    give,
    given_in,
    is_asked_again,
    standing,
    subject_of,
    withdraw,
)
from scmanager.domain.consent_texts import TEXTS, Purpose, current, text_of
from scmanager.domain.contest import Claim
from scmanager.domain.event import replace
from scmanager.domain.payload import TUPLE_MAX
from tests.support.effort import examples
from tests.support.scenario import LEADER, Scenario, entry, meanwhile, told, who

GRACE = who("grace")
STATISTICS, HEALTH = Purpose.STATISTICS, Purpose.HEALTH
NOW = current(STATISTICS)
WORDS = TEXTS[STATISTICS][-1].hash
OLD = Given(STATISTICS, 1, TEXTS[STATISTICS][0].hash)
YES, NO = Given(STATISTICS, NOW, WORDS), Withdrawn(STATISTICS)
story = Scenario(Consents(), evolve, LEADER)
given, when, then, then_refused, then_state = story.verbs()


def test_nothing_is_consented_to_until_it_is_said() -> None:
    given()
    assert standing(story.state) == {}
    when(give, STATISTICS, NOW)
    then(YES)
    assert standing(story.state) == {STATISTICS: consent_hash(STATISTICS, NOW)}


def test_given_twice_is_said_once() -> None:
    given(YES)
    when(give, STATISTICS, NOW)
    then()


def test_a_text_that_is_not_the_one_asked_now_is_refused() -> None:
    given()
    for version in (0, 1, NOW + 1):
        when(give, STATISTICS, version)
        then_refused(ConsentTextOther, purpose="statistics", version=NOW, given=version)


def test_withdrawn_it_stands_no_more_and_can_be_given_again() -> None:
    given(YES)
    when(withdraw, STATISTICS)
    then(Withdrawn(STATISTICS, (entry(1),)))
    assert standing(story.state) == {}
    when(withdraw, STATISTICS)
    then()
    when(give, STATISTICS, NOW)
    then(Given(STATISTICS, NOW, WORDS, (entry(2),)))
    assert set(standing(story.state)) == {STATISTICS}


def test_what_was_said_is_kept_with_its_entry_and_whose_it_is() -> None:
    given(YES)
    assert story.state.of(STATISTICS).given == (Claim(Agreed(NOW, WORDS), entry(1), LEADER),)
    given(NO)
    assert story.state.of(STATISTICS).withdrawn == (Claim(True, entry(1), LEADER),)


def test_in_a_personal_space_its_founder_s_consents_count() -> None:
    assert subject_of(bytes(range(32))) == bytes(range(16))


def test_one_purpose_is_withdrawn_and_the_others_stand() -> None:
    given(YES, Given(HEALTH, current(HEALTH), TEXTS[HEALTH][-1].hash), NO)
    assert set(standing(story.state)) == {HEALTH}


def test_of_a_consent_and_a_withdrawal_at_one_time_the_withdrawal_holds_in_either_order() -> None:
    given(YES, NO)
    one, two = story.in_either_order(YES, NO)
    assert standing(one) == standing(two) == {}
    given(NO, meanwhile(YES))
    assert standing(story.state) == {}
    when(give, STATISTICS, NOW)
    assert set(standing(story.state)) == {STATISTICS}


def test_what_stands_was_given_in_entries_that_can_be_shown() -> None:
    given(meanwhile(YES), meanwhile(YES))
    assert given_in(story.state, STATISTICS) == (entry(1), entry(2))
    assert given_in(story.state, HEALTH) == ()
    given(YES, NO)
    assert given_in(story.state, STATISTICS) == ()


def test_withdrawn_where_nobody_had_heard_of_the_consent_it_is_withdrawn_all_the_same() -> None:
    given()
    when(withdraw, STATISTICS)
    then(NO)
    given(NO, meanwhile(YES), meanwhile(YES))
    assert standing(story.state) == {}


def test_nobody_consents_for_another_nor_withdraws_for_him() -> None:
    given(told(YES, by=GRACE))
    assert standing(story.state) == {}
    given(YES, told(NO, by=GRACE))
    assert set(standing(story.state)) == {STATISTICS}


def test_a_consent_to_other_words_or_to_another_version_stands_for_nothing() -> None:
    given(Given(STATISTICS, NOW, bytes(32)))
    assert standing(story.state) == {}
    given(Given(STATISTICS, 7, WORDS))
    assert standing(story.state) == {}
    when(give, STATISTICS, NOW)
    assert set(standing(story.state)) == {STATISTICS}


def test_however_often_it_is_withdrawn_without_knowing_it_stays_so_until_one_takes_all_back() -> None:
    given(*(meanwhile(NO) for _ in range(TUPLE_MAX + 6)))
    when(give, STATISTICS, NOW)
    assert len(story.state.of(STATISTICS).withdrawn) == 0
    given(*(meanwhile(NO) for _ in range(TUPLE_MAX + 6)), meanwhile(YES))
    assert standing(story.state) == {}


def test_every_hash_is_of_one_text_and_allows_its_purpose_alone() -> None:
    hashes = {purpose: consent_hash(purpose, current(purpose)) for purpose in Purpose}
    assert len(set(hashes.values())) == len(Purpose) <= len(KNOWN)
    for purpose, one in hashes.items():
        assert [each for each in Purpose if allows(one, each)] == [purpose]
    assert not any(allows(bytes(32), each) for each in Purpose)


PUBLISHED = {
    (Purpose.AUDIT_REPORTS, 1): "a0cc746963efae265ebd6d2903cc2468165e193d4e9e932650b0be5e7f6c4fdc",
    (Purpose.STATISTICS, 1): "0d839a2c7b2d7f1e2769f7a9cf1446a408857dde6670129b0cbeff97e4bda59e",
    (Purpose.ERROR_REPORTS, 1): "8a41518f8e0e3e75fe5a65af67a10a31b2e08c8d86de9e03abefdf4ecda8186b",
    (Purpose.HEALTH, 1): "6df68629862eb73bcec44b88e78b43e4af5bf5ddd96dfc528a7c38cb3edb64d9",
    (Purpose.AUDIT_REPORTS, 2): "93bf32fef8558a8325cf00cf1892038720e84291ccb5f0e76fa35e412b5a9dcc",
    (Purpose.STATISTICS, 2): "6c7098d0b48ff3a9994d32156441718eca5296b95ed95be15563b36d8b0df1bd",
    (Purpose.ERROR_REPORTS, 2): "d5a2eae6fa73952963a77469f4fc9e6ce06b2d1cd58940b3cc26e8391d4ce021",
    (Purpose.HEALTH, 2): "b5f0772d3fd4cc6bb6e29e115f208b34718a5f4fc4df862f16e8bdbcc1603bf0",
}
"""SHA3-256 of each text that somebody may have read. A line is added, never changed."""


def test_no_text_that_somebody_may_have_read_is_changed() -> None:
    texts = {(purpose, number + 1): text for purpose, row in TEXTS.items() for number, text in enumerate(row)}
    assert {place: text.hash.hex() for place, text in texts.items()} == PUBLISHED
    assert text_of(STATISTICS, 1) is TEXTS[STATISTICS][0]
    assert text_of(STATISTICS, 0) is text_of(STATISTICS, NOW + 1) is None


def test_who_agreed_to_an_older_text_is_asked_again_and_until_then_nothing_stands() -> None:
    given(OLD)
    assert standing(story.state) == {}
    assert is_asked_again(story.state, STATISTICS)
    assert given_in(story.state, STATISTICS) == ()
    when(give, STATISTICS, NOW)
    then(YES)
    assert set(standing(story.state)) == {STATISTICS}
    assert not is_asked_again(story.state, STATISTICS)
    given(OLD, told(NO))
    assert not is_asked_again(story.state, STATISTICS), "he said no"
    assert not is_asked_again(Consents(), STATISTICS), "he was never asked"


def test_every_text_says_that_the_server_is_greeted_and_by_which_key() -> None:
    for purpose in Purpose:
        assert "greets the server" not in TEXTS[purpose][0].sent
        lasts = "as long as your consent stands" if purpose is HEALTH else "another one each day"
        assert lasts in TEXTS[purpose][-1].sent


def test_every_text_says_how_it_is_withdrawn() -> None:
    for purpose in Purpose:
        text = TEXTS[purpose][-1]
        assert f"scm privacy withdraw {purpose.value}" in text.withdraw
        assert replace(text, sent="").hash != text.hash


ACTS = st.lists(st.tuples(st.sampled_from([YES, NO]), st.booleans()), max_size=8)


@drawn(acts=ACTS)
@settings(max_examples=examples(200))
def test_what_stands_is_what_was_said_last_unless_somebody_withdrew_without_knowing(
    acts: list[tuple[consent.ConsentEvent, bool]],
) -> None:
    """`knew` all before, or nothing of it."""
    given(*(told(event) if knew else meanwhile(event) for event, knew in acts))
    expected, blind = False, 0
    for event, knew in acts:
        if event == NO:
            blind = 1 if knew else blind + 1
            expected = False
        else:
            blind = 0 if knew else blind
            expected = blind == 0
    assert (STATISTICS in standing(story.state)) == expected
