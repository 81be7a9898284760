"""The author's keys, on machines without a network: make them, publish them, end the word of one (ADR 18).

keepers:    scm author keygen root -o root-1.key (each his own); one of them: scm author keygen release -o rel.key
the author: scm author manifest --root ... --root ... --release ... --log ... --key root-1.key -o author-keys.jsonl
keepers:    scm author countersign author-keys.jsonl --key root-2.key -o author-keys-signed.jsonl
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from scmanager.adapters import author_key
from scmanager.adapters.author_key import Role, write_author_key
from scmanager.adapters.space_file import read_bytes
from scmanager.adapters.trust_files import read_trust
from scmanager.adapters.wrapping import PassphraseProtection
from scmanager.cli import author_files as files
from scmanager.cli.author_files import KeyOption, PolicyOption
from scmanager.cli.output import JsonFlag, remark, say, say_json, say_result
from scmanager.cli.session import ask_passphrase, session_of
from scmanager.cli.spaces import OutOption
from scmanager.cli.targets import check_target
from scmanager.domain.ledger import Final, KeyManifest, KeysPublished, LedgerLog, LogKind, Retired
from scmanager.errors import Conflict, Refused
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX
from scmanager.eventstore.merkle import EMPTY_ROOT
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import issuing, manifest, submission
from scmanager.master_ledger.manifest import DoesNotFollow, TrustedKeys
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.submission import Submission

COUNTERSIGN = "The keepers of the other keys sign it next: scm author countersign {file} --key KEY -o SIGNED"
SIGNED = f"Enough have signed. {files.APPEND}"
BEGUN = f"{files.APPEND}. Publish the ledger's id: everybody goes by it."
FOLLOWS = f"{files.APPEND}, and publish. It takes the place of the file so far wherever that one is kept."
CLOSES = (
    "It closes a log. If that is the one which the author writes, this cannot be entered there: he begins a further"
    ' one first (docs/manual-author.md, "A further log").'
)
AfterOption = Annotated[Path, typer.Option("--after", metavar="FILE", help="The key manifests so far, oldest first.")]


class LogListed(Conflict):
    """Key manifest {n} lists the log {log} already."""

    code = "log-listed"
    hint = "Leave it out. Where it was closed it stays so: what is written from now on needs a new log."


NOTHING = Final(0, EMPTY_ROOT)
"""The end of a log of which no entry counts."""


class HeadOrNothing(Refused):
    """A log is closed at its head, or before its first entry: not both."""

    code = "head-or-nothing"
    hint = "Give --head where what was entered up to there counts. With --nothing-counts nothing in it ever counts."


class NothingWouldCount(Refused):
    """No update or plugin that this key ever signed would count any more in log {logs}."""

    code = "nothing-would-count"
    hint = "Give the last witnessed checkpoint of each log: --head FILE. If it is meant so: --nothing-counts."


class HeadPolicyMissing(Refused):
    """Which witnesses have to have cosigned a head of this ledger is not known here."""

    code = "head-policy-missing"
    hint = (
        "Give --policy FILE, or have SCM_TRUST name the folder with that of this ledger. Where nobody witnesses it:"
        " --unwitnessed, and look that the head is the right one."
    )


def keygen(
    role: Annotated[Role, typer.Argument(metavar="root|release|server", help="What the key is for.")],
    output: OutOption,
    plain: Annotated[
        bool, typer.Option("--plain", help="Without a passphrase: 64 bytes, secret half then public half.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a key of the author, sealed under a passphrase. The log's key is made by its server, never here."""
    check_target(output)
    key = SigningKey.generate()
    write_author_key(output, role, key, None if plain else PassphraseProtection(ask_passphrase(twice=True)))
    say_result({"file": str(output), "role": role, "public": key.public.hex()}, as_json=as_json)
    if role == "server":
        remark("It belongs on the server. Next, where the ledger is written: scm author name-server KEY.")
    else:
        remark("Keep a copy elsewhere, and neither on a machine with a network.")


def publish(
    output: OutOption,
    after: Annotated[
        Path | None,
        typer.Option("--after", metavar="FILE", help="The key manifests so far, oldest first; none: begin a ledger."),
    ] = None,
    root: Annotated[
        list[str] | None,
        typer.Option("--root", metavar="KEY", help="A root key (public half); all of them. Else as they were."),
    ] = None,
    roots_needed: files.RootsNeededOption = None,
    release: Annotated[
        list[str] | None,
        typer.Option("--release", metavar="KEY", help="A release key (public half); all of them. Else as they were."),
    ] = None,
    releases_needed: Annotated[
        int, typer.Option("--releases-needed", metavar="M", help="How many release keys sign together.")
    ] = 1,
    log: Annotated[
        list[str] | None,
        typer.Option("--log", metavar="KEY", help="A further log, as scm author log prints its key."),
    ] = None,
    intake: Annotated[
        list[str] | None,
        typer.Option("--intake", metavar="KEY", help="A log that takes reports, as scm author intake-log prints it."),
    ] = None,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the next key manifest: which keys are the author's from then on. The file holds those before it too."""
    check_target(output)
    so_far = files.read_submissions(after) if after else ()
    roots = [files.public_key(each) for each in root or ()]
    releases = [files.public_key(each) for each in release or ()]
    root_quorum = issuing.quorum(roots_needed or len(roots) // 2 + 1, roots) if roots else None
    release_quorum = issuing.quorum(releases_needed, releases) if releases else None
    logs = [issuing.log_of(each, LogKind.LEDGER) for each in log or ()]
    logs += [issuing.log_of(each, LogKind.INTAKE) for each in intake or ()]
    if so_far:
        old = _trusted(so_far).manifest
        if listed := {each.log for each in old.logs} & {each.log for each in logs}:
            raise LogListed(log=listed.pop().hex()[:16], n=old.n)
        made = issuing.following(old, files.now_s(), root_quorum, release_quorum, logs)
    else:
        given = root_quorum or issuing.quorum(1, ()), release_quorum or issuing.quorum(1, ())
        made = issuing.first(*given, logs, files.now_s())
    _write(output, so_far, made, key, as_json=as_json)


def revoke(
    context: typer.Context,
    revoked: Annotated[str, typer.Argument(metavar="KEY", help="Its public half: a root, release or log key.")],
    after: AfterOption,
    output: OutOption,
    head: Annotated[
        list[Path] | None,
        typer.Option("--head", metavar="FILE", help="The last witnessed checkpoint of a log: up to there it counts."),
    ] = None,
    policy: PolicyOption = None,
    unwitnessed: Annotated[
        bool, typer.Option("--unwitnessed", help="Take heads that the log alone has signed; no policy is known.")
    ] = False,
    nothing_counts: Annotated[
        bool,
        typer.Option("--nothing-counts", help="Nothing that a release key signed; of a log key: nothing in its log."),
    ] = False,
    instead: Annotated[
        str | None, typer.Option("--instead", metavar="KEY", help="Takes the place of a root or release key.")
    ] = None,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the next key manifest, in which a lost or stolen key has no word any more.

    What a release key signed counts up to the --head of each log; without one nothing does, and --nothing-counts says
    so. A log is closed at its own head. Heads have to be cosigned: by --policy, else by what this machine goes by;
    where neither is there, a head is taken with --unwitnessed.
    """
    check_target(output)
    so_far = files.read_submissions(after)
    trusted = _trusted(so_far)
    old = trusted.manifest
    until_s = files.now_s()
    read = _head_policy(context, so_far, policy, unwitnessed=unwitnessed) if head else None
    notes = [read_bytes(path, NOTE_BYTES_MAX) for path in head or ()]
    heads = dict(issuing.head_of(old, note, read, until_s) for note in notes)
    other = files.public_key(instead) if instead else None
    retired = files.public_key(revoked)
    statements = [each.log for each in trusted.ledger_logs() if each.final != NOTHING]
    lacking = [each for each in statements if each not in heads] if retired in old.release.keys else []
    void = {each.log: NOTHING for each in old.logs if each.key == retired} if nothing_counts else {}
    if void and heads:
        raise HeadOrNothing
    heads |= void
    if lacking and not nothing_counts:
        raise NothingWouldCount(logs=", ".join(map(bytes.hex, lacking)))
    made = issuing.revocation(old, retired, heads, until_s, other)
    if notes and (read is None or read.quorum is None):
        sizes = ", ".join(str(each.size) for each in heads.values())
        remark(f"No witness vouches for the head ({sizes} entries): whoever has the log's key may have chosen it.")
    if lacking:
        remark(f"Nothing that it ever signed counts any more in log {', '.join(map(bytes.hex, lacking))}.")
    if void:
        remark(f"Nothing that was ever entered counts any more in log {', '.join(map(bytes.hex, void))}.")
    _write(output, so_far, made, key, as_json=as_json)


def countersign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Key manifests, or a signed update or plugin.")],
    output: OutOption,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign the newest statement of a file too. Look at it first: scm author show FILE."""
    check_target(output)
    *before, last = files.read_submissions(file)
    if isinstance(last, KeysPublished):
        old = _before(before, last.statement)
        keys = files.open_keys(key, "root")
        issuing.check_roots(old, last.statement, [each.public for each in keys])
    else:
        old, keys = None, files.open_keys(key, "release")
    signed = submission.sign(last, keys)
    files.write_submissions(output, (*before, signed))
    lacking = issuing.missing(old, signed)
    say_result({"file": str(output), "signatures": len(signed.signatures), "missing": lacking}, as_json=as_json)
    _say_next(old, signed, SIGNED, output, lacking=lacking)


def show(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Key manifests, a signed update or plugin, or a key file.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Say what a file of the author holds, keys in full, and which signatures its statements have.

    Of a key file the public half; no passphrase is asked for, so that a sealed one is taken at its word.
    """
    data = read_bytes(file, submission.FILE_BYTES_MAX)
    if (told_of := author_key.told_of(data)) is not None:
        role, public = told_of
        say_result({"role": role or "not said: a plain key", "public": public.hex()}, as_json=as_json)
        return
    read = submission.parse(data)
    if as_json:
        say_json([_row(each) | {"signed_by": [one.key for one in each.signatures]} for each in read])
        return
    for each in read:
        told = _row(each) | (_told(each.statement) if isinstance(each.statement, KeyManifest) else {})
        for name, value in (told | {"signed_by": [one.key for one in each.signatures]}).items():
            words = " ".join(one.hex() if isinstance(one, bytes) else str(one) for one in _each(value))
            say(f"{name.ljust(22)}  {words or 'none'}")
        say("")


def _write(
    output: Path, so_far: tuple[Submission, ...], made: KeyManifest, key: list[Path] | None, *, as_json: bool
) -> None:
    keys = files.open_keys(key, "root")
    old = _before(so_far, made)
    issuing.check_roots(old, made, [each.public for each in keys])
    signed = submission.make(made, keys)
    everything = (*so_far, signed)
    files.write_submissions(output, everything)
    lacking = issuing.missing(old, signed)
    ledger = manifest_hash(_first(everything).statement)
    say_result({"file": str(output), "ledger": ledger.hex(), "manifest": made.n, "missing": lacking}, as_json=as_json)
    _say_next(old, signed, FOLLOWS if so_far else BEGUN, output, lacking=lacking)


def _say_next(old: KeyManifest | None, signed: Submission, enough: str, output: Path, *, lacking: int) -> None:
    """What is done with a file; `enough` is what is said once no signature lacks."""
    remark((COUNTERSIGN if lacking else enough).format(file=output.name))
    if not lacking and old and isinstance(new := signed.statement, KeyManifest):
        open_before = {each.log for each in old.logs if each.final is None and each.kind is LogKind.LEDGER}
        if any(each.final is not None and each.log in open_before for each in new.logs):
            remark(CLOSES)


def _head_policy(
    context: typer.Context, so_far: tuple[Submission, ...], given: Path | None, *, unwitnessed: bool
) -> Policy | None:
    """The one in this file, or in the folder which SCM_TRUST names, if it is of this ledger; None: nobody is needed.

    Raises HeadPolicyMissing, FileUnreadable, BadPolicy, and as `read_trust`.
    """
    if (read := files.read_policy(given)) is not None:
        return read
    trust = read_trust(session_of(context).settings.trust)
    if trust.ledger == manifest_hash(_first(so_far).statement):
        return trust.policy
    if not unwitnessed:
        raise HeadPolicyMissing
    return None


def _trusted(so_far: tuple[Submission, ...] | list[Submission]) -> TrustedKeys:
    """As they are: whose ledger it is, the author knows. Raises as `manifest.walk`."""
    return manifest.walk(manifest_hash(_first(so_far).statement), so_far)


def _before(so_far: tuple[Submission, ...] | list[Submission], new: KeyManifest) -> KeyManifest | None:
    """The one before; None before the first. Raises as `manifest.walk`, and DoesNotFollow if this may not be next."""
    if not so_far:
        return None
    keys = _trusted(so_far)
    keys.check_follows(new)
    return keys.manifest


def _first(submissions: tuple[Submission, ...] | list[Submission]) -> KeysPublished:
    if not isinstance(submissions[0], KeysPublished):
        raise DoesNotFollow(n=1, reason="it is no key manifest")
    return submissions[0]


def _log(log: LedgerLog) -> str:
    reports = " for reports" if log.kind is LogKind.INTAKE else ""
    return f"{log.log.hex()}{reports} signed by {log.key.hex()}{f' closed at {log.final.size}' if log.final else ''}"


def _retired(old: Retired) -> str:
    rows = (f"up to {row.size} of {row.log.hex()}" for row in old.upto)
    return f"{old.key.hex()} {' '.join(rows) or 'nowhere'}"


def _row(each: Submission) -> dict[str, object]:
    statement = each.statement
    row: dict[str, object] = {"type": each.tag}
    if isinstance(statement, KeyManifest):
        row |= {"manifest": statement.n, "hash": manifest_hash(statement)}
        fields = {name: getattr(statement, name) for name in ("root", "release", "logs", "retired")}
        row |= msgspec.to_builtins(fields, builtin_types=(bytes,))
    else:
        row |= {name: getattr(statement, name) for name in statement.__struct_fields__}
    return row


def _told(keys: KeyManifest) -> dict[str, object]:
    """The same in words."""
    return {
        "root": f"{keys.root.m} of {' '.join(map(bytes.hex, keys.root.keys))}",
        "release": f"{keys.release.m} of {' '.join(map(bytes.hex, keys.release.keys))}",
        "logs": ", ".join(map(_log, keys.logs)),
        "retired": ", ".join(map(_retired, keys.retired)),
    }


def _each(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else (value,)
