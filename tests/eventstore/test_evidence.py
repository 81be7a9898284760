"""The file of an evidence bundle: one spelling, and a parser that says no and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.errors import Untrusted
from scmanager.eventstore import evidence
from scmanager.eventstore.evidence import BadEvidence, Bundle, LogShown, Shown
from tests.golden.logs import org
from tests.support.evidence import log_shown, resealed

BUNDLE = Bundle((log_shown(org(), [0, 2, 3], (0, 1), (2,)), log_shown(org(), [0])), (b"line one", b"line two"))
LINES = BUNDLE.to_bytes().splitlines(keepends=True)


def test_what_was_written_is_read_again() -> None:
    assert Bundle.parse(BUNDLE.to_bytes()) == BUNDLE
    assert Bundle.parse(BUNDLE.to_bytes()).to_bytes() == BUNDLE.to_bytes()


@pytest.mark.parametrize("at", range(len(LINES) - 1))
def test_a_line_that_is_moved_to_the_end_doubled_or_of_another_word_is_refused_or_another_bundle(at: int) -> None:
    rest = LINES[:at] + LINES[at + 1 : -1]
    for lines in ([*rest, LINES[at], LINES[-1]], [*LINES[:at], LINES[at], *LINES[at:]]):
        changed = resealed(b"".join(lines))
        try:
            assert Bundle.parse(changed) != BUNDLE or changed == BUNDLE.to_bytes()
        except BadEvidence:
            continue


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"scm-evidence/1\n",
        b"scm-evidence/2\nentry 0 AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AA==\n",
        b"scm-evidence/1\nentry 1 AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 00 AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AB==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AA\nnote AA==\n",
        b"scm-evidence/1\nentry 0  AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AA== \nnote AA==\n",
        b"scm-evidence/1\nentry 0 \nnote AA==\n",
        b"scm-evidence/1\r\nentry 0 AA==\r\nnote AA==\r\n",
        b"scm-evidence/1\nentry 0 AA==\nnote AA==\n\n",
        b"scm-evidence/1\nentry 0 AA==\npart 16 AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AA==\npart 1 AA==\npart 0 AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AA==\nkey 0 AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AA==\nhash AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AA==\nnote AA==\npart 0 AA==\n",
        b"scm-evidence/1\nmanifest AA==\nentry 0 AA==\nnote AA==\n",
        b"scm-evidence/1\nentry 0 AA==\nnote AA==\nend AA==\n",
        "scm-evidence/1\nentry 0 AA==\nnote AA==\nmanifest ÄA==\n".encode(),
    ],
)
def test_what_is_spelled_in_another_way_is_refused(text: bytes) -> None:
    with pytest.raises(BadEvidence):
        Bundle.parse(resealed(text + b"end x\n"))


def test_the_smallest_that_is_well_formed_is_read() -> None:
    text = b"scm-evidence/1\nentry 0 AA==\nnote AA==\n"
    assert Bundle.parse(resealed(text + b"end x\n")) == Bundle((LogShown((Shown(0, b"\0"),), (), b"\0"),))


@pytest.mark.parametrize("cut", range(1, 80))
def test_what_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(BadEvidence):
        Bundle.parse(BUNDLE.to_bytes()[:-cut])


def test_endless_input_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FILE_BYTES_MAX", len(BUNDLE.to_bytes()) - 1)
    with pytest.raises(BadEvidence, match="too long"):
        Bundle.parse(BUNDLE.to_bytes())


@pytest.mark.parametrize(("name", "value"), [("ENTRIES_MAX", 3), ("LOGS_MAX", 1), ("MANIFESTS_MAX", 1)])
def test_more_than_a_bundle_holds_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    monkeypatch.setattr(evidence, name, value)
    with pytest.raises(BadEvidence):
        Bundle.parse(BUNDLE.to_bytes())


words = st.sampled_from(["entry 0", "entry 1", "part 0", "key 0", "hash", "note", "manifest", "end", ""])
noise = st.binary(max_size=200) | st.lists(st.tuples(words, st.binary(max_size=40)), max_size=8).map(
    lambda lines: b"scm-evidence/1\n" + b"".join(word.encode() + b" " + rest + b"\n" for word, rest in lines)
)


@given(noise)
def test_noise_is_refused_and_nothing_else_happens(data: bytes) -> None:
    for each in (data, resealed(data + b"end x\n")):
        try:
            Bundle.parse(each)
        except Untrusted:
            continue
