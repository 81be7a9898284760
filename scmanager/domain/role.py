"""A role: a template of title, rank and rights from which grants are written (design, section 3, rule 3).

What somebody really may do stands in his grant. So nothing here changes anybody's rights, and a template that two
people change at once can be contested in peace: the first in fold order holds until somebody settles it.
"""

from collections.abc import Iterator

from scmanager.domain.contest import Claim, entries, holder, rivals, stake
from scmanager.domain.event import Decision, Envelope, Event, State, replace
from scmanager.domain.governance import EVERY_RIGHT
from scmanager.domain.payload import RANK_HIGHEST, RANK_LOWEST, Entries, Rank, RightKeys, Title
from scmanager.domain.rights import Right
from scmanager.domain.words import check_title, flaw_of_title
from scmanager.errors import Refused


class Defined(Event, tag="role.defined/1"):
    title: Title
    rank: Rank
    rights: RightKeys = ()


class Changed(Event, tag="role.changed/1"):
    title: Title
    rank: Rank
    rights: RightKeys = ()
    over: Entries = ()


class Withdrawn(Event, tag="role.withdrawn/1"):
    pass


RoleEvent = Defined | Changed | Withdrawn


class Template(State):
    """What a grant is written from. Rank 1 is the highest a role can have, 10 the lowest."""

    title: str
    rank: int
    rights: tuple[str, ...] = ()


class Role(State):
    """A role, as its events so far tell it. A withdrawn one stays known, so that old grants can be named."""

    templates: tuple[Claim[Template], ...] = ()
    withdrawn: bool = False

    @property
    def template(self) -> Template | None:
        """The template that holds; None until the role is defined."""
        return holder(self.templates)

    @property
    def rival_templates(self) -> tuple[Template, ...]:
        """What others made of it at the same time. `change` to any of them settles it."""
        return rivals(self.templates)


class RoleDefinedAlready(Refused):
    """This role is defined already, as {title}."""

    code = "role-defined-already"
    hint = "Change it, or define another one."


class RoleUnknown(Refused):
    """There is no such role, or it was withdrawn."""

    code = "role-unknown"
    hint = "Look at the list, scm role list, or define it first: scm role define."


class RoleRankUnusable(Refused):
    """Rank {rank} is not for you to give or change."""

    code = "role-rank-unusable"
    hint = f"Choose a rank below your own (a larger number), {RANK_HIGHEST} to {RANK_LOWEST}."


class RightUnknown(Refused):
    """There is no right called {right}."""

    code = "right-unknown"
    hint = f"These are the rights, each given by itself: {', '.join(Right)}."


class RightNotYours(Refused):
    """You do not have the right {right} yourself."""

    code = "role-right-not-yours"
    hint = "Leave it out, or ask somebody who has it to define the role."


def define(
    role: Role, title: str, rank: int, rights: tuple[str, ...], actor_rank: int, actor_rights: frozenset[str]
) -> Iterator[Decision]:
    """Write a template below one's own rank and within one's own rights.

    Raises RoleDefinedAlready, TitleUnusable, RoleRankUnusable, RightUnknown, RightNotYours.
    """
    template = _checked(title, rank, rights, actor_rank)
    _check_within(role, template.rights, actor_rights)
    if role.template == template and not role.withdrawn:
        return  # Asking twice is harmless.
    if role.template:
        raise RoleDefinedAlready(title=role.template.title)
    yield Defined(template.title, template.rank, template.rights)


def change(
    role: Role, title: str, rank: int, rights: tuple[str, ...], actor_rank: int, actor_rights: frozenset[str]
) -> Iterator[Decision]:
    """Change a template, settle a contested one; what rights it has may stay. Grants stay as they were.

    Raises RoleUnknown and as `define`.
    """
    _check_rank(live_template(role).rank, actor_rank)
    template = _checked(title, rank, rights, actor_rank)
    _check_within(role, template.rights, actor_rights)
    if role.template != template or role.rival_templates:
        yield Changed(template.title, template.rank, template.rights, entries(role.templates))


def withdraw(role: Role, actor_rank: int) -> Iterator[Decision]:
    """Write no more grants from it. It does not come back: define another. Raises RoleUnknown, RoleRankUnusable."""
    if role.template is None:
        raise RoleUnknown
    _check_rank(role.template.rank, actor_rank)
    if not role.withdrawn:
        yield Withdrawn()


def evolve(role: Role, event: RoleEvent, envelope: Envelope) -> Role:
    """Total. Two definitions or changes at once are contested: the first in fold order holds until `change` settles.

    What touches a role at or above its author's own rank does not count (rule 3), nor what puts rights into it that
    neither its author nor the role had: whoever grants by it would lend him a hand. Withdrawn stays withdrawn,
    whatever was changed meanwhile.
    """
    if role.template and role.template.rank <= envelope.rank:
        return role
    match event:
        case Defined() | Changed() if flaw_of_title(event.title) or not envelope.rank < event.rank <= RANK_LOWEST:
            return role
        case Defined() | Changed() if _beyond(role, event.rights, envelope.rights):
            return role
        case Defined(title, rank, rights):
            return replace(role, templates=stake(role.templates, Template(title, rank, rights), (), envelope))
        case Changed(title, rank, rights, over):
            return replace(role, templates=stake(role.templates, Template(title, rank, rights), over, envelope))
        case Withdrawn():
            return replace(role, withdrawn=True)


def live_template(role: Role) -> Template:
    """What grants are written from now. Raises RoleUnknown."""
    if role.template is None or role.withdrawn:
        raise RoleUnknown
    return role.template


def _checked(title: str, rank: int, rights: tuple[str, ...], actor_rank: int) -> Template:
    """The template, each right once and in the catalogue's order: one role, one spelling."""
    _check_rank(rank, actor_rank)
    for right in rights:
        if right not in list(Right):
            raise RightUnknown(right=right)
    return Template(check_title(title), rank, tuple(each.value for each in Right if each in rights))


def _check_within(role: Role, rights: tuple[str, ...], actor_rights: frozenset[str]) -> None:
    if beyond := _beyond(role, rights, actor_rights):
        raise RightNotYours(right=beyond[0])


def _beyond(role: Role, rights: tuple[str, ...], actor_rights: frozenset[str]) -> tuple[str, ...]:
    """What of these rights neither the actor nor the role, in any of its rival templates, has."""
    if EVERY_RIGHT in actor_rights:
        return ()
    held = actor_rights.union(*(claim.value.rights for claim in role.templates))
    return tuple(each for each in rights if each not in held)


def _check_rank(rank: int, actor_rank: int) -> None:
    if not max(RANK_HIGHEST, actor_rank + 1) <= rank <= RANK_LOWEST:
        raise RoleRankUnusable(rank=rank)
