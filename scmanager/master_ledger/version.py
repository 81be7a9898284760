"""Semantic versions (semver.org, 2.0.0) without build metadata: which of two comes first."""

import re

from scmanager.errors import Untrusted

LENGTH_MAX = 64

_NUMBER = r"(0|[1-9][0-9]{0,8})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?", re.ASCII)
_NUMERIC = re.compile(_NUMBER, re.ASCII)
_WORD = re.compile(r"[0-9A-Za-z-]*[A-Za-z-][0-9A-Za-z-]*", re.ASCII)

Precedence = tuple[tuple[int, int, int], bool, tuple[tuple[int, int, str], ...]]


class BadVersion(Untrusted):
    """{version} is no semantic version."""

    code = "bad-version"
    hint = "Write it as 1.2.3 or 1.2.3-beta.1: no leading zeros, no build metadata."


def precedence(version: str) -> Precedence:
    """What versions are sorted by (semver, 11). Equal for equal texts only. Raises BadVersion."""
    found = _VERSION.fullmatch(version) if len(version) <= LENGTH_MAX else None
    if not found:
        raise BadVersion(version=version[:LENGTH_MAX])
    major, minor, patch, pre = found.groups()
    words = tuple(_identifier(version, each) for each in pre.split(".")) if pre else ()
    return (int(major), int(minor), int(patch)), pre is None, words


def is_release(version: str) -> bool:
    """Whether it is no pre-release. Raises BadVersion."""
    return precedence(version)[1]


def _identifier(version: str, text: str) -> tuple[int, int, str]:
    """Numbers come before words, and compare as numbers."""
    if _NUMERIC.fullmatch(text):
        return 0, int(text), ""
    if _WORD.fullmatch(text):
        return 1, 0, text
    raise BadVersion(version=version)
