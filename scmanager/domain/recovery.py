"""Recovery: who is the founder when his keys are lost or stolen (DESIGN 3, rule 11).

Statements form a tree: each names the one it builds on and is signed by that one's keys. One that is alone there
stands, and the tree goes on above it. Several block each other until one by the same keys lists all the others.
"""

from collections.abc import Iterable, Mapping

import msgspec

from scmanager.domain.event import Id32
from scmanager.domain.records import VALID, Check, Clear, Keys, Reason, Signed, Verdict, void


class Claim(msgspec.Struct, frozen=True):
    """A statement that is proven by the keys of its base, in the entry 0 that carries it."""

    carrier: Clear
    signed: Signed
    hash: Id32
    base: Id32


class Succession(msgspec.Struct, frozen=True):
    """Who holds rank 0, by the statements in this set."""

    generations: tuple[tuple[Claim, ...], ...] = ()
    """The recoveries that stand, oldest first; the founding entry is before them all. Several claims in one
    generation carry one and the same statement."""
    rivals: tuple[Claim, ...] = ()
    """Those that block each other above the last generation."""
    verdicts: Mapping[Id32, Verdict] = {}
    """For every entry 0 with a statement."""
    proven: frozenset[Id32] = frozenset()
    """The logs whose entry 0 carries a statement that verifies, standing or not."""
    build_on: tuple[int, tuple[Id32, ...]] = (1, ())
    """`n` and `on` for the next statement: it settles every rival."""


def succession(space: Id32, entries: Iterable[Clear], check: Check) -> Succession:
    """Read all statements of the space. Entries without one are looked at for the founding keys only."""
    founding, carriers = _sort(space, entries)
    if founding is None or founding.genesis is None:
        return Succession()
    tree = _proven(space, founding.genesis.recovery, carriers, check)
    verdicts = {carrier.id: void(Reason.STATEMENT_UNPROVEN) for carrier in carriers}
    for base in sorted(tree):
        cause = min(
            (claim.carrier.id for group in tree.values() for claim in group if claim.hash == base), default=b""
        )
        verdicts |= {claim.carrier.id: void(Reason.STATEMENT_BASELESS, cause) for claim in tree[base]}

    generations: list[tuple[Claim, ...]] = []
    base = space
    while rivals := tree.get(base):
        settled = _the_one_that_lists_all(rivals)
        if settled is None:
            verdicts |= {claim.carrier.id: void(Reason.STATEMENT_DISPUTED, _other(claim, rivals)) for claim in rivals}
            break
        winners = tuple(claim for claim in rivals if claim.hash == settled)
        cause = min(claim.carrier.id for claim in winners)
        verdicts |= {claim.carrier.id: void(Reason.STATEMENT_SETTLED, cause) for claim in rivals}
        verdicts |= {claim.carrier.id: VALID for claim in winners}
        generations.append(winners)
        base = settled
    return Succession(
        generations=tuple(generations),
        rivals=tuple(rivals or ()),
        verdicts=verdicts,
        proven=frozenset(claim.carrier.log for claims in tree.values() for claim in claims),
        build_on=(len(generations) + 1, (base, *sorted({claim.hash for claim in rivals or ()}))),
    )


def _sort(space: Id32, entries: Iterable[Clear]) -> tuple[Clear | None, list[Clear]]:
    founding, carriers = None, []
    for entry in entries:
        if entry.genesis is None:
            continue
        if entry.log == space:
            founding = entry if not entry.genesis.space else None
        elif entry.genesis.space == space and entry.genesis.statement is not None:
            carriers.append(entry)
    return founding, carriers


def _proven(space: Id32, first: Keys | None, carriers: list[Clear], check: Check) -> dict[Id32, list[Claim]]:
    """The proven claims by the hash of their base, from the founding entry (whose hash is the space id) upwards."""
    tree: dict[Id32, list[Claim]] = {}
    bases = [(space, 0, first)]
    while bases:
        base, number, quorum = bases.pop()
        if base in tree or quorum is None or quorum.m == 0 or not quorum.sound:
            continue
        tree[base] = [
            Claim(carrier, signed, signed.statement.hash, base)
            for carrier in carriers
            if (signed := _well_formed(space, carrier)) is not None
            and signed.statement.n == number + 1
            and base in signed.statement.on
            and _signed_by(signed, quorum, check)
        ]
        for claim in tree[base]:
            statement = claim.signed.statement
            bases.append((claim.hash, statement.n, Keys(statement.m, statement.keys)))
    return tree


def _well_formed(space: Id32, carrier: Clear) -> Signed | None:
    genesis = carrier.genesis
    if genesis is None or genesis.statement is None:
        return None
    statement = genesis.statement.statement
    at_home = statement.space == space and statement.key == genesis.key
    return genesis.statement if at_home and Keys(statement.m, statement.keys).sound else None


def _signed_by(signed: Signed, quorum: Keys, check: Check) -> bool:
    message = signed.statement.message
    signers = {key for key, signature in signed.signatures if key in quorum.keys and check(key, message, signature)}
    return len(signers) >= quorum.m


def _the_one_that_lists_all(rivals: list[Claim]) -> Id32 | None:
    """There is never more than one: two cannot hold each other's hash."""
    hashes = {claim.hash for claim in rivals}
    listing = [claim.hash for claim in rivals if hashes - {claim.hash} <= set(claim.signed.statement.on)]
    return min(listing, default=None)


def _other(claim: Claim, rivals: list[Claim]) -> Id32:
    return min(rival.carrier.id for rival in rivals if rival.hash != claim.hash)
