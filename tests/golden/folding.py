"""What every fold makes of a fixed set of events: the golden events in long histories, in which ids meet again.

A round is a kind of thing, the event types that its history is drawn from, and hashes of the state on the way. New
types come as another round; those that are there stay for as long as `FOLD_VERSION` does.
"""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from scmanager.domain.catalogue import FOLDS
from scmanager.domain.event import CATALOGUE, Envelope, State
from scmanager.domain.fold import Fold
from scmanager.domain.rights import Right
from scmanager.domain.upcasting import upcast
from scmanager.spaces.state_digest import FOLD_VERSION, KINDS, row_of
from tests.golden.logs import STARTED, some

FILE = Path(__file__).parent / "folds.json"
EVENTS = Path(__file__).parent / "events"
STEPS, TOLD_EVERY = 240, 24
MEMBERS = [some(f"member {number}", 16) for number in range(3)]
THINGS = [some(f"thing {number}", 32) for number in range(3)]
_ID = re.compile(r'"(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=)"')
"""16 or 32 bytes in a payload."""


def committed() -> dict[str, Any]:
    """The file as it is."""
    found = json.loads(FILE.read_text(encoding="ascii"))
    assert isinstance(found, dict)
    return found


def renewed() -> str:
    """The file as it has to be. Refuses another outcome of an old round under the same version."""
    held = committed() if FILE.exists() else {"fold_version": 0, "rounds": []}
    rounds = [one | {"states": outcome(one["kind"], one["tags"])} for one in held["rounds"]]
    if rounds != held["rounds"] and held["fold_version"] == FOLD_VERSION:
        raise SystemExit(
            "A fold makes another state of the same events: raise FOLD_VERSION in spaces/state_digest.py."
        )
    for fold in KINDS:
        known = {tag for one in rounds if one["kind"] == fold.name for tag in one["tags"]}
        tags = tags_of(fold)
        if set(tags) - known:
            rounds.append({"kind": fold.name, "tags": tags, "states": outcome(fold.name, tags)})
    return json.dumps({"fold_version": FOLD_VERSION, "rounds": rounds}, indent=1) + "\n"


def tags_of(fold: Fold) -> list[str]:
    """The types that a fold takes, in every version there is."""
    return sorted(tag for tag, known in FOLDS.items() if known is fold and tag in CATALOGUE)


def outcome(kind: str, tags: list[str]) -> list[str]:
    """Hashes of the state after every TOLD_EVERY steps of one long history."""
    fold = next(each for each in KINDS if each.name == kind)
    state, told = fold.empty, []
    for number, (event, where) in enumerate(_history(kind, tags), 1):
        state = fold.evolve(state, event, where)
        if number % TOLD_EVERY == 0:
            told.append(hash_of(fold, state))
    return told


def hash_of(fold: Fold, state: State) -> str:
    """Of one thing as the digest of a space has it."""
    return hashlib.sha3_256(row_of(fold, THINGS[0][:16], state)).hexdigest()


def _history(kind: str, tags: list[str]) -> Iterator[tuple[Any, Envelope]]:
    cases = [(tag, text) for tag in tags for text in _cases()[tag].values()]
    entries: list[bytes] = []
    for step in range(STEPS):
        draw = _Draw(f"{kind} {step}")
        tag, text = cases[draw.below(len(cases))]
        known = [*entries[-6:], *THINGS, *MEMBERS]
        payload = _ID.sub(lambda found, draw=draw, known=known: _other(found[0], draw, known), text)  # type: ignore[misc]
        event = upcast(msgspec.json.decode(payload, type=CATALOGUE[tag]))
        entries.append(some(f"entry {step} of {kind}"))
        yield event, _where(draw, entries, step)


def _where(draw: "_Draw", entries: list[bytes], step: int) -> Envelope:
    who = draw.below(len(MEMBERS))
    saw = tuple(sorted(each for each in entries[-4:-1] if draw.below(2)))
    entity = THINGS[0][:16] if draw.below(4) else MEMBERS[who]
    return Envelope(
        entries[-1], some(f"log {who}"), step, STARTED + step * 1_000_000, some(f"grant {who}"), MEMBERS[who], who,
        entity, saw, some(f"command {step}", 16), frozenset(each.value for each in Right),
    )  # fmt: skip


def _other(text: str, draw: "_Draw", known: list[bytes]) -> str:
    """An id of the same length that is known in this history."""
    width = 16 if text.endswith('=="') else 32
    fitting = [each for each in known if len(each) == width]
    return f'"{b64encode(fitting[draw.below(len(fitting))]).decode()}"'


class _Draw:
    """Numbers that follow from a name, on every release of Python."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0

    def below(self, end: int) -> int:
        self._count += 1
        return int.from_bytes(some(f"{self._name} {self._count}", 8), "big") % end


def _cases() -> dict[str, dict[str, str]]:
    if not _read:
        for path in sorted(EVENTS.glob("*.json")):
            _read.update(json.loads(path.read_text(encoding="ascii")))
    return _read


_read: dict[str, dict[str, str]] = {}
