"""Importing a hangar: a preview that writes nothing, what was confirmed of it, the same again, and all undone."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from scmanager.application.desk import NotAllowed
from scmanager.application.hangar_import import OtherHangar, PreviewStale
from scmanager.application.hangar_preview import ChangedShip, Choice, Confirmed, Fate, confirm
from scmanager.application.hangar_ships import HangarFile, ImportedShip, fingerprinted
from scmanager.domain import hangar
from scmanager.domain.catalogue import IMPORTS
from scmanager.domain.hangar_import import ImportUnknown
from scmanager.domain.ship import Standing
from scmanager.domain.ship_events import Details, Owner, OwnerKind, RemovalReason, Source
from scmanager.runtime import Node
from scmanager.spaces.personal import Absence
from tests.support.machines import Machine, carry, found, let_in
from tests.support.node import FIXTURES, Seat, fixture

FILES = sorted(path.name for path in FIXTURES.iterdir())
ARROW = "ANVL_Arrow"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


@pytest.fixture
def node(machine: Machine) -> Iterator[Node]:
    with machine.open() as node:
        yield node


@pytest.fixture
def own(node: Node) -> Seat:
    return Seat(node, node.personal_space())


def rows(*ships: ImportedShip, wishes: tuple[ImportedShip, ...] = ()) -> HangarFile:
    return HangarFile("hangarxplor", fingerprinted(ships), wishes=wishes)


def arrow(key: str | None = ARROW, name: str = "Arrow", **words: object) -> ImportedShip:
    return ImportedShip(key, name, **words)  # type: ignore[arg-type] # words of a ship, by name


def take_in(
    own: Seat, file: HangarFile, *choices: Choice, answers: dict[str, str] | None = None
) -> dict[str, object]:
    return own.do("hangar.import", confirmed=confirm(own.preview(file, answers=answers), choices))


def undo(own: Seat, done: dict[str, object]) -> dict[str, object]:
    return own.do("hangar.undo-import", import_id=bytes.fromhex(str(done["import"])))


def counts(done: dict[str, object]) -> tuple[object, ...]:
    return done["added"], done["changed"], done["removed"], done["skipped"]


def models(own: Seat) -> Counter[str]:
    return Counter(one.model for one in own.ships().values())


def the_ship(own: Seat) -> bytes:
    (ship,) = own.ships()
    return ship


def test_a_preview_writes_nothing(own: Seat) -> None:
    before = own.pos()
    assert len(own.preview(fixture("hangarxplor.json")).added) > 0
    assert own.pos() == before


@pytest.mark.parametrize("name", FILES)
def test_every_tool_s_file_is_taken_in_once_however_often_it_is_imported(own: Seat, name: str) -> None:
    file = fixture(name)
    seen = own.preview(file)
    known = sum(ship.key is not None for ship in file.ships)
    assert (len(seen.added), sum(each.count for each in seen.unrecognised)) == (known, len(file.ships) - known)
    assert counts(take_in(own, file)) == (known, 0, 0, len(file.ships) - known)
    after = models(own)
    again = own.preview(file)
    assert (again.added, again.changed, again.missing) == ((), (), ())
    assert counts(take_in(own, file)) == (0, 0, 0, len(file.ships) - known)
    assert models(own) == after


def test_the_whole_import_is_one_commit_and_its_words_are_sealed_in_personal_parts(own: Seat) -> None:
    commits = own.node.writer.commits
    take_in(own, rows(arrow(nickname="Dart", serial="S1", pledge_id="123", lti=True)))
    assert own.node.writer.commits == commits + 1
    ship = the_ship(own)
    assert own.ship(ship).source is Source.FILE
    assert own.nickname(ship) == "Dart"
    assert own.details(ship) == Details("Arrow", "S1", "123", lti=True)


def test_a_retried_import_answers_as_the_first_and_adds_nothing(own: Seat) -> None:
    confirmed = confirm(own.preview(rows(arrow())))
    first = own.do("hangar.import", b"c" * 16, confirmed=confirmed)
    assert own.do("hangar.import", b"c" * 16, confirmed=confirmed) == first
    assert len(own.ships()) == 1


def test_a_confirmation_of_a_hangar_that_changed_meanwhile_is_stale(own: Seat) -> None:
    confirmed = confirm(own.preview(rows(arrow())))
    ship = own.made("ship", "ship.add", model=ARROW)
    before = own.pos()
    with pytest.raises(PreviewStale):
        own.do("hangar.import", confirmed=confirmed)
    assert own.pos() == before
    confirmed = confirm(own.preview(rows(arrow(nickname="Dart"))))
    own.do("ship.name", ship_id=ship, nickname="Lance")
    with pytest.raises(PreviewStale):
        own.do("hangar.import", confirmed=confirmed)


def test_a_confirmation_made_before_an_erasure_does_not_bring_the_words_back(own: Seat) -> None:
    own.made("ship", "ship.add", model=ARROW, nickname="Dart")
    confirmed = confirm(own.preview(rows(arrow(nickname="Lance"))))
    own.erase_my_words()
    with pytest.raises(PreviewStale):
        own.do("hangar.import", confirmed=confirmed)


def test_two_imports_sent_at_once_are_not_both_done(own: Seat) -> None:
    confirmed = confirm(own.preview(rows(arrow())))
    own.do("hangar.import", confirmed=confirmed)
    with pytest.raises(PreviewStale):
        own.do("hangar.import", confirmed=confirmed)


def test_what_is_confirmed_survives_the_wire(own: Seat) -> None:
    confirmed = confirm(own.preview(fixture("hangarxplor.json")))
    assert msgspec.json.decode(msgspec.json.encode(confirmed), type=Confirmed) == confirmed


def test_a_name_nobody_recognises_is_skipped_until_it_is_answered_and_then_remembered(own: Seat) -> None:
    odd = rows(arrow(None, "Arow Mk Nine"))
    assert [each.name for each in own.preview(odd).unrecognised] == ["Arow Mk Nine"]
    assert counts(take_in(own, odd)) == (0, 0, 0, 1)
    assert own.ships() == {}
    assert counts(take_in(own, odd, answers={"arow mk nine": ARROW})) == (1, 0, 0, 0)
    twice = own.preview(rows(arrow(None, "Arow Mk Nine"), arrow(None, "Arow Mk Nine")))
    assert (len(twice.added), twice.unrecognised) == (1, ())


def test_an_answer_that_is_no_catalogue_key_is_refused(own: Seat) -> None:
    with pytest.raises(hangar.ModelUnusable):
        take_in(own, rows(arrow(None, "Arow")), answers={"Arow": "no such / model"})


def test_changed_words_are_taken_over_and_silence_takes_nothing_away(own: Seat) -> None:
    take_in(own, rows(arrow(nickname="Dart", pledge_id="123", insurance_months=6)))
    ship = the_ship(own)
    assert counts(take_in(own, rows(arrow(pledge_id="123", insurance_months=12, pledge_name="Gift")))) == (0, 1, 0, 0)
    assert own.nickname(ship) == "Dart"
    assert own.details(ship) == Details("Arrow", None, "123", "Gift", None, 12)
    take_in(own, rows(arrow(nickname="Lance", lti=True)))
    assert own.nickname(ship) == "Lance"
    assert own.details(ship) == Details("Arrow", None, "123", "Gift", None, 12, lti=True)


def test_a_change_can_be_left_out(own: Seat) -> None:
    take_in(own, rows(arrow(nickname="Dart")))
    ship = the_ship(own)
    made = own.preview(rows(arrow(nickname="Lance")))
    assert counts(own.do("hangar.import", confirmed=confirm(made, without=[ship]))) == (0, 0, 0, 0)
    assert own.nickname(ship) == "Dart"


def test_ships_that_a_file_does_not_list_are_kept_unless_one_says_otherwise(own: Seat) -> None:
    file = rows(arrow(pledge_id="1"), arrow(pledge_id="2"), arrow(pledge_id="3"))
    take_in(own, file)
    short = rows(arrow(pledge_id="1"))
    missing = [each.known for each in own.preview(short).missing]
    assert sorted(str(each.pledge_id) for each in missing) == ["2", "3"]
    assert counts(take_in(own, short)) == (0, 0, 0, 0)
    assert len(own.ships()) == 3
    choices = [Choice(missing[0].ship, Fate.WISH), Choice(missing[1].ship, Fate.REMOVE)]
    assert counts(take_in(own, short, *choices)) == (0, 0, 2, 0)
    assert own.ship(missing[0].ship).removed_for is RemovalReason.WISHED
    assert own.ship(missing[1].ship).removed_for is RemovalReason.NOT_LISTED


def test_a_choice_for_a_ship_that_is_not_missing_does_nothing(own: Seat) -> None:
    take_in(own, rows(arrow()))
    assert counts(take_in(own, rows(arrow()), Choice(the_ship(own), Fate.REMOVE))) == (0, 0, 0, 0)


def test_after_an_erasure_ships_are_matched_by_model_and_no_word_comes_back(own: Seat) -> None:
    file = rows(arrow(nickname="Dart", pledge_id="1"), arrow(nickname="Lance", pledge_id="2"))
    take_in(own, file)
    own.erase_my_words()
    assert {own.details(ship) for ship in own.ships()} == {Absence.ERASED}
    again = own.preview(file)
    assert (again.added, again.changed, again.missing) == ((), (), ())
    more = rows(*file.ships, arrow(nickname="Third", pledge_id="3"))
    assert counts(take_in(own, more)) == (1, 0, 0, 0)
    assert sorted(str(own.details(ship)) for ship in own.ships()).count("erased") == 2


def test_an_import_records_its_tool_and_whose_it_is(own: Seat) -> None:
    done = take_in(own, fixture("fleetyards-new.json"))
    past = own.state(IMPORTS, bytes.fromhex(str(done["import"])))
    assert (past.tool, past.deed.by, past.owner) == ("fleetyards", own.me, Owner(OwnerKind.MEMBER, own.me))
    assert not past.undone


def test_an_import_is_undone_as_a_whole(own: Seat) -> None:
    take_in(own, rows(arrow(nickname="Dart", pledge_id="1"), arrow(pledge_id="2")))
    before = {ship: (own.nickname(ship), own.details(ship)) for ship in own.ships()}
    gone = next(ship for ship, (_, said) in before.items() if isinstance(said, Details) and said.pledge_id == "2")
    changed = rows(arrow(nickname="Lance", pledge_id="1", lti=True), arrow("RSI_Aurora_MR", "Aurora MR"))
    done = take_in(own, changed, Choice(gone, Fate.REMOVE))
    assert counts(done) == (1, 1, 1, 0)
    assert undo(own, done)["left"] == []
    assert {ship: (own.nickname(ship), own.details(ship)) for ship in own.ships()} == before
    assert [one.removed_for for one in own.ships(Standing.REMOVED).values()] == [RemovalReason.IMPORT_UNDONE]


def test_undoing_twice_is_harmless_and_an_unknown_import_is_refused(own: Seat) -> None:
    done = take_in(own, rows(arrow()))
    assert undo(own, done)["undone"] == 1
    before = own.pos()
    assert undo(own, done)["undone"] == 0
    assert own.pos() == before
    with pytest.raises(ImportUnknown):
        own.do("hangar.undo-import", import_id=b"?" * 16)


def test_what_somebody_changed_since_is_left_and_named(own: Seat) -> None:
    done = take_in(own, rows(arrow(pledge_id="1"), arrow(pledge_id="2")))
    touched = min(own.ships())
    own.do("ship.name", ship_id=touched, nickname="Mine")
    answer = undo(own, done)
    assert (answer["undone"], answer["left"]) == (1, [touched.hex()])
    assert set(own.ships()) == {touched}


def test_two_imports_undone_in_either_order_leave_what_was_before_both(own: Seat) -> None:
    for order in ((0, 1), (1, 0)):
        take = [
            take_in(own, rows(arrow(nickname="Dart", pledge_id="1"))),
            take_in(own, rows(arrow(nickname="Lance", pledge_id="1"))),
        ]
        for each in order:
            undo(own, take[each])
        assert own.ships() == {}


def test_after_an_undoing_the_same_file_can_be_taken_in_again(own: Seat) -> None:
    file = fixture("hangarxplor.json")
    first = take_in(own, file)
    undo(own, first)
    assert counts(take_in(own, file)) == counts(first)
    assert len(own.ships()) == first["added"]


def test_an_undoing_says_which_organisations_still_see_the_ships(own: Seat) -> None:
    org = Seat(own.node, found(own.node))
    done = take_in(own, rows(arrow()))
    org.do("ship.share", ship_id=the_ship(own))
    assert undo(own, done)["still_shared_in"] == [org.space.hex()]


def test_a_hangar_of_three_hundred_ships_is_taken_in_within_a_few_milliseconds_a_ship(own: Seat) -> None:
    file = rows(*(arrow(nickname=f"Dart {n}", pledge_id=str(n), serial=str(n)) for n in range(300)))
    started = time.perf_counter()
    assert take_in(own, file)["added"] == 300
    assert time.perf_counter() - started < 300 * 0.02, "20 ms a ship, on the slowest machine of all"
    assert own.preview(file).changed == ()


def test_a_node_reads_a_file_and_previews_it_for_its_owner_or_for_the_organisation(own: Seat) -> None:
    data = (FIXTURES / "starship42.json").read_bytes()
    mine = own.node.preview_hangar(own.space, data)
    assert mine == own.preview(fixture("starship42.json"))
    org = Seat(own.node, found(own.node))
    assert own.node.preview_hangar(org.space, data, organisation=True).owner == Owner(OwnerKind.ORGANISATION, org.me)


def test_a_personal_space_takes_in_nobody_else_s_hangar(own: Seat) -> None:
    other = Owner(OwnerKind.MEMBER, b"g" * 16)
    with pytest.raises(OtherHangar):
        own.do("hangar.import", confirmed=confirm(own.preview(rows(arrow()), other)))


def test_a_confirmation_cannot_reach_ships_of_somebody_else(node: Node) -> None:
    org = Seat(node, found(node))
    mine = org.made("ship", "ship.add", model=ARROW)
    made = confirm(org.preview(rows(), Owner(OwnerKind.ORGANISATION, org.me)))
    for forged in (
        msgspec.structs.replace(made, changed=(ChangedShip(mine, "Dart"),)),
        msgspec.structs.replace(made, missing=(Choice(mine, Fate.REMOVE),)),
    ):
        with pytest.raises(hangar.ShipUnknown):
            org.do("hangar.import", confirmed=forged)


def test_an_organisation_s_hangar_is_taken_in_by_those_who_manage_ships(node: Node, tmp_path: Path) -> None:
    org = Seat(node, found(node))
    its = Owner(OwnerKind.ORGANISATION, org.me)
    done = org.do("hangar.import", confirmed=confirm(org.preview(rows(arrow(nickname="Flag")), its)))
    ship = the_ship(org)
    assert (org.ship(ship).owner, org.nickname(ship)) == (its, "Flag")
    pilot = org.made("role", "role.define", title="Pilot", rank=5, rights=())
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(node, bobs, org.space, pilot, tmp_path)
        theirs = Seat(bobs, org.space)
        with pytest.raises(NotAllowed):
            theirs.do("hangar.import", confirmed=confirm(theirs.preview(rows(arrow(), arrow()), its)))
        with pytest.raises(NotAllowed):
            undo(theirs, done)
    assert undo(org, done)["undone"] == 1


def enrolled(own: Seat, other: Node, folder: Path) -> Seat:
    """A second device of the same member in his own space."""
    request = other.request(own.node.invitation(own.space, own.me))
    own.node.take_request(request)
    own.do("device.enrol", log=request.log, device=request.device, box=request.box)
    carry(own.node, other, own.space, folder)
    return Seat(other, own.space)


def test_two_devices_that_take_in_the_same_file_at_once_agree_on_one_hangar(own: Seat, tmp_path: Path) -> None:
    file = rows(arrow(nickname="Dart", pledge_id="1"), arrow(pledge_id="2"), arrow(pledge_id="2"))
    with Machine(tmp_path, "laptop").open() as second:
        laptop = enrolled(own, second, tmp_path)
        here, there = take_in(own, file), take_in(laptop, file)
        carry(second, own.node, own.space, tmp_path)
        carry(own.node, second, own.space, tmp_path)
        for each in (own, laptop):
            assert len(each.ships()) == 3
            again = each.preview(file)
            assert (again.added, again.changed, again.missing) == ((), (), ())
    assert len(own.ships()) == 3
    assert undo(own, here)["undone"] == 0, "the other import brought them too"
    assert undo(own, there)["undone"] == 3
    assert own.ships() == {}


def test_two_devices_that_take_in_files_of_two_tools_show_the_surplus_as_missing(own: Seat, tmp_path: Path) -> None:
    one, other = rows(arrow(pledge_id="1")), rows(arrow())
    with Machine(tmp_path, "laptop").open() as second:
        laptop = enrolled(own, second, tmp_path)
        take_in(own, one)
        take_in(laptop, other)
        carry(second, own.node, own.space, tmp_path)
    assert len(own.ships()) == 2
    (surplus,) = own.preview(one).missing
    take_in(own, one, Choice(surplus.known.ship, Fate.REMOVE))
    assert len(own.ships()) == 1
