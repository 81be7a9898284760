"""Policies: the C2SP format, its own example, each of its rules broken once, and noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.eventstore.checkpoint import WrongSignature, parse_note
from scmanager.master_ledger import policy
from scmanager.master_ledger.cosignature import KIND, ML_DSA_44, cosign
from scmanager.master_ledger.policy import ED25519, BadPolicy, BadVkey, Vkey
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S, WITNESSES, Server, name_of, policy_text

PUBLISHED = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The verifier key that the documentation of Go's note package prints."""


def witness_key(name: str) -> str:
    return Vkey(f"example.org/{name}", KIND, key_of(name).public).text()


X = ("X1", "X2", "X3")
Y = ("Y1", "Y2", "Y3")
EXAMPLE = "\n".join([
    f"log {Vkey('example.org/log', ED25519, key_of('log').public).text()} https://example.org/log",
    "", "  # a comment",
    *(f"witness {name}\t{witness_key(name)}" for name in (*X, *Y)),
    "group X-witnesses 2 X1 X2 X3", "group Y-witnesses any Y1 Y2 Y3",
    "group X-and-Y all X-witnesses Y-witnesses", "quorum X-and-Y", "",
])  # fmt: skip
"""The example of the specification, with keys."""


def met(text: str, *names: str) -> bool:
    return policy.parse(text.encode()).is_met({name.encode(): NOW_S for name in names})


def test_a_published_key_reads_and_is_written_as_it_was() -> None:
    key = Vkey.parse(PUBLISHED)
    assert (key.name, key.kind, len(key.key)) == ("PeterNeumann", ED25519, 32)
    assert key.text() == PUBLISHED


NO_BASE64, NO_PARTS = "its key is no base64", "it has not three parts"
NOT_ITS_ID = "its id is not that of its name and key"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("", NO_PARTS),
        ("a", NO_PARTS),
        ("a+b", NO_PARTS),
        ("a+b+", NO_PARTS),
        ("+b+QUJD", NO_PARTS),
        ("a b+c+QUJD", NO_PARTS),
        (" " + PUBLISHED, NO_PARTS),
        (PUBLISHED + "\n", NO_BASE64),
        (PUBLISHED + "!", NO_BASE64),
        (PUBLISHED[:-1], NO_BASE64),
        (PUBLISHED.replace("c74f", "c74e"), NOT_ITS_ID),
        (PUBLISHED.replace("TW", "TX"), NOT_ITS_ID),
        (PUBLISHED.replace("Peter", "Pieter"), NOT_ITS_ID),
        (Vkey("a", ED25519, bytes(31)).text(), "a key of its kind has 32 bytes"),
        (Vkey("a", ED25519, b"").text(), "a key of its kind has 32 bytes"),
        (Vkey("a", KIND, bytes(33)).text(), "a key of its kind has 32 bytes"),
        (Vkey("a", ML_DSA_44, bytes(32)).text(), "a key of its kind has 1312 bytes"),
    ],
)
def test_a_key_with_a_slip_is_refused(broken: str, why: str) -> None:
    with pytest.raises(BadVkey) as bad:
        Vkey.parse(broken)
    assert bad.value.facts == {"reason": why}


def test_a_key_of_a_kind_that_nobody_knows_yet_has_any_width() -> None:
    assert Vkey.parse(Vkey("a", 0x42, b"any").text()) == Vkey("a", 0x42, b"any")


@given(st.text(max_size=120) | st.from_regex(r"[a-z.]{1,9}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{4,60}={0,2}", fullmatch=True))
def test_any_text_is_a_key_in_its_one_spelling_or_refused(text: str) -> None:
    try:
        assert Vkey.parse(text).text() == text
    except BadVkey:
        return


def test_the_example_of_the_specification_means_what_it_says() -> None:
    assert met(EXAMPLE, "X1", "X3", "Y2")
    assert met(EXAMPLE, *X, *Y)
    assert not met(EXAMPLE, *X)
    assert not met(EXAMPLE, "X1", *Y)
    assert not met(EXAMPLE)
    read = policy.parse(EXAMPLE.encode())
    assert read.accepts_log("example.org/log", key_of("log").public)
    assert not read.accepts_log("example.org/log", key_of("another").public)
    assert not read.accepts_log("example.org/other", key_of("log").public)


def test_no_quorum_is_met_by_nobody_and_a_witness_may_be_the_quorum() -> None:
    assert met("quorum none")
    one = f"witness X1 {witness_key('X1')}\nquorum X1\n"
    assert met(one, "X1")
    assert not met(one)


NO_VKEY = "This is no public key in the form name+id+key: "
NO_LINE = "it is none of log, witness, group and quorum, or has not their words"
HOW_MANY = "how many of a group are enough is any, all or a number"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("quorum none", "a second quorum line"),
        ("quorum nobody", "a second quorum line"),
        (f"witness X1 {witness_key('new')}", "its name is taken"),
        (f"witness none {witness_key('new')}", "its name is taken"),
        (f"witness again {witness_key('X1')}", "this witness's key was listed before"),
        (f"witness new {witness_key('new')} https://one.example https://two.example", NO_LINE),
        (f"log {Vkey('b', ED25519, key_of('log').public).text()}", "this log's key was listed before"),
        (f"log {witness_key('new')}", f"{NO_VKEY}its kind does not sign what it is listed for"),
        (f"witness new {Vkey('b', ED25519, key_of('new').public).text()}",
         f"{NO_VKEY}its kind does not sign what it is listed for"),
        ("log x", f"{NO_VKEY}it has not three parts"),
        ("group G any X1", "a member of the group is in a group already"),
        ("group G any unheard", "a member of the group was not named before"),
        ("group G 2 X-and-Y", "more of a group are asked for than it has"),
        ("group G 0 X-and-Y", HOW_MANY),
        ("group G 01 X-and-Y", HOW_MANY),
        ("group G some X-and-Y", HOW_MANY),
        ("group G any", NO_LINE),
        ("group G any X-and-Y X-and-Y", "a member of the group is in a group already"),
        ("quorum", NO_LINE),
        ("log", NO_LINE),
        ("LOG x", NO_LINE),
    ],
)  # fmt: skip
def test_each_rule_of_the_format_is_kept(line: str, why: str) -> None:
    with pytest.raises(BadPolicy) as bad:
        policy.parse(f"{EXAMPLE}{line}\n".encode())
    assert bad.value.facts == {"reason": f"line {EXAMPLE.count(chr(10)) + 1}: {why}"}


def test_a_quorum_that_was_not_named_is_told() -> None:
    with pytest.raises(BadPolicy) as bad:
        policy.parse(b"quorum nobody\n")
    assert bad.value.facts == {"reason": "line 1: the quorum was not named before"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"quorum none\n".ljust(policy.FILE_BYTES_MAX + 1, b"#"), "the file is too long"),
        (b"quorum none\n\r\n", "the file has control characters"),
        (b"# nothing\n", "it has no quorum line"),
    ],
)
def test_what_is_wrong_with_the_whole_file_has_no_line(data: bytes, reason: str) -> None:
    with pytest.raises(BadPolicy) as bad:
        policy.parse(data)
    assert bad.value.facts == {"reason": reason}


def test_a_file_as_long_as_may_be_is_read() -> None:
    assert policy.parse(b"quorum none\n#".ljust(policy.FILE_BYTES_MAX, b"#")).quorum is None


def test_octets_that_are_no_text_name_no_key_and_are_no_reason_to_refuse_an_address() -> None:
    with pytest.raises(BadPolicy) as bad:
        policy.parse(b"log \xff\nquorum none\n")
    assert bad.value.facts == {"reason": f"line 1: {NO_VKEY}it is not UTF-8"}
    read = policy.parse(f"witness W {witness_key('w')} ".encode() + b"https://\xff.example\nquorum none\n")
    assert read.addresses == {b"W": "https://\N{REPLACEMENT CHARACTER}.example"}


def some_lines(kind: str, count: int) -> list[str]:
    """Kinds that this release does not know, which cost nothing to tell apart."""
    keys = [Vkey(f"n{n}", 0x42, b"key %d" % n).text() for n in range(count)]
    if kind == "log":
        return [f"log {each}" for each in keys]
    witnesses = [f"witness w{n} {each}" for n, each in enumerate(keys)]
    return witnesses if kind == "witness" else [*witnesses, *(f"group g{n} all w{n}" for n in range(count))]


@pytest.mark.parametrize("kind", ["log", "witness", "group"])
def test_of_each_kind_so_many_lines_are_read_and_no_more(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "LINES_MAX", 4)
    assert policy.parse("\n".join([*some_lines(kind, 4), "quorum none"]).encode())
    lines = some_lines(kind, 4)
    fifth = {"log": some_lines("log", 5)[-1], "witness": some_lines("witness", 5)[-1], "group": "group more all g0"}[
        kind
    ]
    with pytest.raises(BadPolicy) as bad:
        policy.parse("\n".join([*lines, fifth, "quorum none"]).encode())
    assert bad.value.facts == {"reason": f"line {len(lines) + 1}: more lines of a kind than anybody needs"}


def test_two_keys_that_no_line_can_tell_apart_are_not_both_listed() -> None:
    """An id has four bytes: two keys of one name and one id were found among some 156,000."""
    lines = [f"witness w{n} {Vkey('W', 0x42, b'key %d' % n).text()}" for n in (11728, 156090)]
    with pytest.raises(BadPolicy) as bad:
        policy.parse("\n".join([*lines, "quorum none"]).encode())
    assert bad.value.facts == {
        "reason": "line 2: no line tells this witness's key from one listed before: both have one name and id",
    }


def test_a_quorum_and_members_are_named_before() -> None:
    lines = EXAMPLE.splitlines()
    with pytest.raises(BadPolicy, match="not named before"):
        policy.parse("\n".join(reversed(lines)).encode())


def test_the_limits_that_are_asked_for_are_within_ours() -> None:
    names = [f"w{n}" for n in range(32)]
    lines = [f"log {Vkey(f'log{n}', ED25519, key_of(f'log {n}').public).text()}" for n in range(32)]
    lines += [f"witness {name} {witness_key(name)}" for name in names]
    lines += [f"group g{n} all w{n}" for n in range(32)]
    assert met("\n".join([*lines, "quorum g31"]), "w31")


@given(st.binary(max_size=300))
def test_noise_is_a_policy_or_refused_as_none(data: bytes) -> None:
    for tried in (data, EXAMPLE.encode() + data):
        try:
            policy.parse(tried)
        except BadPolicy:
            continue


@given(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 255))
def test_a_changed_octet_never_raises_anything_else(at: int, octet: int) -> None:
    data = EXAMPLE.encode()
    try:
        policy.parse(data[:at] + bytes((octet,)) + data[at + 1 :])
    except BadPolicy:
        return


def test_who_cosigned_is_told_and_dates_ahead_are_none() -> None:
    server, rules = Server(), policy.parse(policy_text().encode())
    note = parse_note(server.note(at_s=NOW_S, witnesses=WITNESSES[:2]))
    assert rules.cosigned(note, NOW_S) == {b"w0": NOW_S, b"w1": NOW_S}
    assert rules.cosigned(note, NOW_S - 1) == {}


def test_a_known_witness_with_a_bad_line_spoils_the_note() -> None:
    server, rules = Server(), policy.parse(policy_text().encode())
    other = cosign("another text\n", name_of(WITNESSES[2]), WITNESSES[2], NOW_S)
    with pytest.raises(WrongSignature):
        rules.cosigned(parse_note(server.note(witnesses=WITNESSES[:2]) + other), NOW_S)
