"""The registry of the author's ledger: updates by channel, plugins with their whole history (SPEC A3, A4; ADR 21).

Only what counts by the manifests in the same log has a row. Whose ledger that is stands in each row: anybody can
found a space of kind `author`. Which of them this installation trusts, and what counts once the ledger has several
logs, `adapters.ledger_spaces` says.
"""

from collections.abc import Iterator

from scmanager.domain.catalogue import REGISTRY
from scmanager.domain.counting import PluginCounted, rating_tenths
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.ledger import KeysPublished, Plugin, PluginSigned, Signed, Update, UpdateSigned
from scmanager.domain.registry import Register, Statement
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.registry import Registered, Registry, counts
from scmanager.projections.copy_text import NULL, flag, ident, line, number, seconds, text, texts
from scmanager.projections.read_model import Look, ReadModel, Row, Table
from scmanager.spaces.ledger import Entered, keys_of


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """The rows of a register: of all updates and plugins that count by its keys, what is said again too."""
    register: Register = look.state(REGISTRY, entity)
    if look.kind != "author" or not register.statements:
        return
    keys = keys_of(Entered(each.index, each.said) for each in register.statements)
    if keys is None:
        return
    registry = Registry(keys)
    ordered = sorted(_registered(look, register.statements), key=lambda each: _place(keys, each))
    told = [one for one in ordered if registry.enter(one) or counts(one, keys)]
    for counted in register.counts:
        registry.count(counted)
    updates = {each.event_id: place for place, each in enumerate(registry.updates())}
    last = {each.event_id: _plugin(each).id for each in registry.plugins()}
    history = {each.event_id: place for id_ in last.values() for place, each in enumerate(registry.plugin(id_))}
    for one in told:
        if isinstance(one.said, UpdateSigned):
            settled = registry.update(_update(one).version) == one
            yield (
                "registered_update",
                _update_line(look, entity, keys, one, updates.get(one.event_id), settled=settled),
            )
        else:
            found = registry.counts(last[one.event_id]) if one.event_id in last else None
            place, holds = history.get(one.event_id), one.event_id in last
            yield "registered_plugin", _plugin_line(look, entity, keys, one, place, found, holds=holds)


def _registered(look: Look, statements: tuple[Statement, ...]) -> Iterator[Registered]:
    for each in statements:
        held = look.scene.words.get(each.entry)
        if held is not None and isinstance(each.said, UpdateSigned | PluginSigned):
            yield Registered(each.log, each.index, held[0].entry.id, each.said)


def _place(keys: TrustedKeys, one: Registered) -> tuple[int, int]:
    """Log by log, as the manifest lists them."""
    logs = [each.log for each in keys.ledger_logs()]
    return logs.index(one.log) if one.log in logs else len(logs), one.index


def _update(one: Registered) -> Update:
    said = one.said.statement
    assert isinstance(said, Update)
    return said


def _plugin(one: Registered) -> Plugin:
    said = one.said.statement
    assert isinstance(said, Plugin)
    return said


def _update_line(
    look: Look, entity: Id, keys: TrustedKeys, one: Registered, place: int | None, *, settled: bool
) -> str:
    said = _update(one)
    return line(
        ident(look.space), ident(entity), ident(keys.ledger), number(place or 0), flag(place is not None),
        text(said.version), said.channel.value, flag(settled), text(said.content_hash),
        text(said.min_supported_version), said.update_type.value, number(said.size_bytes), seconds(said.signed_at),
        text(said.changelog_url), *_proved(keys, one),
    )  # fmt: skip


def _plugin_line(
    look: Look,
    entity: Id,
    keys: TrustedKeys,
    one: Registered,
    place: int | None,
    counted: PluginCounted | None,
    *,
    holds: bool,
) -> str:
    said = _plugin(one)
    searched = "\n".join((said.id, said.name, said.author, said.description)).lower()
    return line(
        ident(look.space), ident(entity), ident(keys.ledger), number(place or 0), flag(place is not None),
        flag(holds), text(said.id), text(said.version), text(said.name), text(said.name.lower()), text(said.author),
        text(said.description), text(searched), text(said.content_hash), texts(said.permissions),
        text(said.required_core_version), ident(said.tos_compliance_hash), said.audit_status.value,
        said.category.value, seconds(said.registered_at), seconds(said.updated_at), *_counted(counted),
        *_proved(keys, one),
    )  # fmt: skip


def _counted(said: PluginCounted | None) -> tuple[str, str, str]:
    if said is None:
        return number(0), number(0), NULL
    tenths = rating_tenths(said)
    return number(said.downloads), number(said.votes), NULL if tenths is None else f"{tenths // 10}.{tenths % 10}"


def _proved(keys: TrustedKeys, one: Registered) -> tuple[str, ...]:
    """The signature of a release key that counts, and where a proof begins."""
    known = keys.release_at(one.log, one.index).keys
    signed: Signed = next(each for each in one.said.signatures if each.key in known)
    return ident(signed.key), ident(signed.signature), ident(one.log), number(one.index), ident(one.event_id)


def _words(state: State) -> Iterator[Id32]:
    """No words, but the entries: their ids are asked for."""
    if isinstance(state, Register):
        yield from (each.entry for each in state.statements if not isinstance(each.said, KeysPublished))


MODEL = ReadModel(
    "registry", (Table("registered_update", "registry"), Table("registered_plugin", "registry")), (REGISTRY,), rows,
    _words,
)  # fmt: skip
