"""Somebody carries a space file and leaves out the sealed words: they come with a later file, and are shown then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.adapters.space_reading import read_space, write_space
from scmanager.application.exchange import admit_logs
from scmanager.application.keeping import WordsNotHere
from scmanager.application.words import Words
from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.document import Kind
from scmanager.domain.member import Profile
from scmanager.eventstore.log_copy import LogCopy
from scmanager.projections.runner import Projector
from scmanager.spaces.documents import Place
from scmanager.spaces.personal import Absence
from tests.support.books import dump, one
from tests.support.machines import Machine, found, officer_role

HANDLE = "select handle, profile_words from scm_read.member where id = %s"
TEXT = "Meet at Everus.\n"


class Three:
    """Ada's organisation; Bob brings Cem a file of it without a sealed word."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.machine = folder, Machine(folder, "bob")
        self.ada, self.bob = Machine(folder, "ada").open(), self.machine.open()
        self.space = found(self.ada)
        self.ada_member = self.space[:16]
        self.planned = bytes.fromhex(
            self.ada.do("operation.plan", self.space, {"title": "Jump", "starts_s": 10**9, "ends_s": 10**9 + 1})[
                "operation"
            ]
        )
        given = {"thing_id": self.planned, "kind": Kind.BRIEFING, "text": TEXT}
        self.ada.do("document.edit", self.space, given)
        role = officer_role(self.ada, self.space)
        member = bytes.fromhex(self.ada.do("member.invite", self.space, {})["member"])
        request = self.bob.request(self.ada.invitation(self.space, member))
        self.ada.take_request(request)
        arguments = {"member_id": member, "role_id": role, "log": request.log, "device": request.device}
        self.ada.do("member.grant", self.space, arguments | {"box": request.box})

    def bring_stripped(self) -> None:
        path = self.folder / "stripped"
        self.ada.export_space(self.space, path)
        file = read_space(path)
        write_space(path, self.space, [_stripped(copy) for copy in file.logs], file.keys)
        self.bob.import_space(read_space(path))

    def bring_whole(self, *, with_keys: bool = False) -> int:
        """How many entries were new. Without keys: those alone would have everything looked at again."""
        path = self.folder / "whole"
        self.ada.export_space(self.space, path, with_keys=with_keys)
        return self.bob.import_space(read_space(path)).entries

    def handle(self) -> str | Absence:
        """What Bob reads of Ada."""
        space = self.bob.shelf.space(self.space)
        entry = space.state(MEMBERS, self.ada_member).profile
        said = Words(self.bob.store, self.bob.vault.held).read(space, {entry: Profile})[entry]
        return said.handle if isinstance(said, Profile) else said  # type: ignore[return-value] # or an Absence

    def parts(self) -> set[tuple[int, int]]:
        """Where Bob holds sealed words."""
        return set(self.bob.store.parts(range(1, self.bob.store.last_pos() + 1)))

    def text(self) -> str | None:
        return self.bob.documents.show(Place(self.space, self.planned, Kind.BRIEFING)).text

    def projector(self, database: str) -> Projector:
        node = self.bob
        return Projector(node.shelf, node.store, node.vault.held, database, node.vault.logs_of, node.documents)


def _stripped(copy: LogCopy) -> LogCopy:
    return LogCopy(copy.entries, [{n: part for n, part in held.items() if n == 0} for held in copy.held], copy.note)


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Three]:
    made = Three(tmp_path)
    yield made
    made.ada.close()
    made.bob.close()


def test_words_that_were_left_out_come_with_the_next_file(three: Three) -> None:
    three.bring_stripped()
    assert (three.handle(), three.text()) == (Absence.NOT_HERE, None)
    journal = three.bob.shelf.space(three.space).journal
    before = journal.number
    assert three.bring_whole() == 0
    assert (three.handle(), three.text()) == ("ada", TEXT)
    assert any(change.words for change in journal.since(before) or ())
    before = journal.number
    assert three.bring_whole() == 0
    assert not any(change.words for change in journal.since(before) or ())


@pytest.mark.services
@pytest.mark.parametrize("ended", [False, True], ids=["at once", "after a restart"])
def test_read_models_show_words_that_came_later_as_a_rebuild_does(three: Three, database: str, ended: bool) -> None:
    three.bring_stripped()
    projector = three.projector(database)
    projector.catch_up()
    assert one(database, HANDLE, three.ada_member) == (None, "not-here")
    three.bring_whole()
    if ended:  # Before anything of it was projected.
        projector.close()
        three.bob.close()
        three.bob = three.machine.open()
        projector = three.projector(database)
    projector.catch_up()
    assert one(database, HANDLE, three.ada_member) == ("ada", "open")
    assert one(database, "select body from scm_read.document where thing = %s", three.planned) == (TEXT,)
    before = dump(database)
    assert projector.rebuild().differing == ()
    assert dump(database) == before
    projector.close()


def test_what_was_erased_does_not_come_back_with_a_later_file(three: Three) -> None:
    three.bring_whole(with_keys=True)
    held = three.bob.vault.subjects(three.space)
    theirs = [key for key, subject in held.items() if subject == three.ada_member]
    three.bob.vault.erase(theirs)
    assert three.bob.store.erase(theirs) > 0
    kept = three.parts()
    assert three.bring_whole() == 0
    assert three.parts() == kept
    assert three.bob.store.late_parts(three.space) == 0


def test_an_erasure_in_the_middle_of_an_import_takes_what_just_came(three: Three) -> None:
    three.bring_stripped()
    held = three.bob.vault.subjects(three.space)
    theirs = {key for key, subject in held.items() if subject == three.ada_member}
    path = three.folder / "whole"
    three.ada.export_space(three.space, path)
    late = three.bob.store.late_parts
    admit_logs(
        three.bob.store,
        three.bob.shelf,
        three.space,
        read_space(path).logs,
        lambda key: key in theirs and late(three.space) > 0,  # Erased once the parts are in.
    )
    assert late(three.space) > 0
    assert three.bob.store.erase(theirs) == 0
    assert three.handle() is Absence.NOT_HERE


def test_what_is_left_out_is_not_taken_away_from_words_that_have_not_come(three: Three) -> None:
    grace = three.ada.do("member.record", three.space, {"handle": "grace", "display_name": "Amazing"})["member"]
    three.bring_stripped()
    said = {"member_id": bytes.fromhex(grace), "handle": "hopper"}
    with pytest.raises(WordsNotHere):
        three.bob.do("member.change-profile", three.space, said)
    three.bring_whole()
    three.bob.do("member.change-profile", three.space, said)
    space = three.bob.shelf.space(three.space)
    entry = space.state(MEMBERS, bytes.fromhex(grace)).profile
    read = Words(three.bob.store, three.bob.vault.held).read(space, {entry: Profile})
    assert read == {entry: Profile("hopper", "Amazing")}
