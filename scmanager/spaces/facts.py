"""From an opened entry to the plain record that the rules of validity read."""

from scmanager.domain import records
from scmanager.domain.governance import Kept, is_governance
from scmanager.domain.records import Clear, Fact
from scmanager.eventstore import entry
from scmanager.spaces.opening import Opened


def fact_of(opened: Opened) -> Fact:
    """The fact an entry states, without any clock."""
    one, shared = opened.entry, opened.shared
    deps = tuple([(dep.log, dep.seq, dep.id) for dep in one.deps]) if one.deps else ()
    prev = one.prev[:32]
    if one.genesis is not None:
        return Fact(one.id32, one.log, 0, prev, deps, genesis_of(one.genesis))
    if shared is None:
        return Fact(one.id32, one.log, one.seq, prev, deps, malformed=True)
    event = opened.event if is_governance(shared.type) else None
    return Fact(one.id32, one.log, one.seq, prev, deps, None, shared.by, shared.type, event)


def clear_of(one: entry.Entry) -> Clear:
    """What an entry shows to everybody, a mirror without keys too."""
    deps = tuple((dep.log, dep.seq, dep.id) for dep in one.deps)
    genesis = genesis_of(one.genesis) if one.genesis is not None else None
    return Clear(one.id32, one.log, one.seq, one.prev[:32], deps, genesis)


def founding_fact(fact: Fact) -> bool:
    """Whether this fact may change grants: a new log, or a governance type."""
    return fact.genesis is not None or is_governance(fact.type)


def genesis_of(genesis: entry.Genesis) -> records.Genesis:
    """Entry 0 as the rules see it."""
    keys = genesis.recovery
    signed = genesis.recovers
    return records.Genesis(
        genesis.space,
        genesis.kind,
        genesis.key,
        (genesis.continues.log, genesis.continues.signature) if genesis.continues else None,
        _signed(signed) if signed else None,
        records.Keys(keys.m, keys.keys) if keys else None,
        genesis.device,
        genesis.box,
    )


def _signed(recovery: entry.Recovery) -> records.Signed:
    signatures = tuple((each.key, each.signature) for each in recovery.signatures)
    return records.Signed(statement_of(recovery.statement), signatures)


def statement_of(said: entry.Statement) -> records.Statement:
    """A recovery statement as the rules see it; both are spelt alike."""
    keeps = tuple(Kept(dep.log, dep.seq, dep.id) for dep in said.keeps)
    return records.Statement(said.space, said.n, said.on, said.key, said.device, said.box, keeps, said.m, said.keys)
