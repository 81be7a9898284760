"""Records of use as a kind of reports: they go into no log, but to where they wait for the release of their day."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Final

import msgspec

from scmanager.application.reports import Batch, Kind, ReportsUnusable
from scmanager.application.sequencing import Reports
from scmanager.config import REGIONS
from scmanager.domain.statistics import Record
from scmanager.eventstore.entry import encode_json
from scmanager.master_ledger import statistics_batch
from scmanager.master_ledger.reports import BATCH_BYTES_MAX, BatchMalformed
from scmanager.master_ledger.statistics_batch import Kept

Submit = Callable[[Reports], "Future[bytes]"]


class RecordReports(Reports, frozen=True):
    """A batch of records. It has no events: nothing of it is entered anywhere."""

    records: tuple[Record, ...] = ()

    @property
    def amount(self) -> int:
        """How many records its sender is charged for."""
        return len(self.records)


def read(body: bytes) -> Batch:
    """Raises ReportsUnusable and nothing else."""
    try:
        found = statistics_batch.parse(body)
    except BatchMalformed as error:
        raise ReportsUnusable(reason=ascii(str(error))[1:240].rstrip(".'\"")) from None
    for each in found.reports:
        if each.geo_region is not None and each.geo_region not in REGIONS:
            raise ReportsUnusable(reason="a region that ISO 3166-1 does not know")
    return Batch(found.consent, RecordReports(found.id, (), records=found.reports))


STATISTICS: Final = Kind(
    "reportStatistics", "/statistics", "statistics", read, msgspec.json.schema(statistics_batch.KIND.batch),
    bytes_max=BATCH_BYTES_MAX, summary="Records of use. They are kept until their day is released, then destroyed.",
)  # fmt: skip


def keeping(
    submit: Submit, put: Callable[[bytes, tuple[Record, ...]], object], check: Callable[[], None], worker: Executor
) -> Submit:
    """Like `submit`, but records of use are put aside by the worker, if `check` lets them, and answered `Kept`."""

    def kept(reports: RecordReports) -> bytes:
        check()
        put(reports.id, reports.records)
        return encode_json(Kept(reports.id))

    def either(reports: Reports) -> "Future[bytes]":
        return worker.submit(kept, reports) if isinstance(reports, RecordReports) else submit(reports)

    return either
