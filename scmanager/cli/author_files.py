"""What the author's commands read and write: key files, submissions, heads, artefacts. None of it needs a network."""

import hashlib
import time
from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters import author_key
from scmanager.adapters.author_key import Role
from scmanager.adapters.private_files import write_private
from scmanager.adapters.space_file import FileUnreadable, read_bytes
from scmanager.adapters.wrapping import PassphraseProtection
from scmanager.cli.output import progress, remark
from scmanager.cli.session import ask_passphrase
from scmanager.domain.ledger import Quorum
from scmanager.errors import Refused
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger import policy as policies
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.submission import Submission
from scmanager.master_ledger.verification import Artefact

PIECE_BYTES = 1 << 20
APPEND = "Next, where the ledger is written: scm author append {file}"
ENTERED = "Next: scm author publish DIR --policy FILE; where nobody witnesses the ledger, without --policy."
ALL_THERE = "All of it stood there already: nothing was entered."

KeyOption = Annotated[
    list[Path] | None,
    typer.Option("--key", metavar="FILE", help="A key file to sign with; may be given several times."),
]
ManifestsOption = Annotated[
    Path, typer.Option("--manifests", metavar="FILE", help="The key manifests so far, oldest first.")
]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="The witnesses to go by (C2SP tlog-policy).")
]
RootsOption = Annotated[
    list[str], typer.Option("--root", metavar="KEY", help="A root key (public half); all of them.")
]
RootsNeededOption = Annotated[
    int | None, typer.Option("--roots-needed", metavar="M", help="How many of them; else just over half.")
]


class PublicKeyMistyped(Refused):
    """{typed} is no public key."""

    code = "public-key-mistyped"
    hint = "It is what scm author keygen printed: 64 hex digits."


class LedgerMistyped(Refused):
    """{typed} is no ledger's id."""

    code = "ledger-mistyped"
    hint = "It is what scm author manifest printed, and what the author publishes: 64 hex digits."


def now_s() -> int:
    """This machine's clock, UTC seconds."""
    return int(time.time())


def public_key(typed: str) -> bytes:
    """32 bytes in hex. Raises PublicKeyMistyped."""
    read = _hex32(typed)
    if read is None:
        raise PublicKeyMistyped(typed=typed)
    return read


def quorum_of(roots: list[str], needed: int | None) -> Quorum:
    """Of a new log: so many of these root keys, as they were typed; just over half if nothing was said."""
    keys = [public_key(each) for each in roots]
    return issuing.quorum(len(keys) // 2 + 1 if needed is None else needed, keys)


def ledger_id(typed: str) -> bytes:
    """32 bytes in hex. Raises LedgerMistyped."""
    read = _hex32(typed)
    if read is None:
        raise LedgerMistyped(typed=typed)
    return read


def _hex32(typed: str) -> bytes | None:
    try:
        read = bytes.fromhex(typed)
    except ValueError:
        return None
    return read if len(read) == 32 else None


def open_keys(paths: list[Path] | None, role: Role) -> list[SigningKey]:
    """The keys in these files; the passphrase of each sealed one is asked for. Raises as `open_author_key`."""
    keys = []
    for path in paths or ():
        raw = author_key.read_author_key(path)
        protection = None
        if author_key.is_sealed(raw):
            author_key.parse_sealed(raw)  # What is no key file is told before anything is asked.
            remark(f"The key in {path.name}:")
            protection = PassphraseProtection(ask_passphrase())
        keys.append(author_key.open_author_key(raw, role, protection))
    return keys


def read_submissions(path: Path) -> tuple[Submission, ...]:
    """Raises FileUnreadable, BadSubmission."""
    return submission.parse(read_bytes(path, submission.FILE_BYTES_MAX))


def read_policy(path: Path | None) -> Policy | None:
    """Raises FileUnreadable, BadPolicy."""
    return policies.parse(read_bytes(path, policies.FILE_BYTES_MAX)) if path else None


def write_submissions(path: Path, submissions: tuple[Submission, ...]) -> None:
    """Raises PrivateFileExists, PrivateFileFailed."""
    write_private(path, submission.encode(submissions), replace=False)


def artefact_of(path: Path) -> Artefact:
    """A file's hash and size, of any size. Raises FileUnreadable."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file, progress(f"Reading {path.name}", path.stat().st_size, in_bytes=True) as advance:
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
                size += len(piece)
                advance(len(piece))
    except OSError as error:
        raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from error
    return Artefact(digest.digest(), size)
