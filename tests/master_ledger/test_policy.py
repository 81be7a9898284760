"""Policies: the C2SP format, its own example, each of its rules broken once, and noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.eventstore.checkpoint import WrongSignature, parse_note
from scmanager.master_ledger import policy
from scmanager.master_ledger.cosignature import KIND, cosign
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


@pytest.mark.parametrize(
    "broken",
    ["", "a", "a+b", PUBLISHED.replace("c74f", "c74e"), PUBLISHED.replace("TW", "TX"),
     PUBLISHED.replace("Peter", "Pieter"), " " + PUBLISHED, PUBLISHED + "\n"],
)  # fmt: skip
def test_a_key_with_a_slip_is_refused(broken: str) -> None:
    with pytest.raises(BadVkey):
        Vkey.parse(broken)


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


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("quorum none", "second quorum"),
        ("quorum nobody", "second quorum"),
        (f"witness X1 {witness_key('new')}", "taken"),
        (f"witness none {witness_key('new')}", "taken"),
        (f"witness again {witness_key('X1')}", "listed before"),
        (f"log {Vkey('b', ED25519, key_of('log').public).text()}", "listed before"),
        (f"log {witness_key('new')}", "kind"),
        (f"witness new {Vkey('b', ED25519, key_of('new').public).text()}", "kind"),
        ("group G any X1", "in a group already"),
        ("group G any unheard", "not named before"),
        ("group G 2 X-and-Y", "more of a group"),
        ("group G 0 X-and-Y", "how many"),
        ("group G 01 X-and-Y", "how many"),
        ("group G some X-and-Y", "how many"),
        ("group G any", "none of log"),
        ("group G any X-and-Y X-and-Y", "in a group already"),
        ("quorum", "none of log"),
        ("log", "none of log"),
        ("LOG x", "none of log"),
    ],
)
def test_each_rule_of_the_format_is_kept(line: str, why: str) -> None:
    with pytest.raises(BadPolicy) as bad:
        policy.parse(f"{EXAMPLE}{line}\n".encode())
    assert why in str(bad.value)
    assert f"line {EXAMPLE.count(chr(10)) + 1}:" in str(bad.value)


def test_a_policy_says_what_the_quorum_is() -> None:
    with pytest.raises(BadPolicy, match="no quorum line"):
        policy.parse(EXAMPLE.replace("quorum X-and-Y\n", "").encode())


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


def test_too_much_is_not_read() -> None:
    with pytest.raises(BadPolicy, match="too long"):
        policy.parse(b"#" * (policy.FILE_BYTES_MAX + 1))


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
