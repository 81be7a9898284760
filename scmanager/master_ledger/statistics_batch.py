"""Records of use on the wire: a batch as `reports` has them, and the word that it was kept until its day is released.

No receipt names an entry: records stand in no log, only what is published of a whole day does (ADR 23).
"""

from typing import Final

import msgspec

from scmanager.domain.consent_texts import Purpose
from scmanager.domain.payload import Id16
from scmanager.domain.statistics import Record, RecordUnusable, check
from scmanager.master_ledger.reports import Batch, BatchMalformed, Kind, ReceiptMalformed, parse_batch

PATH: Final = "/api/v1/statistics"
KIND: Final = Kind("statistics", Purpose.STATISTICS, PATH, Batch[Record])


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer to a batch, and the same again for the same one: it need not be sent any more."""

    batch: Id16


def parse(raw: bytes) -> Batch[Record]:
    """A batch as it came. Raises BatchMalformed and nothing else."""
    batch = parse_batch(KIND, raw)
    for each in batch.reports:
        try:
            check(each)
        except RecordUnusable as error:
            raise BatchMalformed(kind=KIND.name, reason=str(error).rstrip(".")) from error
    return batch


def parse_kept(batch: bytes, raw: bytes) -> Kept:
    """The answer to the batch of this id. Raises ReceiptMalformed and nothing else."""
    try:
        found = msgspec.json.decode(raw, type=Kept)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ReceiptMalformed(reason=str(error)[:200].rstrip(".")) from error
    if found.batch != batch:
        raise ReceiptMalformed(reason="it is for another batch")
    return found
