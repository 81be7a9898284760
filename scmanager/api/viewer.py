"""Who looks, and what he may see. The one rule that every read goes through, whatever asks for it.

Now: the owner of this node sees the spaces he is in, all of each. What a member may see inside of a space will depend
on his role; then the rule grows here and nowhere else.
"""

from typing import ClassVar

import msgspec

from scmanager.errors import Refused


class SpaceNotVisible(Refused):
    """There is no space {space} that you are in."""

    code = "space-not-visible"
    hint = "List your spaces with `{ node { spaces { id } } }`; import the space's file, or ask for an invitation."


class Viewer(msgspec.Struct, frozen=True):
    """Whoever asks, as far as reading goes."""

    RULE: ClassVar[str] = "{row}.space = any(%(viewer_spaces)s)"
    spaces: frozenset[bytes]

    def rule(self, row: str) -> str:
        """The condition on a row of any read model. Its parameter is `viewer_spaces`."""
        return self.RULE.format(row=row)

    @property
    def parameters(self) -> dict[str, object]:
        """What `rule` needs."""
        return {"viewer_spaces": sorted(self.spaces)}

    def sees(self, space: bytes) -> bool:
        """Whether anything of this space may be told."""
        return space in self.spaces

    def check(self, space: bytes) -> None:
        """Raises SpaceNotVisible, whether the space exists or not."""
        if not self.sees(space):
            raise SpaceNotVisible(space=space.hex())
