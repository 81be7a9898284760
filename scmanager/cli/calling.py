"""What a thing is called: the one that a typed name means, and what lists say instead of an id.

People read a name, with the beginning of the id only where two share the name; programs get id and name apart.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from scmanager.errors import Refused
from scmanager.forensics import gone
from scmanager.forensics.called import Called, Named, Register, folded, same_name
from scmanager.projections.matching import matching_key

PREFIX_DIGITS_MIN = 4
CANDIDATES_SHOWN = 8
ALIKE_SHOWN = 3
COMPARED_MAX = 2000
"""So many names are compared with a misspelt one, and of a text so many characters: a fifth of a second at most."""
COMPARED_LENGTH_MAX = 80
SHORT_NAME = 3
"""Up to this length one letter of two may differ; of longer names less than half."""


class NameUnknown(Refused):
    """There is no {noun} called {name}. {known}"""

    code = "name-unknown"
    hint = "Give the name as it is shown, the id, or at least its first four digits."


class NameAmbiguous(Refused):
    """{name} could be several: {candidates}."""

    code = "name-ambiguous"
    hint = "Give the first digits of its id, or its whole name as listed there; that of an operation has its day."


def pick(noun: str, text: str, candidates: Sequence[Named], verb: str = "") -> Named:
    """The one candidate that bears this name, or whose id begins with these digits; the living before the gone.

    Raises NameUnknown, which names what is spelt alike, and NameAmbiguous.
    """
    wanted = folded(text)
    found = [each for each in candidates if wanted in (folded(name) for name in each.names if name)]
    found = gone.preferred(found, verb)
    if not found and len(text) >= PREFIX_DIGITS_MIN:
        found = [each for each in candidates if each.id.hex().startswith(wanted)]
    found = list({each.id: each for each in found}.values())
    if len(found) > 1:
        raise NameAmbiguous(name=text, candidates=listed(found))
    if not found:
        held = [each for each in candidates if each.name]
        raise NameUnknown(noun=noun, name=text, known=_known(text, held, candidates))
    return found[0]


def listed(candidates: Sequence[Named]) -> str:
    """Some of them, for an error."""
    shown = ", ".join(each.label for each in candidates[:CANDIDATES_SHOWN])
    return shown + (", ..." if len(candidates) > CANDIDATES_SHOWN else "")


def alike(text: str, known: Iterable[str]) -> list[str]:
    """Of these names those that somebody may have meant, the nearest first: beginnings, then other spellings."""
    spelt: dict[str, str] = {}
    for name in known:
        if len(spelt) >= COMPARED_MAX:
            break
        spelt.setdefault(matching_key(name)[:COMPARED_LENGTH_MAX], name)
    wanted = matching_key(text)[:COMPARED_LENGTH_MAX]
    begun = [key for key in spelt if wanted and (key.startswith(wanted) or f" {wanted}" in key)]
    cutoff = 0.5 if len(wanted) <= SHORT_NAME else 0.6
    near = get_close_matches(wanted, spelt, ALIKE_SHOWN, cutoff) if wanted else []
    return [spelt[key] for key in dict.fromkeys((*begun, *near))][:ALIKE_SHOWN]


def _known(text: str, held: Sequence[Named], candidates: Sequence[Named]) -> str:
    if not held:
        if len(candidates) == 1:
            return "There is one, to be named by its id."
        return f"There are {len(candidates)}, to be named by their ids." if candidates else "None is known here."
    if meant := alike(text, (name for each in held for name in each.names if name)):
        bearers = [each for each in held if not {*meant}.isdisjoint(each.names)]
        ranked = sorted(bearers, key=lambda each: min(meant.index(name) for name in each.names if name in meant))
        return f"Did you mean {_either(ranked[:ALIKE_SHOWN])}?"
    return f"Known: {listed(held)}" + ("" if len(held) > CANDIDATES_SHOWN else ".")


def _either(bearers: Sequence[Named]) -> str:
    return " or ".join(each.label for each in bearers)


__all__ = ["Called", "Named", "Register", "same_name"]
