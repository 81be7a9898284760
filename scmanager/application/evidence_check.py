"""What an evidence bundle proves, and what in it does not hold: from the file alone, without keys, store or network.

Every check that can be made is made, so that each thing that is wrong is told. Not shown by any bundle: that there is
nothing else in the log, that nobody was shown another history, and whether an entry's author had the right.
"""

from collections.abc import Iterator, Mapping

import msgspec

from scmanager.domain.frontier import counted
from scmanager.domain.ledger import KeysPublished, PluginSigned, UpdateSigned
from scmanager.domain.records import Clear
from scmanager.domain.recovery import succession
from scmanager.errors import Untrusted
from scmanager.eventstore import content, entry, parts, signing
from scmanager.eventstore.checkpoint import Checkpoint, Note, origin, parse_note
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.evidence import Bundle, LogShown, Shown
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.multi_proof import root_with
from scmanager.master_ledger import submission
from scmanager.master_ledger.manifest import TrustedKeys, walk
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import check_kind
from scmanager.spaces.facts import clear_of


class Problem(msgspec.Struct, frozen=True):
    """Something that does not hold."""

    log: bytes
    """Empty: the bundle as a whole."""
    seq: int | None
    code: str
    what: str


class EntryProved(msgspec.Struct, frozen=True):
    """An entry whose place in the log holds."""

    seq: int
    id: bytes
    hlc: int
    """As its author dates it, microseconds."""
    said: bytes | None
    """Its part 0 in clear, where that is here and held."""


class LogProved(msgspec.Struct, frozen=True):
    """What was found of one log."""

    log: bytes
    size: int
    """Of the signed head; 0 when there is none that holds."""
    entries: tuple[EntryProved, ...]
    others: int
    """Further signatures under the head, which nothing here checks."""


class Report(msgspec.Struct, frozen=True):
    """What came of it."""

    space: bytes
    logs: tuple[LogProved, ...]
    ledger: bytes
    """The id of the author's ledger that the manifests lead from; empty without any."""
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether all of it holds."""
        return not self.problems


def check(bundle: Bundle) -> Report:
    """Check all of a bundle. Raises nothing."""
    return _Check().of(bundle)


class _Check:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def of(self, bundle: Bundle) -> Report:
        founding = _parsed(bundle.logs[0].entries[0].data)
        space = founding.log if founding and founding.genesis and not founding.genesis.space else b""
        if not space:
            self._wrong(b"", None, "evidence-no-space", "it does not begin with the log that founded the space")
        proved: list[LogProved] = []
        held: list[Entry] = []
        for log in bundle.logs:
            entries = self._entries(log)
            if entries is None:
                continue
            proved.append(self._log(log, entries, space))
            held += entries.values()
        self._members(space, held)
        if len({(each.log, each.size) for each in proved}) < len(proved):
            self._wrong(b"", None, "evidence-repeated", "one head stands there twice")
        ledger = self._ledger(bundle)
        return Report(space, tuple(proved), ledger, tuple(self.problems))

    def _entries(self, log: LogShown) -> dict[int, Entry] | None:
        """The entries, by their place; None when the first one founds no log."""
        first = _parsed(log.entries[0].data)
        if first is None or first.genesis is None:
            self._wrong(b"", 0, "evidence-no-log", "a log's first entry cannot be read")
            return None
        found = {0: first}
        for shown in log.entries[1:]:
            one = _parsed(shown.data)
            if one is None:
                self._wrong(first.log, shown.seq, "entry-malformed", "it is no entry")
            elif (one.log, one.seq) != (first.log, shown.seq):
                self._wrong(first.log, shown.seq, "entry-misplaced", "it belongs to another place")
            else:
                found[shown.seq] = one
        return found

    def _log(self, shown: LogShown, entries: Mapping[int, Entry], space: bytes) -> LogProved:
        first = entries[0]
        assert first.genesis is not None
        if first.space != space:
            self._wrong(first.log, 0, "evidence-other-space", "the log is of another space")
        note, point = self._head(shown, first.log, origin(first.space, first.log), first.genesis.key)
        if point is not None:
            leaves = {each.seq: leaf_hash(each.data) for each in shown.entries}
            if root_with(leaves, point.size, shown.hashes) != point.root:
                what = "its entries are not those under the signed head"
                self._wrong(first.log, None, "evidence-not-included", what)
        for seq, one in entries.items():
            before = entries.get(seq - 1)
            if before and (one.prev != before.id or one.hlc <= before.hlc):
                self._wrong(first.log, seq, "chain-broken", "it does not continue the entry before it")
        proved = (self._entry(each, entries[each.seq]) for each in shown.entries if each.seq in entries)
        return LogProved(
            first.log, point.size if point else 0, tuple(proved), len(note.signatures) - 1 if note and point else 0
        )

    def _head(self, shown: LogShown, log: bytes, wanted: str, public: bytes) -> tuple[Note | None, Checkpoint | None]:
        try:
            note = parse_note(shown.note)
            note.signature_by(wanted, public)
            point = Checkpoint.parse(note.text)
        except Untrusted as error:
            self._wrong(log, None, error.code, str(error))
            return None, None
        if point.origin != wanted:
            self._wrong(log, None, "note-mismatch", "the signed head is of another log")
            return note, None
        return note, point

    def _entry(self, shown: Shown, one: Entry) -> EntryProved:
        said: bytes | None = None
        keys = dict(shown.keys)
        for number, stored in shown.parts:
            try:
                plain = _plain(one, number, stored, keys.get(number))
            except Untrusted as error:
                self._wrong(one.log, one.seq, error.code, str(error))
                continue
            if not number:
                said = plain
        return EntryProved(one.seq, one.id, one.hlc, said)

    def _members(self, space: bytes, held: list[Entry]) -> None:
        """A log counts as the space's when its founding log leads to it: anybody may make one that names a space."""
        clear = [clear_of(each) for each in held]
        for log in _strangers(space, clear):
            self._wrong(log, None, "evidence-log-unbound", "nothing here shows that the space took this log in")

    def _ledger(self, bundle: Bundle) -> bytes:
        if not bundle.manifests:
            return b""
        try:
            lines = submission.parse(b"".join(each + b"\n" for each in bundle.manifests))
            first = lines[0]
            ledger = manifest_hash(first.statement) if isinstance(first, KeysPublished) else b""
            keys = walk(ledger, lines)
        except Untrusted as error:
            self._wrong(b"", None, error.code, str(error))
            return b""
        for log in bundle.logs:
            first_entry = _parsed(log.entries[0].data)
            if first_entry is not None and first_entry.genesis is not None:
                self._listed(keys, first_entry, first_entry.genesis.key, log.note)
                for shown in log.entries:
                    if (plain := _clear(shown)) is not None:
                        self._statement(keys, first_entry.log, shown.seq, plain)
        return ledger

    def _listed(self, keys: TrustedKeys, first: Entry, public: bytes, note: bytes) -> None:
        row = keys.log(first.log)
        if row is None or (row.space, row.key) != (first.space, public):
            self._wrong(first.log, None, "log-not-listed", "the newest manifest does not list this log")
        elif row.final is not None:
            try:
                point = Checkpoint.parse(parse_note(note).text)
            except Untrusted:
                return  # That was told.
            if (point.size, point.root) != (row.final.size, row.final.root):
                self._wrong(first.log, None, "log-closed", "the author closed this log at another head")

    def _statement(self, keys: TrustedKeys, log: bytes, seq: int, plain: bytes) -> None:
        """What stands in a ledger counts by its own signatures."""
        try:
            said = submission.from_part(plain)
        except Untrusted as error:
            claimed = content.read(plain)
            if claimed is not None and claimed.type in (UpdateSigned.tag, PluginSigned.tag):
                self._wrong(log, seq, error.code, str(error))
            return  # Not a statement of the author: other entries stand in his log as well.
        if isinstance(said, KeysPublished):
            return  # The walk above is about those that follow each other.
        if said.statement.ledger != keys.ledger:
            self._wrong(log, seq, "other-ledger", "it was signed for another ledger")
        row = keys.log(log)
        try:
            if row is not None:
                check_kind(row)
            keys.check_release(said, log, seq)
        except Untrusted as error:
            self._wrong(log, seq, error.code, str(error))

    def _wrong(self, log: bytes, seq: int | None, code: str, what: str) -> None:
        self.problems.append(Problem(log, seq, code, what))


def _plain(one: Entry, number: int, stored: bytes, key: bytes | None) -> bytes | None:
    """A part in clear, or None where it stays closed. Raises WrongPart."""
    if number >= len(one.parts):
        raise parts.WrongPart(number=number)
    ref = one.parts[number]
    parts.check(ref, stored, number)
    if not ref.key:
        if key is not None:
            raise parts.WrongPart(number=number)  # What is in clear has no key.
        return stored
    return None if key is None else parts.open_with(key, number, stored)


def _clear(shown: Shown) -> bytes | None:
    """Part 0 where it is here and in clear."""
    one = _parsed(shown.data)
    return dict(shown.parts).get(0) if one is not None and one.parts and not one.parts[0].key else None


def _strangers(space: bytes, clear: list[Clear]) -> Iterator[bytes]:
    """The logs that nothing here leads to, from the founding one on."""
    proven = succession(space, clear, signing.verify).proven
    logs = counted(space, clear, proven, signing.verify).logs
    yield from sorted({each.log for each in clear} - logs)


def _parsed(data: bytes) -> Entry | None:
    try:
        return entry.parse(data)
    except Untrusted:
        return None
