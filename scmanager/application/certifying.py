"""Certifying an erasure: made where the keys were destroyed, checked by anybody from the file alone (SPEC A8, S2)."""

from collections.abc import Callable, Sequence

import msgspec

from scmanager.application import evidence, evidence_check
from scmanager.application.evidence import TreeOf
from scmanager.application.keys import Keys, shared_key_of
from scmanager.domain.event import Id
from scmanager.domain.governance import Erased
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore import content, entry, signing
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.erasure_certificate import FORMAT, Ask, Certificate, Gone
from scmanager.eventstore.evidence import Bundle
from scmanager.eventstore.own_log import Head
from scmanager.spaces.opening import Opened, event_of
from scmanager.spaces.space import Space


class NothingErased(Refused):
    """No erasure of this person that counts is known here."""

    code = "certificate-nothing-erased"
    hint = "Erase first: scm erase MEMBER, or --personal. Here it shows once its entry has come."


class ErasureWaits(Refused):
    """{count} of the keys are not destroyed on this device yet."""

    code = "certificate-too-early"
    hint = "They go when the days of grace are over; then ask again. Another machine may be through already."


def certify(
    space: Space, heads: Sequence[Head], keys: Keys, subject: Id, tree_of: TreeOf, device: bytes,
    sign: Callable[[bytes], bytes], made_s: int, release: str,
) -> Certificate:  # fmt: skip
    """The certificate of this device. The caller holds the shelf's lock.

    Raises NothingErased, ErasureWaits, and as `evidence.make`.
    """
    asked = [(each, each.event) for each in space.of_type(Erased.tag) if isinstance(each.event, Erased)]
    asked = [(opened, event) for opened, event in asked if event.subject == subject]
    named = {key for _, event in asked for key in event.keys}
    if not named:
        raise NothingErased
    if waits := [key for key in named if not keys.is_erased(key)]:
        raise ErasureWaits(count=len(waits))
    asked.sort(key=lambda each: _place(each[0].entry))
    gone = [(each, under) for each in space.entries() if (under := _under(each.entry, named))]
    gone.sort(key=lambda each: _place(each[0].entry))
    made_s = max(made_s, *(each.entry.hlc // 10**6 for each, _ in asked))  # Its author's clock may be ahead of ours.
    made = evidence.make(
        space, heads, (opened for opened, _ in asked), tree_of, shared_key_of(keys), [each for each, _ in gone]
    )
    unsigned = Certificate(
        FORMAT, space.id, subject, tuple(sorted(named)), tuple(_ask(opened, event) for opened, event in asked),
        tuple(Gone(each.entry.log, each.entry.seq, under) for each, under in gone), made_s, release, device,
        made.to_bytes().decode("ascii"), bytes(64),
    )  # fmt: skip
    return msgspec.structs.replace(unsigned, signature=sign(unsigned.message))


def check(certificate: Certificate) -> tuple[str, ...]:
    """What is wrong with it, in plain sentences; nothing if all of it holds. Raises nothing."""
    said = certificate
    if not signing.verify(said.device, said.message, said.signature):
        return ("The device that is named did not sign this.",)
    try:
        bundle = Bundle.parse(said.evidence.encode())
    except Untrusted as error:
        return (str(error),)
    report = evidence_check.check(bundle)
    wrong = [f"{each.what[:1].upper()}{each.what[1:]}." for each in report.problems]
    if report.space != said.space:
        wrong.append("The evidence is of another space.")
    wrong += _flaws(said, bundle, _opened(report))
    return tuple(wrong)


def _flaws(said: Certificate, bundle: Bundle, opened: dict[tuple[bytes, int], Erased]) -> list[str]:
    """What the certificate says that its evidence does not."""
    wrong = []
    events = [opened.get((each.log, each.seq)) for each in said.asked]
    if not events or any(each is None or each.subject != said.subject for each in events):
        wrong.append("An entry that is said to have asked for the erasure did not, or is about somebody else.")
    named = {key for each in events if each is not None for key in each.keys}
    if not said.keys or list(said.keys) != sorted(named):
        wrong.append("The keys are not those that the erasure names.")
    shown = _shown(bundle)
    for ask, event in zip(said.asked, events, strict=True):
        one = shown.get((ask.log, ask.seq))
        if event and one and (event.ground, one.hlc // 10**6) != (ask.ground, ask.at_s):
            wrong.append(f"Entry {ask.seq} of log {ask.log.hex()[:12]} asked for it on another day or ground.")
    if not (
        _once([(each.log, each.seq) for each in said.asked]) and _once([(each.log, each.seq) for each in said.gone])
    ):
        wrong.append("What asked for the erasure, or what is gone, stands there in another order, or twice.")
    sealed = {place for place, one in shown.items() if _under(one, named)}
    if missing := sealed - {(each.log, each.seq) for each in said.gone}:
        wrong.append(f"{len(missing)} of the entries that were sealed under those keys are not named.")
    if any(said.made_s < each.at_s for each in said.asked):
        wrong.append("It was made before it was asked for.")
    for each in said.gone:
        one = shown.get((each.log, each.seq))
        if one is None or _under(one, set(said.keys)) != each.parts:
            wrong.append(f"Entry {each.seq} of log {each.log.hex()[:12]} was not sealed under those keys.")
    if any(number for log in bundle.logs for each in log.entries for number, _ in each.parts):
        wrong.append("It carries sealed words along: of what was erased nothing may be handed on.")
    return wrong


def shows_device(certificate: Certificate) -> bool:
    """Whether a first entry in the evidence names the device. What members enrol is sealed, and not seen here."""
    try:
        bundle = Bundle.parse(certificate.evidence.encode())
    except Untrusted:
        return False
    founded = [one.genesis for one in _shown(bundle).values() if one.genesis is not None]
    recovered = [each.recovers.statement.device for each in founded if each.recovers is not None]
    return certificate.device in {each.device for each in founded} | set(recovered)


def _shown(bundle: Bundle) -> dict[tuple[bytes, int], Entry]:
    entries = (_parsed(each.data) for log in bundle.logs for each in log.entries)
    return {_place(one): one for one in entries if one is not None}


def _place(one: Entry) -> tuple[bytes, int]:
    return one.log, one.seq


def _once(places: Sequence[tuple[bytes, int]]) -> bool:
    return list(places) == sorted(set(places))


def _opened(report: evidence_check.Report) -> dict[tuple[bytes, int], Erased]:
    found = {}
    for log in report.logs:
        for each in log.entries:
            shared = content.read(each.said) if each.said is not None and log.size else None
            event = event_of(shared) if shared is not None and shared.type == Erased.tag else None
            if isinstance(event, Erased):
                found[log.log, each.seq] = event
    return found


def _under(one: Entry, keys: set[bytes]) -> tuple[int, ...]:
    """Which parts of an entry are sealed under these keys."""
    return tuple(number for number, part in enumerate(one.parts) if number and part.key in keys)


def _ask(opened: Opened, event: Erased) -> Ask:
    return Ask(opened.entry.log, opened.entry.seq, opened.entry.hlc // 10**6, event.ground)


def _parsed(data: bytes) -> Entry | None:
    try:
        return entry.parse(data)
    except Untrusted:
        return None
