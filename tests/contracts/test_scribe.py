"""What every scribe must do, run against the document itself and against the process that guards it."""

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.automerge_text import CHANGE_CHARACTERS_MAX, ROOT_CHANGE, TextDocument
from scmanager.adapters.document_guard import DocumentGuard
from scmanager.domain.change_graph import ROOT
from scmanager.domain.document import BriefingChanged, Document, Kind, actor_of, evolve, salt_of
from scmanager.domain.event import Envelope
from scmanager.spaces.scribe import Draft, Forgotten, Reading, Scribe, Told
from tests.support.changes import SPARE, Hand, conversation, counter, in_order, many_edits
from tests.support.effort import examples
from tests.support.scenario import THING, who

TOLD, AGREED = conversation()
NAME = b"a document"
AUTHOR, SALT = who("ada"), salt_of(bytes(32), bytes(32))
WRITER = b"writer.........."


class InProcess:
    """The document itself as a scribe: for honest changes only."""

    def __init__(self) -> None:
        self._held: dict[bytes, TextDocument] = {}

    def bring(self, name: bytes, told: Sequence[Told], *, anew: bool) -> Reading:
        if anew:
            self._held[name] = TextDocument()
        held = self._of(name)
        omitted = held.take(told)
        return Reading(held.text(), tuple(sorted(held.heads)), omitted)

    def text_at(self, name: bytes, heads: Sequence[bytes]) -> str:
        return self._of(name).text(heads)

    def write(self, name: bytes, draft: Draft) -> tuple[Told, ...]:
        return self._of(name).write(draft)

    def _of(self, name: bytes) -> TextDocument:
        if name not in self._held:
            raise Forgotten
        return self._held[name]


@pytest.fixture(scope="module")
def guard() -> Iterator[DocumentGuard]:
    made = DocumentGuard()
    yield made
    made.close()


@pytest.fixture(params=["in-process", "guarded"])
def scribe(request: pytest.FixtureRequest, guard: DocumentGuard) -> Scribe:
    made: Callable[[], Scribe] = {"in-process": InProcess, "guarded": lambda: guard}[request.param]
    return made()


def draft(reading: Reading, text: str, number: int = 1, at: tuple[bytes, ...] = ()) -> Draft:
    return Draft(at or reading.heads, text, WRITER, number, SPARE)


def test_every_document_begins_with_the_one_change_that_is_in_no_entry(scribe: Scribe) -> None:
    assert scribe.bring(NAME, (), anew=True) == Reading("", (ROOT,), ())
    assert TextDocument().heads == {ROOT}
    assert ROOT[:4] == ROOT_CHANGE[4:8], "a change's checksum is the beginning of its hash"


def test_what_is_told_is_shown_whoever_wrote_it_and_heads_are_what_nothing_follows(scribe: Scribe) -> None:
    reading = scribe.bring(NAME, TOLD, anew=True)
    followed = {dep for each in TOLD for dep in each.deps}
    assert reading.text == AGREED
    assert set(reading.heads) == {each.change for each in TOLD} - followed
    assert reading.omitted == ()


@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, len(TOLD)), max_size=5))
@settings(max_examples=examples(60))
def test_any_order_any_doubling_and_any_batching_of_one_set_of_changes_gives_one_text(
    seed: int, cuts: list[int]
) -> None:
    shuffled = TOLD + random.Random(seed).sample(TOLD, len(TOLD) // 2)
    random.Random(seed + 1).shuffle(shuffled)
    ordered = in_order(shuffled)
    document = TextDocument()
    places = [0, *sorted(cuts), len(ordered)]
    for first, last in itertools.pairwise(places):
        assert document.take(ordered[first:last]) == ()
    assert document.text() == AGREED


def test_nothing_is_taken_in_by_writing(scribe: Scribe) -> None:
    before = scribe.bring(NAME, (), anew=True)
    made = scribe.write(NAME, draft(before, "Fly safe.\n"))
    assert scribe.bring(NAME, (), anew=False) == before
    after = scribe.bring(NAME, made, anew=False)
    assert after == Reading("Fly safe.\n", (made[-1].change,), ())
    assert scribe.write(NAME, draft(after, "Fly safe.\n", 2)) == ()


def test_edits_at_once_of_different_places_both_stand(scribe: Scribe) -> None:
    first = scribe.write(NAME, draft(scribe.bring(NAME, (), anew=True), "one\ntwo\nthree\n"))
    base = scribe.bring(NAME, first, anew=False)
    ours = scribe.write(NAME, draft(base, "ONE\ntwo\nthree\n", 2))
    theirs = scribe.write(NAME, Draft(base.heads, "one\ntwo\nthree and four\n", b"other...........", 1, SPARE))
    assert scribe.bring(NAME, (*theirs, *ours), anew=False).text == "ONE\ntwo\nthree and four\n"


def test_an_edit_of_an_older_text_is_a_branch_by_an_actor_that_never_wrote(scribe: Scribe) -> None:
    first = scribe.write(NAME, draft(scribe.bring(NAME, (), anew=True), "one\ntwo\n"))
    then = scribe.bring(NAME, first, anew=False)
    second = scribe.write(NAME, draft(then, "one\ntwo\nthree\n", 2))
    now = scribe.bring(NAME, second, anew=False)
    late = scribe.write(NAME, draft(now, "zero\none\ntwo\n", 3, at=then.heads))
    assert {each.actor for each in late} == {SPARE}
    assert scribe.bring(NAME, late, anew=False).text == "zero\none\ntwo\nthree\n"
    assert scribe.text_at(NAME, then.heads) == "one\ntwo\n"


def test_every_script_and_every_sign_comes_back_as_it_was(scribe: Scribe) -> None:
    text = "العربية \u202eltr\u202c 中文 हिन्दी \N{ZERO WIDTH JOINER} 👩\u200d🚀 e\u0301 \u2028 \r\n\t \U0010fffd"
    made = scribe.write(NAME, draft(scribe.bring(NAME, (), anew=True), text))
    assert scribe.bring(NAME, made, anew=False).text == text
    made = scribe.write(NAME, Draft((made[-1].change,), text.replace("中文", "中-文"), WRITER, 2, SPARE))
    assert scribe.bring(NAME, made, anew=False).text == text.replace("中文", "中-文")


def test_a_long_text_is_several_changes_each_small_enough_for_a_part(scribe: Scribe) -> None:
    text = "".join(random.Random(1).choices("\N{ROCKET} 漢字ab\n", k=2 * CHANGE_CHARACTERS_MAX + 1))
    made = scribe.write(NAME, draft(scribe.bring(NAME, (), anew=True), text))
    assert len(made) == 3
    assert max(len(each.data) for each in made) < 1 << 20
    assert [each.number for each in made] == [1, 2, 3]
    assert scribe.bring(NAME, made, anew=False).text == text


def test_a_counter_is_left_out_and_so_is_what_builds_on_it(scribe: Scribe) -> None:
    poison = counter()
    eve = Hand("eve")
    honest = eve.write("honest\n")
    built = Told(honest[0].change, eve.actor, 1, (poison.change,), honest[0].data)
    reading = scribe.bring(NAME, (poison, built), anew=True)
    assert reading.text == ""
    assert [each.change for each in reading.omitted] == [poison.change, built.change]
    assert scribe.bring(NAME, honest, anew=False).text == "honest\n"


def test_two_changes_with_one_number_of_one_actor_never_reach_the_library_together(scribe: Scribe) -> None:
    one, two = Hand("eve"), Hand("eve")
    first, second = one.write("first\n"), two.write("second\n")
    reading = scribe.bring(NAME, (*first, *second), anew=True)
    assert reading.text == "first\n"
    assert [each.change for each in reading.omitted] == [second[0].change]


def test_what_is_in_at_last_is_the_same_in_whatever_order_it_came(scribe: Scribe) -> None:
    whole = scribe.bring(NAME, TOLD, anew=True)
    first = scribe.bring(NAME, TOLD[5:], anew=True)
    assert first.omitted
    assert scribe.bring(NAME, TOLD[:5], anew=False) == whole
    assert scribe.bring(NAME, TOLD[::-1], anew=True) == whole


def test_who_names_anothers_change_as_his_is_left_out_before_it_comes_and_after(scribe: Scribe) -> None:
    (honest,) = Hand("ada").write("honest\n")
    claim = Told(honest.change, b"eve.............", 1, honest.deps, honest.data)
    for order in ((claim, honest), (honest, claim)):
        scribe.bring(NAME, order[:1], anew=True)
        reading = scribe.bring(NAME, order[1:], anew=False)
        assert reading.text == "honest\n"
        assert [(each.change, each.actor) for each in reading.omitted] == [(claim.change, claim.actor)]


@pytest.mark.slow
def test_twenty_thousand_edits_are_read_in_one_go_and_one_more_is_quick(guard: DocumentGuard) -> None:
    told = many_edits(20_000, actor_of(AUTHOR, THING, Kind.BRIEFING, SALT))
    state = Document()
    for number, each in enumerate(told):
        event = BriefingChanged(each.change, each.actor, SALT, each.number, each.deps)
        state = evolve(state, event, Envelope(number.to_bytes(32, "big"), b"", 1, 1, b"", AUTHOR, 0, THING))
    text = state.text(Kind.BRIEFING)
    assert (text.count, text.heads) == (20_000, (told[-1].change,))
    assert [change for change, _ in text.changes()] == [each.change for each in told]
    reading = guard.bring(NAME, told, anew=True)
    assert (len(reading.text), reading.omitted) == (120_000, ())
    started = time.monotonic()
    more = guard.write(NAME, Draft(reading.heads, "First.\n" + reading.text, told[0].actor, 20_001, SPARE))
    assert guard.bring(NAME, more, anew=False).text == "First.\n" + reading.text
    assert time.monotonic() - started < 5


def test_a_hundred_who_wrote_at_once_are_brought_together_by_the_next_who_writes(scribe: Scribe) -> None:
    told = [each for number in range(100) for each in Hand(f"h{number}").write(f"line {number}\n")]
    reading = scribe.bring(NAME, told, anew=True)
    assert (len(reading.heads), len(reading.text.splitlines())) == (100, 100)
    made = scribe.write(NAME, draft(reading, reading.text + "all\n"))
    after = scribe.bring(NAME, made, anew=False)
    assert (after.text, after.heads) == (reading.text + "all\n", (made[0].change,))


def test_a_scribe_says_when_it_does_not_hold_a_document(scribe: Scribe) -> None:
    for ask in (
        lambda: scribe.bring(b"unheard of", (), anew=False),
        lambda: scribe.text_at(b"unheard of", (ROOT,)),
        lambda: scribe.write(b"unheard of", Draft((ROOT,), "x", WRITER, 1, SPARE)),
    ):
        with pytest.raises(Forgotten):
            ask()
