"""Compare the evaluator with the model over many small random sets.

For each set the model tries every assignment of verdicts; exactly one must be consistent, and the evaluator must give
that one. `python -m tests.properties.model_check --sets 20000 --seed 1 --entries 8` prints what was covered.
"""

import argparse
from collections import Counter
from random import Random

from scmanager.domain.records import Fact
from scmanager.domain.validity import judge
from tests.support.random_sets import random_set
from tests.support.validity_model import Model
from tests.support.world import TABLE, check


def disagreement(space: bytes, facts: list[Fact], *, exhaustive: bool = True) -> str:
    """What is wrong with this set; empty if nothing is."""
    verdicts = judge(space, facts, check, TABLE)
    given = {fact_id: verdict.valid for fact_id, verdict in verdicts.entries.items()}
    model = Model(space, facts, check, TABLE)
    judged = {fact.id: given[fact.id] for fact in model.entries}
    if verdicts.counted != model.logs:
        return "the frontier differs"
    if any(given[fact.id] for fact in facts if fact.id not in judged):
        return "an uncounted entry is valid"
    if not model.consistent(judged):
        return "the evaluator's answer is not consistent"
    for grant, standing in verdicts.grants.items():
        if (standing.levels, standing.devices) != model.levels(model.power(grant, judged), judged):
            return "the levels differ"
    if not exhaustive:
        return ""
    answers = list(model.answers())
    if len(answers) != 1:
        return f"{len(answers)} consistent answers"
    return "" if answers[0] == judged else "the evaluator gives another answer"


def run(sets: int, seed: int, entries: int, *, exhaustive: bool = True) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Count reasons over many sets, and list the seeds that fail."""
    covered: Counter[str] = Counter()
    failed = []
    for number in range(seed, seed + sets):
        size = Random(number).randint(3, entries)
        space, facts = random_set(number, size)
        if wrong := disagreement(space, facts, exhaustive=exhaustive):
            failed.append((number, wrong))
        verdicts = judge(space, facts, check, TABLE).entries.values()
        covered.update(str(verdict.reason or "valid") for verdict in verdicts)
    return covered, failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entries", type=int, default=8)
    parser.add_argument("--large", action="store_true", help="check consistency only, not uniqueness")
    options = parser.parse_args()
    covered, failed = run(options.sets, options.seed, options.entries, exhaustive=not options.large)
    for reason, count in covered.most_common():
        print(f"{count:9d} {reason}")
    print(f"{options.sets} sets, {len(failed)} failures")
    for number, wrong in failed[:20]:
        print(f"seed {number}: {wrong}")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
