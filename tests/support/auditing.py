"""A node's audit trail as a process application, and a program that runs it until somebody kills it."""

import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import ProcessingEvent

from scmanager.eventstore.originators import Originators, SqliteOriginators
from scmanager.eventstore.originators_postgres import PostgresOriginators
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.processes import NodeProcess, Said
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Store
from tests.support.library import recorder_on

TRAIL = UUID(int=0xA0D17)
ESCALATIONS = UUID(int=0xE5CA1)
REFUSED = "permission.refused/1"
NOTED = "audit.noted/1"
ESCALATED = "policy.escalated/1"
PATIENCE = 3


class AuditTrail(NodeProcess):
    """Notes every refused permission, and escalates every third refusal of the same member."""

    topics = (REFUSED,)

    def policy(self, said: Said, processing: ProcessingEvent[Any]) -> None:
        refusal = json.loads(said.payload)
        noted = {"member": refusal["member"], "n": refusal["n"]}
        self.say(processing, TRAIL, NOTED, json.dumps(noted, separators=(",", ":")).encode())
        if said.originator_version % PATIENCE == 0:
            payload = json.dumps({"times": said.originator_version}, separators=(",", ":")).encode()
            self.say(processing, ESCALATIONS, ESCALATED, payload)


def opened(place: str) -> tuple[Store, Originators]:
    """A store with its private tables: a file, or a database by its connection string."""
    if "dbname=" in place:
        shared = PostgresStore(place)
        return shared, PostgresOriginators(shared)
    store = SqliteStore(Path(place))
    return store, SqliteOriginators(store)


def main() -> None:
    """Process what is there, saying so after each event; then wait to be killed."""
    trail = AuditTrail(recorder_on(*opened(sys.argv[1])))
    record = trail._record

    def tell(processing: ProcessingEvent[Any]) -> Any:
        recordings = record(processing)
        print(recordings[0].notification.originator_version, flush=True)
        return recordings

    trail._record = tell  # type: ignore[method-assign]  # the parent wants to know how far we are
    trail.catch_up()
    print("done", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
