"""Key manifests, and what release keys sign: the verifier that stands alone holds them as strictly as ours does.

Whoever holds the root keys can sign anything. So everything here is signed anew after it was changed, and what is
compared is the verdict on what no reader may take.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ops import verify_bundle
from scmanager.domain.words import flaw_of_title
from scmanager.errors import Untrusted
from scmanager.eventstore.content import DEPTH_MAX
from scmanager.eventstore.entry import digest
from scmanager.eventstore.evidence import Bundle, LogShown, Shown
from scmanager.eventstore.merkle import root_of
from scmanager.eventstore.multi_proof import prove_many
from scmanager.eventstore.own_log import Draft
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import submission
from scmanager.master_ledger.version import precedence
from tests.golden.logs import key_of, some
from tests.support.effort import QUICK, examples
from tests.support.evidence import both
from tests.support.ledger import LATER_RELEASE, NOW_S, RELEASE, ROOTS, Server, plugin, update

Said = dict[str, Any]

OTHER = Server("other")
"""A second log of the same ledger."""
SIGNERS = sorted(ROOTS[:2], key=lambda each: each.public)


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def spelled(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def quorum(m: int, *keys: SigningKey) -> Said:
    return {"m": m, "keys": [b64(each) for each in sorted(each.public for each in keys)]}


def row(server: Server, final: Said | None = None) -> Said:
    log = server.log
    return {"space": b64(log.space), "log": b64(log.log), "key": b64(log.key), "kind": log.kind.value, "final": final}


def upto(server: Server, size: int) -> Said:
    return {"log": b64(server.log.log), "size": size}


def signed(message: bytes, keys: Sequence[SigningKey]) -> list[list[str]]:
    return [[b64(each.public), b64(each.sign(message))] for each in keys]


def history() -> list[Said]:
    """Three manifests: the release key is retired in the second, and the other log closed in the third."""
    made, final = Server(), {"size": 5, "root": b64(some("root"))}
    common = {"root": quorum(2, *ROOTS), "release": quorum(1, LATER_RELEASE), "logs": [row(made), row(OTHER)]}
    retired = [{"key": b64(RELEASE.public), "upto": [upto(made, 3), upto(OTHER, 4)]}]
    first = common | {"release": quorum(1, RELEASE), "retired": []}
    third = common | {"logs": [row(made), row(OTHER, final)], "retired": retired}
    steps = [first, common | {"retired": retired}, third]
    return json.loads(
        json.dumps([{"n": n, "prev": None, **_in_order(each), "signed_at": NOW_S} for n, each in enumerate(steps, 1)])
    )


def _in_order(said: Said) -> Said:
    return {name: said[name] for name in ("root", "release", "logs", "retired")}


def lines_of(steps: Sequence[Said]) -> tuple[bytes, list[bytes]]:
    """The ledger's id and the manifests, each signed by two root keys and named by the next, or as told."""
    before, ledger, lines = b"", b"", []
    for step in steps:
        said = {name: b64(before) if name == "prev" and value is None else value for name, value in step.items()}
        message = b"scm/key-manifest/1\n" + (before or bytes(32)) + spelled(said)
        payload = {"statement": said, "signatures": signed(message, SIGNERS)}
        lines.append(spelled({"type": "keys.published/1", "payload": payload}))
        before = digest("scm/key-manifest-hash/1", spelled(said))
        ledger = ledger or before
    return ledger, lines


def shown(made: Server, lines: Sequence[bytes]) -> bytes:
    """All of that log, and these manifests."""
    hashes = prove_many(range(len(made.leaves)), len(made.leaves), lambda low, high: root_of(made.leaves[low:high]))
    entries = (Shown(seq, one.data, ((0, part),) if part else ()) for seq, (one, part) in enumerate(made.said))
    return Bundle((LogShown(tuple(entries), tuple(hashes), made.note(witnesses=())),), tuple(lines)).to_bytes()


def with_steps(steps: Sequence[Said]) -> bytes:
    ledger, lines = lines_of(steps)
    made = Server()
    made.append(submission.make(update(ledger), [RELEASE]))
    made.append(submission.make(plugin(ledger, b"ore"), [RELEASE]))
    made.append(submission.make(update(ledger), [LATER_RELEASE]))
    return shown(made, lines)


def test_a_history_of_keys_holds() -> None:
    assert both(with_steps(history()))


def set_at(*path: Any, to: Any) -> Callable[[list[Said]], None]:
    def change(steps: list[Said]) -> None:
        at: Any = steps
        for each in path[:-1]:
            at = at[each]
        at[path[-1]] = to(at[path[-1]]) if callable(to) else to

    return change


def renamed(steps: list[Said]) -> None:
    steps[1]["more"] = 1


def opened(steps: list[Said]) -> None:
    steps[1]["logs"][1]["final"], steps[2]["logs"][1]["final"] = steps[2]["logs"][1]["final"], None


def long(steps: list[Said]) -> None:
    """Every field of its form, and all of it too much."""
    steps[2]["logs"] = rows_more(steps[2]["logs"], 62)
    named = [{"log": each["log"], "size": 0} for each in steps[2]["logs"]]
    steps[2]["retired"] += [{"key": b64(some(f"r {n}")), "upto": named} for n in range(20)]


def rows_more(rows: list[Said], count: int) -> list[Said]:
    return rows + [rows[0] | {"log": b64(some(f"l {n}")), "key": b64(some(f"k {n}"))} for n in range(count)]


def returning(change: Callable[[Said], None]) -> Callable[[list[Said]], None]:
    """A root key is taken out in the second manifest, and here again in the third."""

    def changed(steps: list[Said]) -> None:
        for each in steps[1:]:
            each["root"] = quorum(2, *ROOTS[:2], key_of("next root"))
        change(steps[2])

    return changed


def as_log(said: Said) -> None:
    said["logs"] = [*said["logs"], said["logs"][0] | {"log": b64(some("l")), "key": b64(ROOTS[2].public)}]


def as_retired(said: Said) -> None:
    said["retired"] = [*said["retired"], {"key": b64(ROOTS[2].public), "upto": []}]


ROOT_KEY = b64(ROOTS[0].public)
BROKEN: dict[str, Callable[[list[Said]], None]] = {
    "a log dropped": set_at(1, "logs", to=lambda rows: rows[:1]),
    "a log with another key": set_at(1, "logs", 1, "key", to=b64(some("key"))),
    "a log in another space": set_at(1, "logs", 1, "space", to=b64(some("space"))),
    "a log twice": set_at(2, "logs", to=lambda rows: [rows[1] | {"key": b64(some("key"))}, *rows]),
    "a closed log opened": opened,
    "a closed log at a later head": set_at(1, "logs", 1, "final", to={"size": 4, "root": b64(some("root"))}),
    "a log of another kind": set_at(1, "logs", 1, "kind", to="intake"),
    "a log of no kind": set_at(2, "logs", 1, "kind", to="other"),
    "a log whose kind is no word": set_at(2, "logs", 1, "kind", to=["ledger"]),
    "a closed log at another head": set_at(1, "logs", 1, "final", to={"size": 5, "root": b64(some("another"))}),
    "a final head with more": set_at(2, "logs", 1, "final", to=lambda head: head | {"more": 1}),
    "a final head of odd width": set_at(2, "logs", 1, "final", "root", to="AA=="),
    "a final head of no size": set_at(2, "logs", 1, "final", "size", to=-1),
    "a final head that is none": set_at(2, "logs", 1, "final", to=False),
    "one key in two roles": set_at(2, "release", to=quorum(1, LATER_RELEASE, ROOTS[0])),
    "a log signed by a root key": set_at(0, "logs", 0, "key", to=ROOT_KEY),
    "a retired key with a role": set_at(2, "release", to=quorum(1, LATER_RELEASE, RELEASE)),
    "a retired key twice": set_at(2, "retired", to=lambda rows: rows * 2),
    "a retired key forgotten": set_at(2, "retired", to=[]),
    "a release key gone without a word": set_at(1, "retired", to=[]),
    "a retired key that counts further": set_at(2, "retired", 0, "upto", 0, "size", to=4),
    "a retired key in a log that is not listed": set_at(
        2, "retired", 0, "upto", to=lambda rows: [*rows, {"log": b64(some("log")), "size": 0}]
    ),
    "a retired key twice in one log": set_at(2, "retired", 0, "upto", to=lambda rows: [*rows, rows[0]]),
    "a retired key counted in a new log": set_at(1, "retired", 0, "upto", to=lambda rows: rows[:1]),
    "a root key that was taken out, as root key": returning(lambda said: said.update(root=quorum(2, *ROOTS))),
    "a root key that was taken out, as release key": returning(
        lambda said: said.update(release=quorum(1, LATER_RELEASE, ROOTS[2]))
    ),
    "a root key that was taken out, as a log's": returning(as_log),
    "a root key that was taken out, as one retired": returning(as_retired),
    "a root key that becomes a release key": lambda steps: steps[2].update(
        root=quorum(2, *ROOTS[:2], key_of("next root")), release=quorum(1, LATER_RELEASE, ROOTS[2])
    ),
    "two halves": set_at(2, "root", "m", to=1),
    "more keys needed than there are": set_at(2, "release", "m", to=2),
    "no release key needed": set_at(2, "release", "m", to=0),
    "keys out of order": set_at(2, "root", "keys", to=lambda keys: keys[::-1]),
    "a key twice": set_at(2, "root", "keys", to=lambda keys: [keys[0], *keys]),
    "a key of odd width": set_at(2, "release", "keys", to=lambda keys: [b64(bytes(31)), *keys]),
    "another number": set_at(1, "n", to=3),
    "a number that is true": set_at(0, "n", to=True),
    "a number with a point": set_at(0, "signed_at", to=1.0),
    "a huge number": set_at(0, "signed_at", to=10**400),
    "another one before": set_at(1, "prev", to=b64(some("prev"))),
    "one before the first": set_at(0, "prev", to=b64(some("prev"))),
    "an unknown field": renamed,
    "an unknown field in a log": set_at(1, "logs", 0, to=lambda each: each | {"more": 1}),
    "an unknown field in a quorum": set_at(1, "root", to=lambda each: each | {"more": 1}),
    "fields in another order": set_at(1, "root", to=lambda each: dict(reversed(each.items()))),
    "sixteen keys": set_at(2, "release", to=quorum(1, LATER_RELEASE, *(key_of(f"k {n}") for n in range(15)))),
    "too many logs": set_at(2, "logs", to=lambda rows: rows_more(rows, 63)),
    "a log of odd width": set_at(
        2, "logs", to=lambda rows: [*rows, rows[0] | {"log": "AA==", "key": b64(some("k"))}]
    ),
    "too many retired keys": set_at(
        2, "retired", to=lambda rows: rows + [{"key": b64(some(f"r {n}")), "upto": []} for n in range(64)]
    ),
    "a retired key of odd width": set_at(2, "retired", to=lambda rows: [*rows, {"key": "AA==", "upto": []}]),
    "a retired key that counts below nothing": set_at(2, "retired", 0, "upto", 1, "size", to=-1),
    "an unknown field beside a retired key": set_at(2, "retired", 0, to=lambda each: each | {"more": 1}),
    "an unknown field in a row of one": set_at(2, "retired", 0, "upto", 1, to=lambda each: each | {"more": 1}),
    "longer than any entry": long,
    "null in place of rows": set_at(0, "retired", to=None),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_both_refuse_manifests_that_no_reader_may_take(name: str) -> None:
    steps = history()
    BROKEN[name](steps)
    assert not both(with_steps(steps))


TAKEN: dict[str, Callable[[list[Said]], None]] = {
    "a root key taken out": returning(lambda _: None),
    "another root key": set_at(2, "root", to=quorum(2, *ROOTS[:2], key_of("next root"))),
    "a log more": set_at(
        2, "logs", to=lambda rows: [*rows, rows[0] | {"log": b64(some("l")), "key": b64(some("k"))}]
    ),
    "a closed log, closed earlier": set_at(1, "logs", 1, "final", to={"size": 6, "root": b64(some("root"))}),
    "a retired key that counts less": set_at(2, "retired", 0, "upto", 1, "size", to=0),
    "a retired key that counts nowhere else": set_at(2, "retired", 0, "upto", to=lambda rows: rows[:1]),
}


@pytest.mark.parametrize("name", TAKEN)
def test_both_take_what_may_change(name: str) -> None:
    steps = history()
    TAKEN[name](steps)
    assert both(with_steps(steps))


VALUES: list[Any] = [
    None,
    True,
    0,
    1,
    2,
    -1,
    1.5,
    2**53 - 1,
    2**53,
    10**30,
    "",
    "AA==",
    "x",
    "é",
    "\0",
    "\ud800",
    [],
    [[]],
]
VALUES += [
    {},
    {"m": 1},
    b64(some("a key")),
    b64(RELEASE.public),
    b64(ROOTS[1].public),
    {"size": 3, "root": b64(some("r"))},
]


def mutated(data: st.DataObject, said: Any) -> None:
    """One change somewhere in it: a value set, dropped, added, repeated, or a list turned round."""
    at, key = said, None
    inner = said
    while isinstance(inner, dict | list) and inner:
        at = inner
        key = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
        inner = at[key]
        if data.draw(st.integers(0, 3)) == 0:
            break
    act = data.draw(st.sampled_from(["set", "drop", "add", "twice", "turn", "copy"]))
    if act == "drop":
        del at[key]
    elif act == "turn" and isinstance(inner, list):
        inner.reverse()
    elif act == "turn" and isinstance(at, dict):
        at[key] = at.pop(key)
    elif isinstance(at, list) and act in ("add", "twice"):
        at.insert(key, at[key] if act == "twice" else deepcopy(data.draw(st.sampled_from(VALUES))))
    elif act == "add":
        at[data.draw(st.sampled_from(["more", "n", "final", ""]))] = deepcopy(data.draw(st.sampled_from(VALUES)))
    elif act == "copy":
        at[key] = deepcopy(
            said[data.draw(st.sampled_from(list(said) if isinstance(said, dict) else list(range(len(said)))))]
        )
    else:
        at[key] = deepcopy(data.draw(st.sampled_from(VALUES)))


@settings(max_examples=examples(120))
@given(st.data())
def test_both_agree_on_whatever_root_keys_sign(data: st.DataObject) -> None:
    steps = history()
    for _ in range(data.draw(st.integers(1, 2))):
        mutated(data, steps)
    try:
        changed = with_steps(steps)
    except (
        AttributeError,
        TypeError,
        ValueError,
    ):  # No longer a list of statements, or no text that could be signed.
        return
    both(changed)


def line_of(payload: Said, tag: str = "keys.published/1") -> bytes:
    return spelled({"type": tag, "payload": payload})


WRAPPED: dict[str, Callable[[Said], Said]] = {
    "more beside the statement": lambda line: line | {"payload": line["payload"] | {"more": 1}},
    "more beside the payload": lambda line: line | {"more": 1},
    "another type": lambda line: line | {"type": "update.signed/1"},
    "fields turned round": lambda line: dict(reversed(line.items())),
    "signatures turned round": lambda line: with_signatures(line, lambda rows: rows[::-1]),
    "a signature twice": lambda line: with_signatures(line, lambda rows: [rows[0], *rows]),
    "a signature of odd width": lambda line: with_signatures(line, lambda rows: [[rows[0][0], "AA=="], *rows[1:]]),
    "another's signature of odd width": lambda line: with_signatures(
        line, lambda rows: [[b64(bytes(32)), "AA=="], *rows]
    ),
    "a signature with three fields": lambda line: with_signatures(line, lambda rows: [[*rows[0], ""], *rows[1:]]),
    "a key with another's signature": lambda line: with_signatures(
        line, lambda rows: [[each[0], rows[0][1]] for each in rows]
    ),
    "65 signatures": lambda line: with_signatures(line, lambda rows: more_signatures(rows, 65)),
    "no signatures": lambda line: with_signatures(line, lambda _: []),
}  # fmt: skip


def more_signatures(rows: list[list[str]], count: int) -> list[list[str]]:
    """So many, by ascending key: those of other keys are looked at by nobody."""
    others = [[b64(some(f"{n}")), b64(bytes(64))] for n in range(count - len(rows))]
    return sorted(rows + others, key=lambda row: verify_bundle.b64(row[0]))


def with_signatures(line: Said, change: Callable[[list[list[str]]], list[list[str]]]) -> Said:
    payload = line["payload"]
    return line | {"payload": payload | {"signatures": change(payload["signatures"])}}


@pytest.mark.parametrize("name", WRAPPED)
def test_both_refuse_what_is_wrong_around_a_manifest(name: str) -> None:
    _, lines = lines_of(history())
    many = spelled(with_signatures(json.loads(lines[1]), lambda rows: more_signatures(rows, 64)))
    assert both(shown(Server(), [lines[0], many, lines[2]]))
    assert not both(shown(Server(), [lines[0], spelled(WRAPPED[name](json.loads(lines[1]))), lines[2]]))


def test_both_refuse_lines_moved_repeated_left_out_or_spelled_in_another_way() -> None:
    _, (first, second, third) = lines_of(history())
    made = Server()
    for lines in (
        [second, first, third], [first, third], [second, third], [first, first, second], [first, second, second],
        [b" " + first], [first.replace(b'"n":1', b'"n":1,"n":1')], [first.replace(b'"n":1', b'"n":1.0')],
        [first.replace(b'"n":1', b'"n":1e0')], [first.replace(b'"type"', b'"\\u0074ype"')], [b"{}"], [b"[]"], [b"1"],
        [first.replace(b'"n":1', b'"n":' + b"1" * 5000)], [b"[" * 60_000], [first + b"\n"],
    ):  # fmt: skip
        assert not both(shown(made, lines))


@pytest.mark.parametrize("at", [0, 1, 2])
def test_no_byte_of_a_manifest_can_change(at: int) -> None:
    _, lines = lines_of(history())
    made, line = Server(), lines[at]
    for place in range(at, len(line), 29 if QUICK else 7):
        changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        assert not both(shown(made, [*lines[:at], changed, *lines[at + 1 :]])), place


# What release keys sign


@cache
def keys_of_ledger() -> tuple[bytes, tuple[bytes, ...]]:
    ledger, lines = lines_of(history())
    return ledger, tuple(lines)


def entered(plain: bytes) -> bytes:
    """The ledger with this as part 0 of its entry 1."""
    made = Server()
    made.own.add(Draft(plain, None), made.own.hlc + 1)
    made._commit()
    return shown(made, keys_of_ledger()[1])


def part_of(tag: str, payload: Any, changed: Said | None = None) -> bytes:
    said = {
        "type": tag, "by": b64(some("grant")), "command": b64(some("command", 16)), "cause": "",
        "entity": b64(some("entity", 16)), "saw": [], "payload": payload,
    }  # fmt: skip
    return spelled(said | (changed or {}))


def released(kind: str, **changed: Any) -> bytes:
    """An update or plugin with these fields, signed as it stands."""
    ledger, _ = keys_of_ledger()
    made = submission.make((update if kind == "update" else plugin)(ledger), [RELEASE])
    said = json.loads(submission.encode([made]))["payload"]["statement"] | changed
    message = f"scm/{kind}/1\n".encode() + ledger + spelled(said)
    return part_of(f"{kind}.signed/1", {"statement": said, "signatures": signed(message, [RELEASE])})


TAKEN_FIELDS: dict[str, Said] = {
    "update": {
        "version": ["2.0.0"],
        "channel": ["beta"],
        "min_supported_version": ["1.1.0-rc.1"],
        "update_type": ["hotfix"],
        "content_hash": ["bafkrei" + "a" * 52],
    },
    "plugin": {
        "name": ["採掘 台帳", "🚀" * 120],
        "author": ["👩\u200d🚀"],
        "permissions": [[]],
        "category": ["ui"],
        "version": ["1.0.0-rc.1"],
    },
}
REFUSED_FIELDS: dict[str, Said] = {
    "update": {
        "version": ["01.0.0", "1.0.0+b", "1.0", "1.0.0-rc.1", "0.9.0", "x" * 65, 1],
        "min_supported_version": ["1.0.0-01", "1.0.0-12345678901"],
        "channel": ["gamma", []],
        "update_type": [None],
        "content_hash": ["bafkrei" + "a" * 51 + "b", "Bafkrei" + "a" * 52, "", "bafkreé" + "a" * 52],
        "changelog_url": ["http://example.org", "https://e x", "https://é", "https://" + "a" * 491],
        "size_bytes": [-1, True],
        "signed_at": [None],
        "ledger": [b64(some("another"))],
        "more": [1],
    },
    "plugin": {
        "id": ["Org", "a" * 33, "", "org.exämple"],
        "name": ["", " x", "x\u3000", "x\u200b", "x" * 121, None],
        "author": ["x\u200d", "\x7f"],
        "description": ["a\u2028b"],
        "permissions": [["b", "a"], ["a", "a"], ["A"], "a", [1], [f"a{n:03}" for n in range(65)]],
        "audit_status": ["fine"],
        "category": ["Ui"],
        "updated_at": [1],
        "required_core_version": ["x"],
        "tos_compliance_hash": [""],
    },
}


@pytest.mark.parametrize("kind", ["update", "plugin"])
def test_both_read_what_is_released_alike(kind: str) -> None:
    for cases, taken in ((TAKEN_FIELDS, True), (REFUSED_FIELDS, False)):
        for name, values in cases[kind].items():
            for value in values:
                assert both(entered(released(kind, **{name: value}))) == taken, (name, value)


@settings(max_examples=examples(100))
@given(st.data(), st.sampled_from(["update", "plugin"]))
def test_both_agree_on_whatever_release_keys_sign(data: st.DataObject, kind: str) -> None:
    said = json.loads(released(kind))["payload"]["statement"]
    mutated(data, said)
    ledger, _ = keys_of_ledger()
    try:
        message = f"scm/{kind}/1\n".encode() + ledger + spelled(said)
    except ValueError:  # No text that could be signed.
        return
    plain = part_of(f"{kind}.signed/1", {"statement": said, "signatures": signed(message, [RELEASE])})
    both(entered(plain))


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


@pytest.mark.parametrize(
    ("changed", "statement"),
    [
        ({}, True),
        ({"by": ""}, False),
        ({"command": b64(bytes(15))}, False),
        ({"cause": b64(bytes(31))}, False),
        ({"cause": b64(bytes(32))}, True),
        ({"saw": [b64(bytes(32))] * 65}, False),
        ({"saw": ["AA=="]}, False),
        ({"more": 1}, False),
        ({"payload": nested(DEPTH_MAX - 1)}, True),
        ({"payload": nested(DEPTH_MAX)}, False),
        ({"payload": {"n": 2**53}}, False),
        ({"payload": {"n": 0.5}}, False),
        ({"payload": {"n": "\0"}}, False),
        ({"payload": []}, False),
        ({"payload": {"\x7f\x1b\b": "\\u0000"}}, True),
    ],
)
def test_both_know_alike_what_is_a_statement_at_all(changed: Said, statement: bool) -> None:
    """What nobody can read says nothing, and anything else of that type has to be signed."""
    assert both(entered(part_of("update.signed/1", {}, changed))) != statement


def test_a_retired_key_counts_where_the_manifests_say_so_and_nowhere_else() -> None:
    ledger, lines = keys_of_ledger()
    for count, holds in ((1, True), (2, True), (3, False)):  # Its word counts below entry 3 there.
        made = Server()
        for _ in range(count):
            made.append(submission.make(update(ledger), [RELEASE]))
        assert both(shown(made, lines)) == holds
    made = Server("other")  # And below entry 4 of this log.
    for _ in range(3):
        made.append(submission.make(update(ledger), [RELEASE]))
    _, open_lines = lines_of(history()[:2])
    assert both(shown(made, open_lines))
    made.append(submission.make(update(ledger), [RELEASE]))
    assert not both(shown(made, open_lines))


def test_what_was_signed_for_another_ledger_counts_in_none() -> None:
    made = Server()
    made.append(submission.make(update(some("another ledger")), [RELEASE]))
    assert not both(shown(made, keys_of_ledger()[1]))


# The rules that the file spells anew

SIGNS = "ab. 1#©é\u0627\u0645\ufe0e\ufe0f\u200c\u200d\u200b\u20e3🏴🚀👩\U000e0067\U000e007f\u3000\u00a0"


@settings(max_examples=examples(400))
@given(
    st.text(
        st.sampled_from(SIGNS),
        max_size=6,
    )
)
def test_a_title_is_a_title_to_both(text: str) -> None:
    assert verify_bundle.is_title(text) == (flaw_of_title(text) == "")


def test_every_character_is_seen_alike_by_both() -> None:
    every = [*range(0x3100), *range(0xA000, 0x10000), *range(0x10A00, 0x12000), *range(0x16F00, 0x17000)]
    every += [*range(0x1BC00, 0x1BD00), *range(0x1D100, 0x1D200), *range(0x1F000, 0x1FB00), *range(0xE0000, 0xE1000)]
    for code in every:
        text = f"a{chr(code)}b"
        assert bool(verify_bundle.UNSEEN.search(text)) == bool(flaw_of_title(text)), hex(code)


@settings(max_examples=examples(100))
@given(st.text(st.sampled_from("019.-+a"), max_size=12).map(lambda tail: "1.0.0" + tail))
@example("1.0.0-0123456789")
@example("1.0.0-a")
@example("1.0.0-9")
@example("1.0.0-10.a")
def test_versions_come_one_after_the_other_for_both(version: str) -> None:
    if verify_bundle.VERSION.fullmatch(version):  # Ours has more in the type of the field.
        assert outcome(verify_bundle.precedence, version) == outcome(precedence, version)


def outcome(sorted_by: Callable[[str], Any], version: str) -> Any:
    try:
        return sorted_by(version)
    except (ValueError, Untrusted):
        return None
