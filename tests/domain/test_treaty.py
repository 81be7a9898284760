"""A treaty: proposed, its terms changed, signed by us, accepted by them as we claim, in force, over."""

import pytest

from scmanager.domain.diplomacy import Proof, Side
from scmanager.domain.event import About
from scmanager.domain.negotiation import (
    TermsContested,
    TermsUnknown,
    Times,
    TreatyAgreed,
    TreatyDropped,
    TreatyEnded,
    TreatyKnown,
    TreatyNotAgreed,
    TreatyTimeUnusable,
    TreatyUnknown,
    change_terms,
    choose_terms,
    claim_acceptance,
    decline,
    end,
    propose,
    reinstate,
    sign,
    withdraw,
)
from scmanager.domain.treaty import DAY_S, Phase, Treaty, ends_at, evolve, in_force_at, phase_at, warns_from
from scmanager.domain.treaty_events import (
    AcceptanceClaimed,
    Dropped,
    DropReason,
    Ended,
    EndReason,
    Kind,
    Proposed,
    Reinstated,
    Signed,
    TermsChanged,
    TermsChosen,
    TreatyEvidence,
    TreatyTerms,
)
from scmanager.domain.words import TitleUnusable, WordsUnusable
from tests.support.scenario import Scenario, entry, meanwhile, told, who

NOW, TALLOW, BRINE = 1_000_000, who("tallow"), who("brine")
story = Scenario(Treaty(), evolve)
given, when, then, then_refused, then_state = story.verbs()
PACT = Proposed(TALLOW, Kind.NON_AGGRESSION, "Pact of Levski", until=NOW + 30 * DAY_S, warn_days=7)
FIRST = entry(1)
AGREED = (PACT, Signed(FIRST), AcceptanceClaimed(FIRST))
SAID = (NOW, *(NOW + days * DAY_S for days in (10, 23, 30)))


def offer(title: str = "Pact of Levski", text: str = "We shoot not.", **times: int) -> tuple[object, ...]:
    return TALLOW, Kind.NON_AGGRESSION, title, text, Side.US, Times(**times), NOW


def phases(*moments: int) -> list[str]:
    return [phase_at(story.state, moment).value for moment in moments]


def test_a_treaty_is_proposed_once_with_terms_in_words_of_their_own() -> None:
    given()
    when(propose, *offer(until=NOW + 30 * DAY_S, warn_days=7))
    then(About(PACT, TALLOW, TreatyTerms("We shoot not.")))
    then_state(contact=TALLOW, title="Pact of Levski", contested=False, agreed=None)
    when(propose, *offer())
    then_refused(TreatyKnown, title="Pact of Levski")


def test_what_two_proposed_under_one_id_is_contested_and_is_what_the_chosen_terms_are_part_of() -> None:
    given()
    other = Proposed(BRINE, Kind.OTHER, "Other", Side.THEM)
    one, two = story.in_either_order(PACT, other)
    assert (one.title, two.title) == ("Pact of Levski", "Other")
    assert (one.rival_drafts, two.rival_drafts) == ((entry(2),), (entry(1),))
    given(PACT, other)
    then_state(title="Pact of Levski", contested=False)
    given(PACT, meanwhile(other))
    when(sign, None, NOW)
    then_refused(TermsContested, title="Pact of Levski")
    when(choose_terms, entry(2))
    then_state(title="Other", contact=BRINE, kind=Kind.OTHER, by=Side.THEM, contested=False)
    when(change_terms, "Else.", Times(), NOW)
    then_state(title="Other", contact=BRINE)
    when(choose_terms, entry(1))
    then_state(title="Pact of Levski", contact=TALLOW, kind=Kind.NON_AGGRESSION, by=Side.US)


def test_what_binds_stays_what_it_is_whatever_is_proposed_under_its_id() -> None:
    given(*AGREED, meanwhile(Proposed(BRINE, Kind.OTHER, "Other")))
    then_state(title="Pact of Levski", contact=TALLOW, rival_drafts=(entry(4),), contested=True)
    given(Proposed(BRINE, Kind.OTHER, "Other"), meanwhile(PACT), Signed(entry(2)), AcceptanceClaimed(entry(2)))
    then_state(title="Pact of Levski", contact=TALLOW, kind=Kind.NON_AGGRESSION, contested=True)


@pytest.mark.parametrize(
    "times",
    [
        {"until": NOW},
        {"starts": NOW + 9, "until": NOW + 5},
        {"until": 2**53},
        {"starts": -1},
        {"warn_days": 366},
        {"warn_days": -1},
    ],
)
def test_times_that_do_not_fit_are_refused(times: dict[str, int]) -> None:
    given()
    when(propose, *offer(**times))
    then_refused(TreatyTimeUnusable)
    given(PACT)
    when(change_terms, "More.", Times(**times), NOW)
    then_refused(TreatyTimeUnusable)


def test_a_treaty_has_a_title_and_says_something() -> None:
    given()
    when(propose, *offer(title=" "))
    then_refused(TitleUnusable)
    when(propose, *offer(text=""))
    then_refused(WordsUnusable)
    given(Proposed(TALLOW, Kind.OTHER, "\n"))
    then_state(contact=b"")


def test_nothing_is_said_of_a_treaty_that_is_not_there() -> None:
    for decide, *args in (
        (change_terms, "x", Times(), NOW),
        (choose_terms, FIRST),
        (sign, None, NOW),
        (claim_acceptance, None, "", NOW),
        (decline,),
        (withdraw,),
        (end, EndReason.CANCELLED, Side.US, NOW),
        (reinstate,),
    ):
        given()
        when(decide, *args)
        then_refused(TreatyUnknown)
    given(Signed(FIRST), TermsChanged(), Dropped(DropReason.DECLINED), Ended(EndReason.BROKEN))
    assert story.state == Treaty()


def test_it_is_agreed_once_we_signed_and_they_accepted_as_one_of_us_claims() -> None:
    given(PACT)
    when(sign, None, NOW)
    then(Signed(FIRST))
    when(sign, None, NOW)
    then()
    then_state(agreed=None)
    when(claim_acceptance, None, "Marlowe said so.", NOW)
    then(About(AcceptanceClaimed(FIRST), TALLOW, TreatyEvidence("Marlowe said so.")))
    when(claim_acceptance, None, "", NOW)
    then()
    version = story.state.agreed
    assert version is not None
    assert (version.our_proof, version.their_proof) == (Proof.PROVED, Proof.CLAIMED)
    assert (version.ours, version.theirs) == (entry(2), entry(3))


def test_signed_and_accepted_at_once_it_is_agreed_in_either_order() -> None:
    given(PACT)
    one, two = story.in_either_order(Signed(FIRST), AcceptanceClaimed(FIRST))
    assert one.agreed is not None
    assert two.agreed is not None
    assert not one.contested
    assert not two.contested


def test_neither_side_says_yes_to_what_is_over_or_to_terms_nobody_wrote() -> None:
    for decide, *args in ((sign,), (claim_acceptance, "")):
        given(PACT)
        when(decide, None, *args, NOW + 30 * DAY_S)
        then_refused(TreatyTimeUnusable)
        when(decide, entry(77), *args, NOW)
        then_refused(TermsUnknown, title="Pact of Levski")
    given(PACT, Signed(entry(77)), TermsChosen(entry(77)), AcceptanceClaimed(entry(77)))
    then_state(agreed=None, rival_drafts=())


def test_expiry_and_its_warning_follow_from_the_moment_one_looks() -> None:
    given(*AGREED)
    assert phases(*SAID) == ["in-force", "in-force", "expiring", "expired"]
    assert [in_force_at(story.state, moment) for moment in SAID] == [True, True, True, False]
    assert (ends_at(story.state), warns_from(story.state)) == (NOW + 30 * DAY_S, NOW + 23 * DAY_S)
    given(Proposed(TALLOW, Kind.ALLIANCE, "For ever", starts=NOW + DAY_S), Signed(FIRST), AcceptanceClaimed(FIRST))
    assert phases(NOW, NOW + DAY_S, NOW + 9999 * DAY_S) == ["agreed", "in-force", "in-force"]
    assert (ends_at(story.state), warns_from(story.state)) == (0, 0)
    given(PACT)
    assert phases(*SAID) == ["proposed"] * 4


def test_changed_terms_are_a_version_of_their_own_and_the_agreed_one_binds_until_both_said_yes() -> None:
    given(*AGREED)
    when(change_terms, "And we trade.", Times(until=NOW + 60 * DAY_S), NOW)
    then(About(TermsChanged(until=NOW + 60 * DAY_S, over=(FIRST,)), TALLOW, TreatyTerms("And we trade.")))
    second = entry(4)
    when(sign, None, NOW)
    then(Signed(second, over=(entry(3),)))
    assert ends_at(story.state) == NOW + 30 * DAY_S
    when(claim_acceptance, None, "", NOW)
    assert ends_at(story.state) == NOW + 60 * DAY_S
    then_state(contested=False)
    assert story.state.agreed == story.state.draft


def test_a_change_is_taken_off_the_table_by_choosing_the_agreed_terms_again() -> None:
    given(*AGREED, TermsChanged(over=(FIRST,)))
    when(choose_terms, FIRST)
    then(TermsChosen(FIRST, over=(entry(4),)))
    when(choose_terms, FIRST)
    then()
    when(choose_terms, entry(77))
    then_refused(TermsUnknown)
    assert story.state.draft == story.state.agreed


def test_terms_changed_twice_at_once_are_contested_until_one_version_is_chosen() -> None:
    longer, shorter = TermsChanged(until=NOW + 90, over=(FIRST,)), TermsChanged(until=NOW + 9, over=(FIRST,))
    given(PACT)
    one, two = story.in_either_order(longer, shorter)
    assert one.contested
    assert two.contested
    assert {version.until for version in one.versions} == {version.until for version in two.versions}
    given(PACT, longer, meanwhile(shorter))
    for decide, *args in ((sign,), (claim_acceptance, "")):
        when(decide, None, *args, NOW)
        then_refused(TermsContested, title="Pact of Levski")
    when(choose_terms, entry(3))
    then(TermsChosen(entry(3), over=(entry(2), entry(3))))
    then_state(rival_drafts=(), contested=False)
    when(sign, None, NOW)
    then(Signed(entry(3)))


def test_two_versions_chosen_at_once_are_contested() -> None:
    given(PACT, TermsChanged(over=(FIRST,)))
    one, two = story.in_either_order(TermsChosen(FIRST, (entry(2),)), TermsChosen(entry(2), (entry(2),)))
    assert (one.rival_drafts, two.rival_drafts) == ((entry(2),), (FIRST,))


def test_two_versions_agreed_at_once_are_contested_until_one_is_signed_again() -> None:
    given(PACT, TermsChanged(over=(FIRST,)), AcceptanceClaimed(FIRST), AcceptanceClaimed(entry(2)))
    one, two = story.in_either_order(Signed(FIRST), Signed(entry(2)))
    assert (one.rival_agreements, two.rival_agreements) == ((entry(2),), (FIRST,))
    given(
        PACT,
        TermsChanged(over=(FIRST,)),
        AcceptanceClaimed(FIRST),
        AcceptanceClaimed(entry(2)),
        Signed(FIRST),
        meanwhile(Signed(entry(2))),
    )
    then_state(contested=True)
    when(sign, entry(2), NOW)
    then(Signed(entry(2), over=(entry(5), entry(6))))
    then_state(contested=False)
    assert story.state.agreed == story.state.version(entry(2))


def test_a_proposal_is_declined_by_one_side_or_withdrawn_by_the_other() -> None:
    for by, declining in ((Side.US, Side.THEM), (Side.THEM, Side.US)):
        given(Proposed(TALLOW, Kind.PEACE, "Peace", by))
        when(decline)
        then(Dropped(DropReason.DECLINED, declining))
        when(decline)
        then()
        assert phases(NOW) == ["declined"]
        given(Proposed(TALLOW, Kind.PEACE, "Peace", by))
        when(withdraw)
        then(Dropped(DropReason.WITHDRAWN, by))
        when(withdraw)
        then()
        assert phases(NOW) == ["withdrawn"]
    when(sign, None, NOW)
    then_refused(TreatyDropped, title="Peace", reason="withdrawn")


def test_what_is_agreed_is_ended_and_not_dropped_and_a_proposal_the_other_way_round() -> None:
    for decide in (decline, withdraw):
        given(*AGREED)
        when(decide)
        then_refused(TreatyAgreed, title="Pact of Levski")
    given(PACT)
    when(end, EndReason.CANCELLED, Side.US, NOW)
    then_refused(TreatyNotAgreed, title="Pact of Levski")


def test_agreed_while_it_was_dropped_it_is_agreed_and_contested_until_reinstated() -> None:
    given(PACT, Signed(FIRST))
    one, two = story.in_either_order(AcceptanceClaimed(FIRST), Dropped(DropReason.WITHDRAWN))
    assert phase_at(one, NOW) is phase_at(two, NOW) is Phase.IN_FORCE
    assert one.contested
    assert two.contested
    given(PACT, Signed(FIRST), Dropped(DropReason.WITHDRAWN), meanwhile(AcceptanceClaimed(FIRST)))
    when(reinstate)
    then(Reinstated(over=(entry(3),)))
    then_state(contested=False)
    assert phases(NOW) == ["in-force"]


def test_a_treaty_ends_at_once_or_with_notice() -> None:
    given(*AGREED)
    when(end, EndReason.BROKEN, Side.THEM, NOW)
    then(Ended(EndReason.BROKEN, Side.THEM, NOW))
    assert phases(NOW) == ["ended"]
    when(end, EndReason.BROKEN, Side.THEM, NOW)
    then()
    for decide, *args in ((change_terms, "x", Times(), NOW), (choose_terms, FIRST), (sign, None, NOW)):
        when(decide, *args)
        then_refused(TreatyEnded, title="Pact of Levski")
    given(*AGREED)
    when(end, EndReason.CANCELLED, Side.US, NOW, NOW - 1)
    then_refused(TreatyTimeUnusable)
    when(end, EndReason.CANCELLED, Side.US, NOW, NOW + 10 * DAY_S)
    assert phases(NOW, NOW + 4 * DAY_S, NOW + 10 * DAY_S) == ["in-force", "expiring", "ended"]
    given(*AGREED, Ended(EndReason.CANCELLED, at=NOW + 40 * DAY_S))
    assert phases(NOW + 30 * DAY_S, NOW + 50 * DAY_S) == ["expired", "expired"]


def test_an_end_is_taken_back_and_one_that_came_meanwhile_stands() -> None:
    given(*AGREED, Ended(EndReason.MISTAKE, at=NOW))
    when(reinstate)
    then(Reinstated(over=(entry(4),)))
    when(reinstate)
    then()
    assert phases(NOW) == ["in-force"]
    given(*AGREED, Ended(EndReason.MISTAKE, at=NOW))
    one, two = story.in_either_order(Ended(EndReason.BROKEN, at=NOW), Reinstated((entry(4),)))
    assert one.ended == two.ended
    assert one.ended is not None
    assert one.ended.reason is EndReason.BROKEN


def test_ended_while_a_change_was_agreed_it_is_ended_in_either_order() -> None:
    given(*AGREED, TermsChanged(over=(FIRST,)), Signed(entry(4), (entry(3),)))
    change, ending = AcceptanceClaimed(entry(4), (entry(3),)), Ended(EndReason.CANCELLED, at=NOW)
    one, two = story.in_either_order(change, ending)
    assert phase_at(one, NOW) is phase_at(two, NOW) is Phase.ENDED


def test_ended_twice_at_once_the_first_in_fold_order_stands() -> None:
    given(*AGREED)
    one, two = story.in_either_order(Ended(EndReason.BROKEN, at=NOW), Ended(EndReason.CANCELLED, at=NOW))
    assert one.ended is not None
    assert two.ended is not None
    assert (one.ended.reason, two.ended.reason) == (EndReason.BROKEN, EndReason.CANCELLED)


def test_a_treaty_has_as_many_versions_as_people_can_tell_apart() -> None:
    changes = [TermsChanged(over=(entry(number),)) for number in range(1, 80)]
    given(PACT, *changes)
    assert len(story.state.versions) == 32  # Half of them are for the others.
    given(PACT, *changes, *(told(each, by=BRINE) for each in changes))
    assert len(story.state.versions) == 64
    assert len(story.state.history) == 64


def test_the_first_yes_of_a_side_is_the_one_that_is_shown() -> None:
    given(*AGREED, meanwhile(Signed(FIRST)), meanwhile(AcceptanceClaimed(FIRST)))
    version = story.state.agreed
    assert version is not None
    assert (version.ours, version.theirs) == (entry(2), entry(3))
    then_state(contested=False)


def test_what_an_event_names_is_ended_even_if_newer_things_were_all_its_author_saw() -> None:
    given(
        *AGREED,
        TermsChanged(over=(FIRST,)),
        Signed(entry(4), (entry(3),)),
        meanwhile(AcceptanceClaimed(entry(4), (entry(3),))),
    )
    then_state(contested=False)
    assert story.state.agreed == story.state.version(entry(4))
    given(PACT, meanwhile(TermsChanged(over=(FIRST,))))
    then_state(contested=False)
    given(PACT, TermsChanged(over=(FIRST,)), meanwhile(TermsChosen(FIRST, (entry(2),))))
    then_state(contested=False)
    given(PACT, Dropped(DropReason.DECLINED), meanwhile(Reinstated((entry(2),))))
    assert phases(NOW) == ["proposed"]


def test_two_who_tell_of_their_yes_at_once_are_both_heard() -> None:
    given(PACT, Signed(FIRST), AcceptanceClaimed(FIRST), meanwhile(AcceptanceClaimed(FIRST), saw=(entry(2),)))
    (version,) = story.state.versions
    assert (version.theirs, version.evidence) == (entry(3), (entry(3), entry(4)))


def test_agreed_while_it_was_dropped_it_is_contested_no_more_once_it_is_ended() -> None:
    given(PACT, Signed(FIRST), AcceptanceClaimed(FIRST), meanwhile(Dropped(DropReason.WITHDRAWN), saw=(entry(2),)))
    then_state(contested=True)
    when(end, EndReason.CANCELLED, Side.US, NOW)
    then_state(contested=False)
