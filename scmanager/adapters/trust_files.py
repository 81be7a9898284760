"""What an installation trusts from the day it is built: the ledger's id, its first key manifests, a policy.

Three files in a folder. One comes with the program (`trust/`); whoever builds for another author replaces it, and
whoever runs it names another one (SCM_TRUST). All of it is checked when it is read: manifests against the id.
"""

from importlib.resources import files
from pathlib import Path

import msgspec

from scmanager.adapters.space_file import read_bytes
from scmanager.errors import Misconfigured, Untrusted
from scmanager.master_ledger import manifest, policy, submission
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.submission import Submission

LEDGER_FILE, MANIFESTS_FILE, POLICY_FILE = "ledger-id", "author-keys.jsonl", "witnesses.policy"
ID_BYTES = 32


class TrustUnusable(Misconfigured):
    """The folder {folder} does not say whom to trust: {reason}."""

    code = "trust-unusable"
    hint = (
        f"It holds {LEDGER_FILE} (64 hex digits), {MANIFESTS_FILE} and {POLICY_FILE}, as the author publishes them."
        " Without SCM_TRUST what came with the program counts."
    )


class Trust(msgspec.Struct, frozen=True):
    """Where trust begins."""

    ledger: bytes
    """The ledger's id, 32 bytes."""
    manifests: tuple[Submission, ...]
    policy: Policy


def read_trust(folder: Path | None = None) -> Trust:
    """From this folder, else what came with the program. Raises TrustUnusable, FileUnreadable."""
    place = folder or Path(str(files("scmanager.adapters").joinpath("trust")))
    lacking = [name for name in (LEDGER_FILE, MANIFESTS_FILE, POLICY_FILE) if not (place / name).exists()]
    if lacking:
        raise TrustUnusable(folder=str(place), reason=f"there is no {' and no '.join(lacking)}")
    try:
        ledger = _id(read_bytes(place / LEDGER_FILE))
        manifests = submission.parse(read_bytes(place / MANIFESTS_FILE, submission.FILE_BYTES_MAX))
        manifest.walk(ledger, manifests)
        rules = policy.parse(read_bytes(place / POLICY_FILE, policy.FILE_BYTES_MAX))
    except (ValueError, Untrusted) as error:
        raise TrustUnusable(folder=str(place), reason=str(error).rstrip(".")) from error
    return Trust(ledger, manifests, rules)


def _id(data: bytes) -> bytes:
    """Raises ValueError."""
    text = data.strip()
    if len(text) != 2 * ID_BYTES or not {*text} <= {*b"0123456789abcdefABCDEF"}:
        raise ValueError(f"{LEDGER_FILE} is not 64 hex digits")
    return bytes.fromhex(text.decode("ascii"))
