"""Mirrors: a copy that is right or is not made, grows, goes on where it was broken off, and can be copied in turn."""

import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.adapters.folder_lock import FolderInUse, FolderLock, Holder
from scmanager.adapters.ledger_source import from_folder
from scmanager.adapters.mirror_folder import Mirrored, MirrorOfOther, MirrorUnreadable, mirror
from scmanager.adapters.private_files import PrivateFileFailed
from scmanager.adapters.tile_folder import LOCK_FILE
from scmanager.errors import Untrusted
from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger.cosignature import cosign, cosigned_at, witness_of
from scmanager.master_ledger.cosigning import OTHERS_MAX, kept, merged
from scmanager.master_ledger.fetching import SourceLacks
from tests.support import tile_reader
from tests.support.ledger import NOW_S, WITNESSES, name_of
from tests.support.ledger_server import Ledger, served


class Mirrors:
    """The author's published folder, and a mirror of it."""

    def __init__(self, folder: Path) -> None:
        self.store, self.folder = MemoryStore(), folder / "mirror"
        self.ledger = Ledger(self.store, folder)
        self.ledger.say(self.ledger.first)
        self.ledger.fill(598)
        self.ledger.publish()
        self.asked: list[str] = []

    @property
    def public(self) -> Path:
        return self.ledger.public

    def note(self) -> bytes:
        return (self.public / "checkpoint").read_bytes()

    def run(self, source: Path | None = None, to: Path | None = None, note: bytes | None = None) -> Mirrored:
        source = source or self.public
        get = from_folder(source)

        def read(path: str, bytes_max: int) -> bytes:
            self.asked.append(path)
            return get(path, bytes_max)

        signed = note or (source / "checkpoint").read_bytes()
        return mirror(read, signed, (source / "manifests").read_bytes(), to or self.folder)

    def differs(self) -> set[str]:
        """What is in one of the folders and not, or otherwise, in the other."""
        mine, theirs = files_of(self.folder), files_of(self.public)
        return {name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)}


def files_of(folder: Path) -> dict[str, bytes]:
    found = (each for each in folder.rglob("*") if each.is_file() and each.name != LOCK_FILE)
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in found}


@pytest.fixture
def mirrors(tmp_path: Path) -> Iterator[Mirrors]:
    made = Mirrors(tmp_path)
    yield made
    made.store.close()


def test_a_mirror_is_the_same_files(mirrors: Mirrors) -> None:
    assert mirrors.run() == Mirrored(600, len(files_of(mirrors.public)))
    assert mirrors.differs() == set()
    assert tile_reader.bundles(mirrors.folder, "tile/entries", 600) == [
        one.data for one, _ in mirrors.ledger.server.said
    ]
    assert mirrors.run() == Mirrored(600, 0)


def test_a_mirror_is_served_and_mirrored_as_the_ledger_is(mirrors: Mirrors, tmp_path: Path) -> None:
    mirrors.run()
    shutil.move(mirrors.public, tmp_path / "gone")
    with served(mirrors.folder):
        mirrors.run(mirrors.folder, tmp_path / "second")
    assert files_of(tmp_path / "second") == files_of(mirrors.folder)


def test_only_what_is_new_is_fetched(mirrors: Mirrors) -> None:
    mirrors.run()
    mirrors.ledger.fill(300)
    mirrors.ledger.publish()
    mirrors.asked.clear()
    assert mirrors.run().size == 900
    assert not {"tile/entries/000", "tile/entries/001", "shared/000"} & set(mirrors.asked)
    assert "tile/entries/003.p/132" in mirrors.asked
    assert files_of(mirrors.folder).items() >= files_of(mirrors.public).items()


def test_what_was_broken_off_goes_on_and_says_nothing_before(mirrors: Mirrors) -> None:
    wanted = files_of(mirrors.public)
    (mirrors.public / "shared" / "002.p" / "88").rename(mirrors.public / "away")
    with pytest.raises(SourceLacks):
        mirrors.run()
    assert not (mirrors.folder / "checkpoint").exists()
    (mirrors.public / "away").rename(mirrors.public / "shared" / "002.p" / "88")
    mirrors.asked.clear()
    mirrors.run()
    assert not [each for each in mirrors.asked if each.startswith(("tile/entries", "shared/000"))]
    assert files_of(mirrors.folder) == wanted


def test_what_lies_there_broken_is_fetched_anew(mirrors: Mirrors) -> None:
    mirrors.run()
    (mirrors.folder / "checkpoint").unlink()
    for name in ("tile/entries/001", "shared/000", "tile/0/000", "tile/1/000.p/2"):
        (mirrors.folder / name).write_bytes(b"noise")
    mirrors.run()
    assert mirrors.differs() == set()


def test_partial_files_that_have_grown_meanwhile_are_cut(mirrors: Mirrors) -> None:
    note = mirrors.note()
    mirrors.ledger.fill(300)
    mirrors.ledger.publish()
    for name in ("tile/0/002.p", "tile/entries/002.p", "shared/002.p"):
        shutil.rmtree(mirrors.public / name)
    assert mirrors.run(note=note).size == 600
    assert tile_reader.bundles(mirrors.folder, "tile/entries", 600) == [
        one.data for one, _ in mirrors.ledger.server.said[:600]
    ]


PATHS = ["tile/entries/000", "tile/entries/002.p/88", "shared/000", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PATHS), st.integers(0, 10**6), st.integers(1, 255))
def test_no_changed_byte_comes_through(mirrors: Mirrors, name: str, at: int, bits: int) -> None:
    shutil.rmtree(mirrors.folder, ignore_errors=True)
    path = mirrors.public / name
    whole = path.read_bytes()
    at %= len(whole)
    path.write_bytes(whole[:at] + bytes((whole[at] ^ bits,)) + whole[at + 1 :])
    try:
        with pytest.raises(Untrusted):
            mirrors.run()
    finally:
        path.write_bytes(whole)
    assert not (mirrors.folder / "checkpoint").exists()


def test_a_mirror_never_goes_back_nor_to_another_ledger(mirrors: Mirrors, tmp_path: Path) -> None:
    mirrors.run()
    shutil.copytree(mirrors.public, tmp_path / "old")
    mirrors.ledger.fill(10)
    mirrors.ledger.publish()
    mirrors.run()
    with pytest.raises(MirrorOfOther, match="610 entries, the source 600"):
        mirrors.run(tmp_path / "old")
    other, same = Ledger(MemoryStore(), tmp_path / "x", "another"), Ledger(MemoryStore(), tmp_path / "y")
    for each in (other, same):
        each.fill(700)
        each.publish()
    with pytest.raises(MirrorOfOther, match="another log"):
        mirrors.run(other.public)
    with pytest.raises(MirrorOfOther, match="its entries are others"):
        mirrors.run(same.public)
    (mirrors.folder / "checkpoint").write_bytes(b"noise")
    with pytest.raises(MirrorUnreadable):
        mirrors.run()


def test_cosignatures_of_both_stay(mirrors: Mirrors) -> None:
    lines = [cosign(parse_note(mirrors.note()).text, name_of(each), each, NOW_S) for each in WITNESSES]
    bare = mirrors.note()
    mirrors.run(note=bare + lines[0])
    mirrors.run(note=bare + lines[1] + lines[2])
    assert (mirrors.folder / "checkpoint").read_bytes() == bare + b"".join(lines)
    mirrors.run(note=bare)
    assert (mirrors.folder / "checkpoint").read_bytes() == bare + b"".join(lines)
    many = b"".join(f"— n{n} AAAAAAAA\n".encode() for n in range(62))
    mirrors.run(note=bare + many)
    note = (mirrors.folder / "checkpoint").read_bytes()
    assert note.startswith(bare + b"".join(lines))
    assert len(parse_note(note).signatures) == 1 + OTHERS_MAX, "no more of signers whom nobody here knows"


def test_a_head_that_is_filled_with_made_up_signers_has_room_for_those_that_count(mirrors: Mirrors) -> None:
    bare, held = mirrors.note(), mirrors.folder / "checkpoint"
    text, origin = parse_note(bare).text, mirrors.ledger.server.origin
    good = bare + b"".join(cosign(text, name_of(each), each, NOW_S) for each in WITNESSES)
    for stuffed in (
        bare + b"".join(f"— made-up-{n} AAAAAAAA\n".encode() for n in range(63)),
        bare + b"".join(b"\xe2\x80\x94 %s %s\n" % (origin.encode(), b64encode(b"%08d" % n)) for n in range(63)),
    ):
        held.unlink(missing_ok=True)
        for note in (stuffed, good):
            get = from_folder(mirrors.public)
            mirror(
                get, note, (mirrors.public / "manifests").read_bytes(), mirrors.folder, until_s=NOW_S,
                witnesses=[witness_of(name_of(each), each) for each in WITNESSES],
                log_key=mirrors.ledger.server.key.public,
            )  # fmt: skip
        found = parse_note(held.read_bytes())
        assert [cosigned_at(found, witness_of(name_of(each), each)) for each in WITNESSES] == [NOW_S] * len(WITNESSES)
        found.signature_by(origin, mirrors.ledger.server.key.public)


def test_a_word_that_is_added_leaves_a_note_that_can_be_read(mirrors: Mirrors) -> None:
    bare = mirrors.note()
    stuffed = bare + b"".join(f"— made-up-{n} AAAAAAAA\n".encode() for n in range(63))
    line = cosign(parse_note(bare).text, name_of(WITNESSES[0]), WITNESSES[0], NOW_S)
    found = parse_note(merged(stuffed, line))
    assert cosigned_at(found, witness_of(name_of(WITNESSES[0]), WITNESSES[0])) == NOW_S
    found.signature_by(mirrors.ledger.server.origin, mirrors.ledger.server.key.public)


@pytest.mark.parametrize("known", [True, False], ids=["of known keys", "of others"])
def test_what_witnesses_said_of_a_head_is_neither_made_older_nor_spoilt(mirrors: Mirrors, known: bool) -> None:
    bare, held = mirrors.note(), mirrors.folder / "checkpoint"
    witnesses = [witness_of(name_of(each), each) for each in WITNESSES] if known else []

    def said(at_s: int) -> bytes:
        text = parse_note(bare).text
        return bare + b"".join(cosign(text, name_of(each), each, at_s) for each in WITNESSES)

    def run(note: bytes) -> bytes:
        get = from_folder(mirrors.public)
        mirror(
            get,
            note,
            (mirrors.public / "manifests").read_bytes(),
            mirrors.folder,
            witnesses=witnesses,
            until_s=NOW_S + 9,
        )
        return held.read_bytes()

    good = run(said(NOW_S))
    assert good == said(NOW_S)
    for other in (said(NOW_S - 300 * 86_400), garbled(said(NOW_S)), garbled(said(NOW_S + 5)), said(NOW_S + 10)):
        assert run(other) == good
    assert run(said(NOW_S + 5)) == (said(NOW_S + 5) if known else good)
    held.write_bytes(garbled(said(NOW_S)))
    assert run(good) == (good if known else garbled(good)), "what does not hold gives way to what does"
    held.write_bytes(bare)
    assert run(garbled(good)) == (bare if known else garbled(good))


def garbled(note: bytes) -> bytes:
    """The same signers and times, and signatures that do not hold. The log's own line stays."""
    text, _, lines = note.rpartition(b"\n\n")
    first, *others = lines.splitlines(keepends=True)
    changed = [each[:-9] + (b"AAAA" if each[-9:-5] != b"AAAA" else b"BBBB") + each[-5:] for each in others]
    return text + b"\n\n" + first + b"".join(changed)


@given(st.lists(st.binary(max_size=90), max_size=5), st.booleans())
def test_whatever_lines_come_what_held_before_holds_after(noise: list[bytes], known: bool) -> None:
    text = "scm.example/log\n1\n" + b64encode(bytes(32)).decode() + "\n"
    witness, key = witness_of("w", WITNESSES[0]), WITNESSES[0]
    note = text.encode() + b"\n" + cosign(text, "w", key, NOW_S)
    lines = [f"— w {b64encode(witness.key_id + each).decode()}\n".encode() for each in noise if each]
    after = kept(note, text.encode() + b"\n" + b"".join(lines), [witness] if known else [], NOW_S)
    assert cosigned_at(parse_note(after), witness) == NOW_S


def test_one_at_a_time(mirrors: Mirrors) -> None:
    mirrors.run()
    with FolderLock(mirrors.folder / LOCK_FILE, Holder.COMMAND), pytest.raises(FolderInUse):
        mirrors.run()


def test_a_folder_that_cannot_be_made_is_told(mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PrivateFileFailed):
        mirrors.run(to=tmp_path / "file" / "mirror")
