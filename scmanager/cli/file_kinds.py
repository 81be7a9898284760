"""What a file is by its beginning, so that whoever names the wrong one is told which command it is for."""

from pathlib import Path
from typing import Final

from scmanager.adapters.backup_file import HEADER_BYTES_MAX, is_backup
from scmanager.errors import Refused
from scmanager.eventstore.evidence import HEADER as EVIDENCE
from scmanager.master_ledger.proof import HEADER as PROOF

SPACE: Final = "a space file"
BUNDLE: Final = "an evidence bundle"
CERTIFICATE: Final = "the certificate of an erasure"

_BEGINNINGS: Final = {
    EVIDENCE.encode() + b"\n": BUNDLE,
    PROOF.encode() + b"\n": "the proof of one entry",
    b'{"format":"scm-space/1"': SPACE,
    b'{"format":"scm-erasure-certificate/1"': CERTIFICATE,
    b'{"format":"scm-': "a file for another machine",
    b"PK\x03\x04": "an archive, such as an export",
}


class OtherFile(Refused):
    """{path} is {found}. Needed here: {wanted}."""

    code = "audit-other-file"
    hint = (
        "scm audit verify is for folders and space files, scm audit check for evidence bundles, scm verify erasure "
        "for certificates, verify_bundle.py for proofs. scm audit replay --from reads exports, scm restore backups."
    )


def kind_of_file(path: Path) -> str:
    """What it claims to be; empty where that cannot be told."""
    try:
        with path.open("rb") as file:
            beginning = file.read(HEADER_BYTES_MAX)
    except OSError:
        return ""  # Whoever reads it next says so.
    if is_backup(beginning):
        return "a backup"
    return next((kind for start, kind in _BEGINNINGS.items() if beginning.startswith(start)), "")


def check_kind(path: Path, wanted: str) -> None:
    """Raises OtherFile for what claims to be something else."""
    if (found := kind_of_file(path)) and found != wanted:
        raise OtherFile(path=str(path), found=found, wanted=wanted)
