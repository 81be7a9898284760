"""An upload without any wire: what is sent from where, how much at once, how often, and how each talk ends."""

from base64 import b64encode

import pytest

from scmanager.eventstore.checkpoint import Checkpoint, note_from
from scmanager.eventstore.merkle import consistency_proof, leaf_hash, root_of
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import TilePath, bundles_of, parse_bundle, tiles_of
from scmanager.master_ledger.cosignature import cosign, witness_of
from scmanager.master_ledger.cosigning import SIZE_MEDIA, TRIES, Answer, WitnessNonsense
from scmanager.master_ledger.upload_talk import MirrorElsewhere, MirrorRefuses, Request, Talk, upload
from scmanager.master_ledger.uploading import INFO_MEDIA, Info
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S, Server
from tests.support.mirror import head, packages

SIZE = 2_000
"""Eight packages, the last of them short."""
ENTRIES = [b"%d" % n for n in range(SIZE)]
LEAVES = [leaf_hash(each) for each in ENTRIES]
TILES = {str(path): data for path, data in tiles_of(LEAVES)}
BUNDLES = {str(path): data for path, data in bundles_of(ENTRIES)}
LOG = Server()
HEAD = Checkpoint(LOG.origin, SIZE, root_of(LEAVES))
NOTE = note_from(HEAD, LOG.key.sign(HEAD.text().encode()), LOG.key.public)
MIRROR = key_of("mirror")
LINE = cosign(HEAD.text(), "mirror.example", MIRROR, NOW_S)
TAKEN = Answer(200, "", b"")


def bundle(path: TilePath) -> list[bytes]:
    return parse_bundle(BUNDLES[str(path)], path.width)


def talking() -> Talk:
    tree = TileTree(SIZE, HEAD.root, lambda path: TILES[str(path)])
    return upload(NOTE, tree, bundle, [witness_of("mirror.example", MIRROR)], NOW_S)


def at(following: int, status: int = 202, size: int = SIZE, ticket: bytes = b"") -> Answer:
    """The mirror waits for this entry."""
    return Answer(status, INFO_MEDIA, Info(size, following, ticket).to_bytes())


def after(*answers: Answer, shown: tuple[Answer, ...] = (TAKEN,)) -> Request:
    """What it sends once it has heard these, of which none ends it."""
    talk = talking()
    request = next(talk)
    for each in (*shown, *answers):
        request = talk.send(each)
    return request


def until_refused(*answers: Answer) -> tuple[list[int], object]:
    """How many packages each upload has until it gives the mirror up, and the status that it tells."""
    talk, sent = talking(), []
    next(talk)
    try:
        for each in (TAKEN, *answers):
            request = talk.send(each)
            assert request.path == "add-entries"
            sent.append(request.packages)
    except MirrorRefuses as error:
        return sent, error.facts["status"]
    raise AssertionError("it goes on for ever")


def test_the_head_is_shown_first_as_to_any_witness() -> None:
    request = after(shown=())
    assert (request.path, list(request.pieces), request.packages) == ("add-checkpoint", [b"old 0\n\n" + NOTE], 0)
    again = after(shown=(Answer(409, SIZE_MEDIA, b"7\n"),))
    proof = b"".join(b64encode(each) + b"\n" for each in consistency_proof(7, LEAVES))
    assert (again.path, list(again.pieces)) == ("add-checkpoint", [b"old 7\n" + proof + b"\n" + NOTE])


def test_an_upload_of_nothing_asks_where_the_mirror_is() -> None:
    request = after()
    assert (request.path, list(request.pieces), request.packages) == (
        "add-entries",
        [head(LOG.origin, SIZE, SIZE)],
        0,
    )


@pytest.mark.parametrize("start", [0, 1, 255, 256, 300, 1_999])
def test_what_is_sent_is_all_from_there_on_with_the_ticket_that_was_given(start: int) -> None:
    request = after(at(start, 409, ticket=b"ticket"))
    sent = packages(ENTRIES, start, SIZE)
    assert list(request.pieces) == [head(LOG.origin, start, SIZE, b"ticket"), *sent]
    assert (request.path, request.packages) == ("add-entries", len(sent))


def test_a_mirror_that_waits_beyond_the_end_is_asked_for_its_word_again() -> None:
    assert list(after(at(SIZE + 9)).pieces) == [head(LOG.origin, SIZE, SIZE)]


def test_twice_as_much_is_sent_as_the_mirror_took_the_last_time() -> None:
    for told, start, count in (
        ([at(0, 409), at(256)], 256, 2),
        ([at(0, 409), at(257)], 257, 4),
        ([at(0, 409), at(256), at(768)], 768, 4),
        ([at(0, 409), at(256), at(1_792)], 1_792, 1),
        ([at(0, 409), at(256, 409)], 256, 7),
        ([at(0, 409), at(256), at(256)], 256, 2),
    ):
        request = after(*told)
        assert request.packages == count
        assert list(request.pieces) == [
            head(LOG.origin, start, SIZE), *packages(ENTRIES, start, SIZE)[:count],
        ]  # fmt: skip


def test_its_word_once_it_has_everything_is_what_comes_of_it() -> None:
    for told in ([], [at(0, 409)], [at(0, 409), at(256)]):
        talk = talking()
        next(talk)
        for each in (TAKEN, *told):
            talk.send(each)
        with pytest.raises(StopIteration) as done:
            talk.send(Answer(200, "", LINE))
        assert done.value.value == LINE


def test_why_an_upload_ends_without_a_word_is_told() -> None:
    for status in (201, 403, 404, 422, 500):
        with pytest.raises(MirrorRefuses) as refuses:
            after(Answer(status, INFO_MEDIA, b""))
        assert refuses.value.facts == {"status": status}
    with pytest.raises(MirrorElsewhere) as elsewhere:
        after(at(0, 409, size=SIZE + 1))
    assert elsewhere.value.facts == {"size": SIZE + 1, "here": SIZE}
    for answer, reason in (
        (Answer(409, "text/plain", Info(SIZE, 0).to_bytes()), "it does not say where it is"),
        (Answer(202, INFO_MEDIA, b"9223372036854775808\n0\n\n"),
         "This is no add-entries request: a number beyond any log"),
    ):  # fmt: skip
        with pytest.raises(WitnessNonsense) as nonsense:
            after(answer)
        assert nonsense.value.facts == {"reason": reason}


def test_a_mirror_that_does_not_get_on_is_left_after_some_tries() -> None:
    for status in (409, 202):
        assert until_refused(*[at(0, status)] * 99) == ([0, *[8] * TRIES], 409)
    stuck = [at(0, 409)] * TRIES
    assert until_refused(*stuck, at(256), *stuck, at(0)) == ([0, *[8] * TRIES, 2, *[2] * TRIES], 409)


def test_to_go_back_and_forth_is_not_to_get_on() -> None:
    assert until_refused(at(0, 409), *[at(512), at(0, 409)] * 9)[0] == [0, 8, 4, *[4] * TRIES]


def test_a_mirror_that_takes_an_entry_at_a_time_gets_the_log_three_times() -> None:
    assert until_refused(at(0, 409), *map(at, range(1, SIZE))) == ([0, 8, *[2] * 73], 409)
