"""The shape of an error: what kind it is, and which of the program's own functions were at work (SPEC A10).

Nothing else leaves: not its text, no value, no path, no name of a function of somebody else.
"""

import re
import traceback
from typing import Final

import msgspec

from scmanager.domain.payload import INT_MAX
from scmanager.master_ledger.reports import FRAMES_MAX, ErrorReport, Frame

UNNAMED: Final = "Error"
_MODULE: Final = re.compile(r"scmanager(\.[a-z][a-z0-9_]{0,39}){0,3}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
_INNER: Final = frozenset({"<module>", "<lambda>", "<listcomp>", "<genexpr>"})


def shape_of(error: BaseException, version: str, at_s: int) -> ErrorReport:
    """Total: whatever was raised has one. `at_s`: UTC seconds."""
    frames = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module, function = frame.f_globals.get("__name__"), frame.f_code.co_name
        if (
            isinstance(module, str)
            and _MODULE.fullmatch(module)
            and (function in _INNER or _NAME.fullmatch(function))
        ):
            frames.append(Frame(module, function))
    name = type(error).__name__
    return ErrorReport(
        name if _NAME.fullmatch(name) else UNNAMED, tuple(frames[-FRAMES_MAX:]), version, at_s, at_s, 1
    )  # fmt: skip


def joined(one: ErrorReport, other: ErrorReport) -> ErrorReport:
    """Two of one shape and version as one."""
    return msgspec.structs.replace(
        one,
        count=min(one.count + other.count, INT_MAX),
        first_s=min(one.first_s, other.first_s),
        last_s=max(one.last_s, other.last_s),
    )
