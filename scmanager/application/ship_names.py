"""Ship names as people and tools write them, brought to one form that can be compared.

Two spellings of one hull give the same words: case, accents, apostrophes, invisible characters, blanks, a leading
manufacturer, "Edition", `Mk II` or `MkII`, "Best In Show" or BIS, and where the year stands make no difference.
Which hull it is, the catalogue says. Total functions: any string is good.
"""

import re
import unicodedata
from functools import lru_cache

NAME_LENGTH_MAX = 120
"""Characters; the longest real name has 45."""

MANUFACTURERS: dict[str, str] = {
    "aegis dynamics": "AEGS",
    "aegis": "AEGS",
    "anvil aerospace": "ANVL",
    "anvil": "ANVL",
    "aopoa": "XNAA",
    "argo astronautics": "ARGO",
    "argo": "ARGO",
    "banu": "BANU",
    "c o": "CNOU",
    "consolidated outland": "CNOU",
    "consolidated": "CNOU",
    "crusader industries": "CRUS",
    "crusader": "CRUS",
    "drake interplanetary": "DRAK",
    "drake": "DRAK",
    "esperia": "ESPR",
    "gatac manufacture": "GAMA",
    "gatac": "GAMA",
    "greycat industrial": "GRIN",
    "greycat": "GRIN",
    "greys market": "GLSN",
    "greys": "GLSN",
    "kruger intergalactic": "KRIG",
    "kruger": "KRIG",
    "mirai": "MRAI",
    "misc": "MISC",
    "musashi industrial and starflight concern": "MISC",
    "musashi industrial starflight concern": "MISC",
    "origin jumpworks": "ORIG",
    "origin": "ORIG",
    "roberts space industries": "RSI",
    "rsi": "RSI",
    "tumbril land systems": "TMBL",
    "tumbril": "TMBL",
    "vanduul": "VNCL",
    "xian": "XNAA",
    "xnaa": "XNAA",
}
"""What a manufacturer is called, in comparable words, and his code. Some sell under two names: see `same_maker`."""

_ONE_HOUSE = ({"MISC", "MRAI"}, {"ESPR", "VNCL"})
"""Mirai is MISC's daughter and old exports say MISC; Esperia rebuilds Vanduul ships."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_APOSTROPHES = re.compile("['’‘`´ʼ′]")
_LEADING = sorted((tuple(name.split()) for name in MANUFACTURERS), key=len, reverse=True)
_YEAR = re.compile(r"29\d\d")
_MARK = {"i": "mk1", "1": "mk1", "ii": "mk2", "2": "mk2", "iii": "mk3", "3": "mk3"}


def visible(text: str) -> str:
    """The text without control, format (bidi, zero-width) and unassigned characters, blanks folded, ends cut."""
    kept = ("" if unicodedata.category(c) in _INVISIBLE and not c.isspace() else c for c in text)
    return " ".join("".join(kept).split())


@lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """The name's comparable words, without manufacturer and edition; variants (bis, year) stand last."""
    plain = _plain(name)
    for maker in _LEADING:
        if plain[: len(maker)] == maker and len(plain) > len(maker):
            plain = plain[len(maker) :]
            break
    plain = _marks(plain)
    text = f" {' '.join(plain)} ".replace(" best in show ", " bis ")
    rest = [word for word in text.split() if word != "edition"] or list(plain)
    variant = sorted({word for word in rest if word == "bis" or _YEAR.fullmatch(word)}, reverse=True)
    return (*(word for word in rest if word not in variant), *variant)


def compact(name: str) -> str:
    """The words without blanks: `Idris-P` and `idris p` and `IdrisP` are one. Two names are equal if these are."""
    return "".join(words(name))


def without_mark(name: str) -> str:
    """Like `compact`, but `Mk I` and `Mk II` are left out too: what a tool wrote before there was a second mark."""
    return "".join(word for word in words(name) if word not in _MARK.values())


def manufacturer_code(text: str | None) -> str | None:
    """`DRAK` for "Drake", "Drake Interplanetary" or "DRAK"; None for what is no manufacturer."""
    if not text:
        return None
    plain = " ".join(_plain(text))
    if plain.upper() in MANUFACTURERS.values():
        return plain.upper()
    return MANUFACTURERS.get(plain)


def same_maker(one: str, other: str) -> bool:
    """Whether two manufacturer codes can stand for the same maker."""
    return one == other or any({one, other} <= house for house in _ONE_HOUSE)


def _plain(name: str) -> tuple[str, ...]:
    text = unicodedata.normalize("NFKD", visible(name[:NAME_LENGTH_MAX]))
    text = _APOSTROPHES.sub("", text.casefold().replace("&", " and "))
    text = "".join(c for c in text if not unicodedata.combining(c))
    return tuple("".join(c if c.isalnum() else " " for c in text).split())


def _marks(plain: tuple[str, ...]) -> tuple[str, ...]:
    """`mk ii`, `mkii` and `mk 2` become `mk2`."""
    found: list[str] = []
    for word in plain:
        if found and found[-1] == "mk" and word in _MARK:
            found[-1] = _MARK[word]
        elif word.startswith("mk") and word[2:] in _MARK:
            found.append(_MARK[word[2:]])
        else:
            found.append(word)
    return tuple(found)
