"""What issuing tells: which key has no role, why a head ends nothing, how many signatures a manifest still lacks."""

import pytest

from scmanager.domain.ledger import Final, KeysPublished, LedgerLog, LogKind, Retired, Upto
from scmanager.errors import ScManagerError
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.policy import Vkey
from scmanager.master_ledger.statement import manifest_hash
from tests.golden.logs import key_of, some
from tests.support.ledger import (
    LATER_RELEASE,
    NOW_S,
    POLICY,
    RELEASE,
    ROOTS,
    WITNESSES,
    Server,
    first_manifest,
    signed,
    update,
)

SERVER, REPORTS = Server(), Server("reports", kind=LogKind.INTAKE)
FIRST = first_manifest(SERVER, REPORTS)
OLD = FIRST.statement
NEW_ROOT = key_of("new root")
HEAD = Final(1, SERVER.head().root)


def told(error: pytest.ExceptionInfo[ScManagerError]) -> str:
    return str(error.value)


def test_a_revocation_follows_the_manifest_it_was_made_from() -> None:
    later = NOW_S + 5
    root = issuing.revocation(OLD, ROOTS[2].public, {}, later, NEW_ROOT.public)
    assert (root.n, root.prev, root.signed_at, root.root.m) == (2, manifest_hash(OLD), later, OLD.root.m)
    assert root.root.keys == tuple(sorted((ROOTS[0].public, ROOTS[1].public, NEW_ROOT.public)))
    assert (root.release, root.logs, root.retired) == (OLD.release, OLD.logs, ())
    left = issuing.revocation(OLD, ROOTS[2].public, {}, later).root.keys
    assert left == tuple(sorted(each.public for each in ROOTS[:2]))
    heads = {SERVER.log.log: HEAD}
    release = issuing.revocation(OLD, RELEASE.public, heads, later, LATER_RELEASE.public)
    assert release.retired == (Retired(RELEASE.public, (Upto(SERVER.log.log, 1),)),)
    assert (release.release.keys, release.root, release.logs) == ((LATER_RELEASE.public,), OLD.root, OLD.logs)
    third = issuing.revocation(release, LATER_RELEASE.public, {}, later, key_of("third").public)
    assert third.retired == (*release.retired, Retired(LATER_RELEASE.public, ()))
    closed = issuing.revocation(OLD, SERVER.key.public, heads, later)
    assert [each.final for each in closed.logs] == [HEAD, None]
    assert [each.log for each in closed.logs] == [each.log for each in OLD.logs]
    assert (closed.n, closed.prev, closed.signed_at) == (2, manifest_hash(OLD), later)
    assert (closed.root, closed.release, closed.retired) == (OLD.root, OLD.release, ())


def test_what_follows_has_what_was_given_and_all_else_as_it_was() -> None:
    other, later = Server("other").log, NOW_S + 5
    made = issuing.following(OLD, later, logs=[other])
    assert (made.n, made.prev, made.signed_at) == (2, manifest_hash(OLD), later)
    assert made.logs == (*OLD.logs, other)
    assert (made.root, made.release, made.retired) == (OLD.root, OLD.release, OLD.retired)
    both = issuing.quorum(1, [RELEASE.public, LATER_RELEASE.public])
    assert issuing.following(OLD, later, release=both).release == both


@pytest.mark.parametrize(
    ("key", "heads", "said"),
    [
        (some("nobody"), {}, f"Key {some('nobody').hex()} has no role in manifest 1."),
        (SERVER.key.public, {}, "A log is closed at a head of its own, and none was given."),
        (
            SERVER.key.public,
            {REPORTS.log.log: HEAD},
            "This head cannot end a key's word: a log is closed at a head of its own, and at that alone.",
        ),
        (
            SERVER.key.public,
            {SERVER.log.log: HEAD, REPORTS.log.log: HEAD},
            "This head cannot end a key's word: a log is closed at a head of its own, and at that alone.",
        ),
        (
            RELEASE.public,
            {REPORTS.log.log: HEAD},
            "This head cannot end a key's word: it is of a log of reports, where no release key signs anything.",
        ),
    ],
)
def test_why_a_revocation_cannot_be_made_is_told(key: bytes, heads: dict[bytes, Final], said: str) -> None:
    with pytest.raises(ScManagerError) as error:
        issuing.revocation(OLD, key, heads, NOW_S, LATER_RELEASE.public if key == RELEASE.public else None)
    assert told(error) == said


def test_a_head_is_of_a_listed_log_signed_and_cosigned() -> None:
    assert issuing.head_of(OLD, REPORTS.note(), POLICY, NOW_S) == (REPORTS.log.log, Final(1, REPORTS.head().root))
    with pytest.raises(issuing.HeadUnusable) as error:
        issuing.head_of(OLD, Server("stranger").note(), POLICY, NOW_S)
    assert told(error) == "This head cannot end a key's word: it is of no log of this ledger."
    with pytest.raises(issuing.HeadUnusable) as error:
        issuing.head_of(OLD, SERVER.note(witnesses=WITNESSES[:1]), POLICY, NOW_S)
    assert told(error) == "This head cannot end a key's word: its witnesses are no quorum of the policy."
    with pytest.raises(issuing.HeadUnusable):
        issuing.head_of(OLD, SERVER.note(at_s=NOW_S + 1), POLICY, NOW_S)  # Cosigned later than may be.


def test_a_log_is_read_from_the_line_that_its_server_prints() -> None:
    line = issuing.vkey_of(SERVER.log, SERVER.origin)
    assert line == Vkey(SERVER.origin, 1, SERVER.key.public).text()
    for kind in LogKind:
        found = LedgerLog(SERVER.log.space, SERVER.log.log, SERVER.key.public, kind, None)
        assert issuing.log_of(line, kind) == found
    with pytest.raises(submission.StatementUnusable) as error:
        issuing.log_of(Vkey(SERVER.origin, 4, SERVER.key.public).text(), LogKind.LEDGER)
    assert told(error).endswith("this key signs no checkpoints.")


def test_who_is_asked_to_sign_what() -> None:
    roots = issuing.quorum(2, [ROOTS[0].public, ROOTS[1].public, NEW_ROOT.public])
    made = issuing.following(OLD, NOW_S, root=roots)
    issuing.check_roots(OLD, made, [ROOTS[2].public, NEW_ROOT.public])  # The old ones and the new ones.
    issuing.check_roots(None, OLD, [each.public for each in ROOTS])
    for old, new, key, n in ((None, made, ROOTS[2], 2), (OLD, made, RELEASE, 2), (None, OLD, NEW_ROOT, 1)):
        with pytest.raises(issuing.KeyWithoutRole) as error:
            issuing.check_roots(old, new, [ROOTS[0].public, key.public])
        assert told(error) == f"Key {key.public.hex()} has no role in manifest {n}."
    issuing.check_releases(OLD, [RELEASE.public])
    with pytest.raises(issuing.KeyWithoutRole) as error:
        issuing.check_releases(OLD, [RELEASE.public, ROOTS[0].public])
    assert told(error) == f"Key {ROOTS[0].public.hex()} has no role in manifest 1."


def test_how_many_signatures_lack_is_the_most_of_both_manifests() -> None:
    fresh = [key_of(f"fresh {n}") for n in range(3)]
    made = issuing.following(OLD, NOW_S, root=issuing.quorum(3, [each.public for each in fresh]))
    for old, new, lacking in ((0, 0, 3), (2, 0, 3), (2, 2, 1), (0, 3, 2), (1, 3, 1), (2, 3, 0), (3, 3, 0)):
        submitted = submission.make(made, [*ROOTS[:old], *fresh[:new]])
        assert isinstance(submitted, KeysPublished)
        assert issuing.missing(OLD, submitted) == lacking
        assert issuing.missing(None, submitted) == 3 - new
    said = submission.make(update(manifest_hash(OLD)), [RELEASE])
    for quorum, lacking in ((OLD.release, 0), (issuing.quorum(2, [RELEASE.public, NEW_ROOT.public]), 1), (None, 0)):
        assert issuing.missing(OLD, said, quorum) == lacking
    assert issuing.missing(OLD, FIRST) == 0
    assert issuing.missing(OLD, signed(OLD, ROOTS[0])) == 1
