"""An author's server that takes reports: its folder, the keepers who list its log, and the real thing over HTTP."""

import contextlib
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from scmanager.adapters.identity import Identity, create_identity, open_identity
from scmanager.adapters.ledger_source import SERVED, from_folder
from scmanager.adapters.private_files import private_folder
from scmanager.adapters.trust_files import LEDGER_FILE, MANIFESTS_FILE, POLICY_FILE
from scmanager.adapters.wrapping import FileProtection
from scmanager.api.author_app import AuthorApp
from scmanager.api.handshake import Identity as Greeting
from scmanager.api.intake_app import IntakeApp, Limits
from scmanager.api.ledger_app import make_ledger_app
from scmanager.api.statistics_app import make_statistics_app
from scmanager.application import reports as kinds
from scmanager.application.delegation import Delegation
from scmanager.application.reports import allows
from scmanager.application.statistics_reports import STATISTICS
from scmanager.author.intake import OwnIntake
from scmanager.author.statistics import OwnStatistics
from scmanager.author.taking import Taking
from scmanager.config import Settings
from scmanager.domain.audit_types import AuditType
from scmanager.domain.consent import consent_hash
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.intake import AuditTaken, BugOpened
from scmanager.domain.ledger import Final, KeysPublished, LedgerLog
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.fetching import MANIFESTS
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.seen import Seen
from scmanager.master_ledger.statement import manifest_hash
from scmanager.runtime import clock_us
from tests.support.app_server import served
from tests.support.ledger import NOW_S, RELEASE, ROOTS, signed
from tests.support.ledger_server import Ledger

KINDS = (*kinds.KINDS, STATISTICS)
CONSENT = consent_hash(Purpose.AUDIT_REPORTS, 1)
ROOT = issuing.quorum(2, [each.public for each in ROOTS])


class Site:
    """The author's machine: a data folder with an identity, an intake log in it, and who lists that log."""

    def __init__(self, folder: Path, dsn: str | None = None) -> None:
        self.folder, self.public = folder, folder / "public"
        self.settings = Settings(folder / "data", folder / "state", port=0, intake_dsn=dsn)
        self.manifests: tuple[KeysPublished, ...] = ()

    def make(self) -> "Site":
        """Begun, and listed."""
        create_identity(private_folder(self.settings.data), FileProtection(private_folder(self.folder / "state")))
        with self.open() as intake:
            self.list(intake.found(ROOT))
        return self

    def identity(self) -> Identity:
        return open_identity(self.settings.data, FileProtection(self.folder / "state"))

    def open(self) -> OwnIntake:
        return OwnIntake(self.settings, self.identity(), clock_us)

    @contextlib.contextmanager
    def open_beside(self) -> Iterator[OwnIntake]:
        """A second process that got round the folder's lock: its database has to stop it."""
        lock = self.settings.data / "intake" / "intake.lock"
        held = lock.rename(lock.with_name("held"))
        try:
            with self.open() as intake:
                yield intake
        finally:
            held.replace(lock)

    def list(self, log: LedgerLog, final: Final | None = None) -> None:
        """The keepers sign the next manifest: with this log, open or closed."""
        if not self.manifests:
            made = issuing.first(ROOT, issuing.quorum(1, [RELEASE.public]), [log], NOW_S)
        else:
            old = self.manifests[-1].statement
            logs = (*(each for each in old.logs if each.log != log.log), replace(log, final=final))
            made = replace(old, n=old.n + 1, prev=manifest_hash(old), logs=logs)
        self.manifests = (*self.manifests, signed(made, *ROOTS[:2]))

    def keep(self) -> None:
        """What the keepers signed, in a file, for another process of this machine."""
        (self.folder / "author-keys.jsonl").write_bytes(submission.encode(self.manifests))

    def remember(self) -> None:
        """What `keep` kept."""
        found = submission.parse((self.folder / "author-keys.jsonl").read_bytes())
        self.manifests = tuple(each for each in found if isinstance(each, KeysPublished))

    def name(self, key: SigningKey, trust: Path) -> Path:
        """Publish a ledger that lists the intake logs and names this key as a server's.

        Returns a folder that makes a machine trust that ledger.
        """
        store = MemoryStore()
        ledger = Ledger(store, self.folder)
        more = issuing.following(ledger.first.statement, NOW_S, logs=self.manifests[-1].statement.logs)
        ledger.keys.append(signed(more, *ROOTS[:2]))
        ledger.say(*ledger.keys)
        ledger.name(key.public, int(time.time()) + 86_400)
        ledger.publish(self.public)
        store.close()
        trust.mkdir(parents=True, exist_ok=True)
        (trust / LEDGER_FILE).write_text(manifest_hash(ledger.first.statement).hex())
        (trust / MANIFESTS_FILE).write_bytes(submission.encode([ledger.first]))
        (trust / POLICY_FILE).write_bytes(b"quorum none\n")
        return trust

    def seen(self) -> Seen:
        return Seen(manifest_hash(self.manifests[0].statement), self.manifests)

    def check(self, intake: OwnIntake) -> Delegation:
        return Delegation(intake.log(), self.seen, time.monotonic)

    @contextlib.contextmanager
    def taking(
        self, opened: Callable[[BugOpened], None] = lambda _: None, policy: Policy | None = None
    ) -> Iterator[Taking]:
        with self.open() as intake:
            beside, check = {MANIFESTS: submission.encode(self.manifests)}, self.check(intake).check
            with Taking(intake, check, self.public / "intake", lambda: beside, opened, policy) as made:
                yield made

    @contextlib.contextmanager
    def serving(self, limits: Limits | None = None, key: SigningKey | None = None) -> Iterator[str]:
        """The address of the real server. `key`: it shakes hands by this one."""
        with (
            self.taking() as taking,
            self.counting(taking) as counted,
            served(self.app(counted, limits, key)) as address,
        ):
            yield address

    def counting(self, taking: Taking, clock: Callable[[], int] = clock_us) -> OwnStatistics:
        intake, public = taking._intake, from_folder(self.public / "intake", SERVED)
        check = self.check(intake).check
        return OwnStatistics(intake, taking.sequencer, check, public, lambda: ("0.1.0", "0.2.0"), clock, self.public)

    def app(self, counted: OwnStatistics, limits: Limits | None = None, key: SigningKey | None = None) -> AuthorApp:
        identity = Greeting(key, lambda: int(time.time()), lambda: secrets.token_bytes(32)) if key else None
        session = identity.channel if identity else None
        reports = IntakeApp(KINDS, counted.submit, allows, time.monotonic, limits, session)
        ledger = make_ledger_app(from_folder(self.public, SERVED), identity)
        intake_log = make_ledger_app(from_folder(self.public / "intake", SERVED), entries=False)
        return AuthorApp(ledger, intake_log, reports, make_statistics_app(counted.proof))


def reported(count: int = 1, **changed: Any) -> tuple[AuditTaken, ...]:
    """So many events as they stand in the log."""
    one = AuditTaken(CONSENT, AuditType.ERROR_REPORTED, NOW_S, bytes(32), bytes([1]) * 32, "0.1.0", 3, "DE")
    return tuple(replace(one, **{"at": NOW_S + n, **changed}) for n in range(count))


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def audit_batch(count: int = 1, number: bytes = b"", **changed: Any) -> dict[str, Any]:
    """The same as they are sent."""
    reports = [
        {
            "type": str(each.type), "at": each.at, "source": base64(each.source), "payload": base64(each.payload),
            "version": each.version, "region": each.region, "count": each.count, **changed,
        }
        for each in reported(count)
    ]  # fmt: skip
    return {"id": base64(number or secrets.token_bytes(16)), "consent": base64(CONSENT), "reports": reports}
