"""Submissions: statements on their way to the ledger, from keeper to keeper, from the offline machine to the server.

A file of JSON Lines, each `{"type": ..., "payload": ...}` as both will stand in part 0 of an entry. The key manifests
so far are such a file as well, oldest first. Nothing here says that a statement counts: `manifest` and `verification`
do.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from scmanager.domain.ledger import KeysPublished, PluginSigned, Quorum, Signed, UpdateSigned
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore import content
from scmanager.eventstore.entry import SHARED_BYTES_MAX, encode_json
from scmanager.eventstore.signing import SigningKey, verify
from scmanager.master_ledger.statement import Statement, flaw_of, message

FILE_BYTES_MAX: Final = 4 << 20
SIGNATURES_MAX: Final = 64

Submission = KeysPublished | UpdateSigned | PluginSigned

_KINDS: Final[Mapping[str, type[Submission]]] = MappingProxyType(
    {kind.tag: kind for kind in (KeysPublished, UpdateSigned, PluginSigned)}
)


class BadSubmission(Untrusted):
    """This is no statement for the ledger: {reason}."""

    code = "bad-submission"
    hint = "It was damaged on its way or made by a faulty program. Have its author sign it again."


class StatementUnusable(Refused):
    """This cannot be signed: {why}."""

    code = "statement-unusable"
    hint = "Correct what is named and repeat the command."


class SignatureForged(Untrusted):
    """A signature under this {what} claims to be of key {key} and is not."""

    code = "signature-forged"
    hint = "Do not use it, and ask whoever sent it for the original."


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    payload: msgspec.Raw


_line = msgspec.json.Decoder(_Line)


def make(statement: Statement, signers: Sequence[SigningKey]) -> Submission:
    """The statement with the signatures of these keys. Raises StatementUnusable."""
    try:  # The types of its fields, which its constructor does not look at.
        msgspec.json.decode(encode_json(statement), type=type(statement))
    except msgspec.ValidationError as error:
        raise StatementUnusable(why=str(error)) from error
    if flaw := flaw_of(statement):
        raise StatementUnusable(why=flaw)
    kind = next(each for each in _KINDS.values() if each.__annotations__["statement"] is type(statement))
    return sign(kind(statement, ()), signers)  # type: ignore[arg-type]  # the kind is the one with this statement


def sign(submission: Submission, signers: Sequence[SigningKey]) -> Submission:
    """The same with these signatures too. Signing twice changes nothing. Raises StatementUnusable beyond 64."""
    said = message(submission.statement)
    rows = {each.key: each for each in submission.signatures}
    rows |= {key.public: Signed(key.public, key.sign(said)) for key in signers}
    if len(rows) > SIGNATURES_MAX:
        raise StatementUnusable(why=f"it would have more than {SIGNATURES_MAX} signatures")
    return msgspec.structs.replace(submission, signatures=tuple(rows[key] for key in sorted(rows)))


def encode(submissions: Sequence[Submission]) -> bytes:
    """The file."""
    lines = (_Line(each.tag, msgspec.Raw(encode_json(each))) for each in submissions)
    return b"".join(encode_json(line) + b"\n" for line in lines)


def parse(data: bytes) -> tuple[Submission, ...]:
    """The submissions in a file, at least one. Raises BadSubmission and nothing else; verifies no signature."""
    if len(data) > FILE_BYTES_MAX:
        raise BadSubmission(reason="the file is too long")
    *lines, rest = data.split(b"\n")
    if rest or not lines:
        raise BadSubmission(reason="the file is empty, or its last line does not end")
    return tuple(_parse(line) for line in lines)


def from_part(plain: bytes) -> Submission:
    """What part 0 of an entry says, if it is one of ours. Raises BadSubmission and nothing else."""
    shared = content.read(plain)
    if shared is None:
        raise BadSubmission(reason="the entry's shared part is malformed")
    return _decode(shared.type, bytes(shared.payload))


def signers(submission: Submission, quorum: Quorum) -> frozenset[bytes]:
    """Which keys of the quorum signed it. Lines of other keys are passed over. Raises SignatureForged."""
    said = message(submission.statement)
    mine = [each for each in submission.signatures if each.key in quorum.keys]
    for each in mine:
        if not verify(each.key, said, each.signature):
            raise SignatureForged(what=submission.tag, key=each.key.hex())
    return frozenset(each.key for each in mine)


def _parse(line: bytes) -> Submission:
    if len(line) > SHARED_BYTES_MAX:
        raise BadSubmission(reason="a line is longer than any entry")
    try:
        read = _line.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadSubmission(reason="a line cannot be read") from None
    if encode_json(read) != line:
        raise BadSubmission(reason="a line is spelled in another way")
    return _decode(read.type, bytes(read.payload))


def _decode(tag: str, payload: bytes) -> Submission:
    kind = _KINDS.get(tag)
    if kind is None:
        raise BadSubmission(reason="it is of a type that the ledger does not know")
    try:
        read = msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadSubmission(reason=f"its fields are not those of {tag}") from None
    if encode_json(read) != payload:
        raise BadSubmission(reason="it is spelled in another way")
    keys = tuple(each.key for each in read.signatures)
    if tuple(sorted(set(keys))) != keys:
        raise BadSubmission(reason="its signatures are not one a key and in order")
    if flaw := flaw_of(read.statement):
        raise BadSubmission(reason=flaw)
    return read
