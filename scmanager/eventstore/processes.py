"""Process applications: each follows this node's store and writes what follows from it, exactly once.

An application sees every event as `Said`: tag and payload bytes, whoever wrote it. What its policy collects is
recorded in one commit together with the position of what it has read: killed at any moment, it goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from eventsourcing.application import ProcessingEvent
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    AggregateRecorder,
    InfrastructureFactory,
    Mapper,
    Recording,
    StoredEvent,
    Tracking,
)
from eventsourcing.popo import POPOAggregateRecorder
from eventsourcing.system import ProcessApplication
from eventsourcing.utils import Environment, EnvType

from scmanager.eventstore.recorder import PAGE, TAIL, Recorder


@dataclass(frozen=True)
class Said:
    """One event as a process application reads or writes it."""

    originator_id: UUID | str
    originator_version: int
    tag: str
    payload: bytes
    """JSON, as in part 0."""


class SaidMapper(Mapper[Any]):
    """Tag and payload pass as they are: nothing is imported because of what an event says."""

    def to_stored_event(self, domain_event: DomainEventProtocol[Any]) -> StoredEvent:
        """As the recorder takes it."""
        if not isinstance(domain_event, Said):
            raise TypeError(f"a process application says Said, not {type(domain_event).__name__}")
        said = domain_event
        return StoredEvent(said.originator_id, said.originator_version, said.tag, said.payload)

    def to_domain_event(self, stored_event: StoredEvent) -> Said:
        """As a policy reads it."""
        return Said(
            stored_event.originator_id, stored_event.originator_version, stored_event.topic, stored_event.state
        )


class RecorderFactory(InfrastructureFactory[Recorder]):
    """Gives applications a recorder that exists. Snapshots are a cache and stay in memory."""

    def __init__(self, env: Environment | EnvType | None, recorder: Recorder) -> None:
        super().__init__(env)
        self._recorder = recorder

    def application_recorder(self) -> Recorder:
        """The node's recorder."""
        return self._recorder

    def process_recorder(self) -> Recorder:
        """The node's recorder."""
        return self._recorder

    def tracking_recorder(self, tracking_recorder_class: type[Recorder] | None = None) -> Recorder:  # noqa: ARG002 - one recorder for all
        """The node's recorder."""
        return self._recorder

    def aggregate_recorder(self, purpose: str = "snapshots") -> AggregateRecorder:  # noqa: ARG002 - only snapshots
        """A cache for snapshots."""
        return POPOAggregateRecorder()


class NodeProcess(ProcessApplication[Any]):
    """A process application on the node's own store. Subclasses set `topics` and define `policy`."""

    log_section_size = pull_section_size = PAGE
    topics: Sequence[str] = ()
    """The tags it reads; all of them when empty. Its own must not be among them."""

    def __init__(self, recorder: Recorder) -> None:
        self._given = recorder
        super().__init__()
        self._tail = TAIL + self.name
        self.follow(self._tail, self.notification_log)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """The factory for the recorder it was given."""
        return RecorderFactory(env, self._given)

    def construct_mapper(self) -> SaidMapper:
        """Events as they are."""
        return SaidMapper(self.construct_transcoder())

    @property
    def reached(self) -> int:
        """The newest notification it has recorded that it read; 0 before the first."""
        return self.recorder.max_tracking_id(self._tail) or 0

    def catch_up(self) -> None:
        """Process all that this application has not processed. Harmless at any time."""
        while self.turn(PAGE):
            pass

    def turn(self, most: int) -> bool:
        """Process what stands within the next `most` notifications; whether there are more."""
        newest, before = self.recorder.max_notification_id() or 0, self.reached
        end = min(newest, before + most)
        if end > before:
            self.pull_and_process(self._tail, before, end)
            if end > self.reached:
                rest = ProcessingEvent[Any](tracking=Tracking(self._tail, end))
                self.passed(rest)
                super()._record(rest)
        return end < newest

    def passed(self, processing: ProcessingEvent[Any]) -> None:
        """A turn ends behind the last event it processed: what follows from the entries that are no event here."""

    def _record(self, processing_event: ProcessingEvent[Any]) -> list[Recording[Any]]:
        """What leads to nothing costs no commit of its own: the end of the turn covers it."""
        return super()._record(processing_event) if processing_event.events else []

    def say(self, processing: ProcessingEvent[Any], entity: UUID | str, tag: str, payload: bytes) -> None:
        """Collect one event at the entity's next version."""
        mine = [event for event in processing.events if event.originator_id == entity]
        newest = mine[-1:] or self.recorder.select_events(entity, desc=True, limit=1)
        version = newest[0].originator_version + 1 if newest else 1
        processing.collect_events(Said(entity, version, tag, payload))
