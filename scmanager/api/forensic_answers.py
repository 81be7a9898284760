"""Answers of a node's forensics as GraphQL types."""

import base64
from typing import Any

from strawberry import ID

from scmanager.api.bindings import PAGE_MAX
from scmanager.api.forensic_models import (
    Changed,
    ExplainedContest,
    ExplainedStep,
    Explanation,
    LedgerThen,
    NamedValue,
    PastState,
    PastThing,
    Rival,
    SignedHead,
    StateDigest,
    ThingKind,
)
from scmanager.api.scalars import Moment, Whole


def _id(raw: bytes) -> ID:
    return ID(raw.hex())


def _perhaps(raw: bytes | None) -> ID | None:
    return ID(raw.hex()) if raw else None


def _moment(said: str | None) -> Moment | None:
    return Moment(f"{said.removesuffix('Z')}.000000Z") if said else None


def _name(called: Any) -> str | None:
    return str(called) if called is not None else None


def _member(called: Any) -> ID | None:
    return _perhaps(called.id) if called is not None else None


def _fields(told: dict[str, str]) -> list[NamedValue]:
    return [NamedValue(name=name, value=value) for name, value in told.items()]


def past_of(told: dict[str, Any]) -> PastState:
    """Of Forensics.as_of."""
    things = [
        PastThing(
            kind=ThingKind(each["kind"]), id=_id(each["id"]), name=each["name"], brief=each["brief"],
            fields=_fields(each["fields"]),
        )
        for each in told["things"]
    ]  # fmt: skip
    end = _covered(f"{told['things'][-1]['kind']} {told['things'][-1]['id'].hex()}") if things else None
    return PastState(
        space=_id(told["space"]), kind=told["kind"], called=told["called"], point=told["point"], said=told["said"],
        newest=_moment(told["newest"]), entries=Whole(told["entries"]), valid=Whole(told["valid"]),
        void=Whole(told["void"]), unknown=Whole(told["unknown"]), held=Whole(told["held"]),
        closed=Whole(told["closed"]), forks=[_id(each) for each in told["forks"]], frontier=_id(told["frontier"]),
        digest=_id(told["digest"]), fold_version=told["fold_version"],
        heads=[
            SignedHead(
                log=_id(each.log), branch=each.branch, size=Whole(each.size), head=each.head.hex(),
                root=each.root.hex(), signed_size=Whole(each.signed_size), holds=each.holds,
            )
            for each in told["heads"]
        ],
        nodes=things, total_count=told["things_total"], has_next_page=told["more"], end_cursor=end,
        ledger=_ledger(told["ledger"]) if told["ledger"] else None,
    )  # fmt: skip


def _ledger(told: dict[str, Any]) -> LedgerThen:
    keys = told["keys"]
    return LedgerThen(
        id=_perhaps(told["id"]), size=Whole(told["size"]), newest_manifest=told["newest_manifest"],
        root_keys=[each.hex() for each in keys["root"]["keys"]] if keys else [],
        release_keys=[each.hex() for each in keys["release"]["keys"]] if keys else [],
        manifests=Whole(told["manifests"]), updates=Whole(told["updates"]), plugins=Whole(told["plugins"]),
        counted=Whole(told["counted"]), anchors=Whole(told["anchors"]),
        standing=[
            NamedValue(name=kind, value=line)
            for kind, lines, _ in told["lines"]
            for line in lines[:PAGE_MAX]
        ],
    )  # fmt: skip


def explanation_of(told: dict[str, Any], begin: int) -> Explanation:
    """Of Forensics.explain_thing and explain_event; `begin`: the index of the first step told."""
    end = begin + len(told["steps"])
    return Explanation(
        kind=told["kind"], id=_perhaps(told["id"]), name=str(told["name"]), field=told["field"], value=told["value"],
        nodes=[_step(each) for each in told["steps"]], total_count=told["steps_total"],
        has_next_page=end < told["steps_total"], end_cursor=_covered(str(end)),
        contests=[
            ExplainedContest(
                field=each["field"], settled_in=_perhaps(each["settled_in"]), settled_by=_name(each["settled_by"]),
                outcome=each["outcome"],
                rivals=[_rival(one) for one in each["rivals"]],
            )
            for each in told["contests"]
        ],
    )  # fmt: skip


def _rival(told: dict[str, Any]) -> Rival:
    who = told["by"]
    return Rival(event=_id(told["event"]), member=_member(who), by=_name(who), value=told["value"])


def _step(told: dict[str, Any]) -> ExplainedStep:
    place = told["proved"]
    return ExplainedStep(
        event=told["event"].hex(), type=told["type"], at=_moment(told["at"]), dated=_moment(told["dated"]),
        counts=told["counts"], valid=told["valid"], reason=told["reason"], because=_perhaps(told["because"]),
        sentence=told["sentence"], member=_member(told["by"]), by=_name(told["by"]),
        grant=_perhaps(told["grant"]), role=_name(told["role"]),
        rank=told["rank"], device=_perhaps(told["device"]), says=_fields(told["says"]),
        changed=[
            Changed(
                field=each["field"], before=each["before"], after=each["after"],
                of_list=bool(each.get("of_list")),
            )
            for each in told["changed"]
        ],
        saw=[_id(each) for each in told["saw"]],
        log=_id(place.log), branch=place.branch, index=Whole(place.index), head_size=Whole(place.size),
        origin=place.origin, log_key=place.key, note=place.note,
    )  # fmt: skip


def digest_of(told: dict[str, Any]) -> StateDigest:
    """Of Forensics.digest."""
    things = [NamedValue(name=each["id"].hex(), value=each["digest"].hex()) for each in told["things"]]
    return StateDigest(
        space=_id(told["space"]), pos=Whole(told["pos"]), frontier=_id(told["frontier"]), digest=_id(told["digest"]),
        fold_version=told["fold_version"],
        nodes=things, has_next_page=told["more"], end_cursor=things[-1].name if things else None,
    )  # fmt: skip


def _covered(said: str) -> str:
    return base64.urlsafe_b64encode(said.encode()).decode()
