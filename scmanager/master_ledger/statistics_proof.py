"""Published statistics as readers check them: the entry stands in a log of the author's, and keeps its rules."""

from typing import Final

import msgspec

from scmanager.domain.ledger import LogKind
from scmanager.domain.statistics import date_of
from scmanager.domain.statistics_published import METHOD, RULES, Measure, StatisticsPublished, Table
from scmanager.errors import Untrusted
from scmanager.eventstore import content
from scmanager.eventstore.checkpoint import Checkpoint, parse_origin
from scmanager.eventstore.entry import encode_json
from scmanager.eventstore.merkle import leaf_hash
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.verification import AHEAD_S, LogNotListed, NotIncluded, OtherStatement, check_head

FILE_BYTES_MAX: Final = 1 << 18


class StatisticsAmiss(Untrusted):
    """This is not the release of a day's statistics as it has to be: {reason}."""

    code = "statistics-amiss"
    hint = "Get it again from another source; if it is the same there, its author published what he must not."


def verify(file: bytes, day: int, keys: TrustedKeys, policy: Policy, now_s: int) -> StatisticsPublished:
    """The release of this day in a proof of logging. Raises Untrusted for whatever is wrong, and nothing else."""
    proof = Proof.parse(file)
    note = proof.signed()
    point = Checkpoint.parse(note.text)
    space, log = parse_origin(point.origin)
    listed = keys.log(log)
    if listed is None or listed.space != space or listed.kind is not LogKind.INTAKE:
        raise LogNotListed(n=keys.manifest.n, origin=point.origin)
    note.signature_by(point.origin, listed.key)
    check_head(point, listed, policy, policy.cosigned(note, now_s + AHEAD_S))
    one, shared = proof.carried()
    if one.log != log or not proof.leads_from(leaf_hash(one.data), point):
        raise NotIncluded
    said = _parse(shared)
    if said.day != day:
        raise StatisticsAmiss(reason=f"it is of {date_of(said.day)}")
    check_rules(said)
    return said


def check_rules(said: StatisticsPublished) -> None:
    """Whether it was made by rules that this release knows. Raises StatisticsAmiss."""
    if said.method != METHOD:
        raise StatisticsAmiss(reason=f"it was made by method {said.method}, here {METHOD} is known")
    measures = [table.measure for table in said.tables]
    if len(set(measures)) != len(measures) or not set(RULES) <= set(measures):
        raise StatisticsAmiss(reason="a table is missing, or there twice")
    for table in said.tables:
        if table.measure is not Measure.AVERAGE_SESSION_S:
            _check_table(table)


def _check_table(table: Table) -> None:
    rule = RULES[table.measure]
    if (table.bound, table.scale, table.threshold) != (rule.bound, rule.scale, rule.threshold):
        raise StatisticsAmiss(reason=f"{table.measure} has other bounds, noise or threshold")
    if any(row.value < table.threshold for row in table.rows):
        raise StatisticsAmiss(reason=f"{table.measure} has a row below its threshold")


def _parse(shared: bytes) -> StatisticsPublished:
    plain = content.read(shared)
    if plain is None or plain.type != StatisticsPublished.tag:
        raise OtherStatement(wanted=StatisticsPublished.tag, found=plain.type if plain else "malformed entry")
    try:
        said = msgspec.json.decode(plain.payload, type=StatisticsPublished)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise StatisticsAmiss(reason="its fields are others") from None
    if encode_json(said) != bytes(plain.payload):
        raise StatisticsAmiss(reason="it is spelled in another way")
    return said
