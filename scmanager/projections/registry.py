"""The registry of the author's ledger: updates by channel, plugins with their whole history (SPEC A3, A4; ADR 21).

Each log of a ledger is a space. Only what counts by the newest manifests that any of them holds has a row, and what
holds of a version or a plugin is asked of all of them together. Whose ledger that is stands in each row: anybody can
found a space of kind `author`. Which of them this installation trusts `adapters.ledger_spaces` says.
"""

from collections.abc import Iterator, Sequence

from scmanager.domain.catalogue import REGISTRY
from scmanager.domain.counting import PluginCounted, rating_tenths
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.ledger import KeysPublished, Plugin, PluginSigned, Signed, Update, UpdateSigned
from scmanager.domain.registry import Register, Statement
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.registry import Registered, Registry
from scmanager.projections.copy_text import NULL, flag, ident, line, number, seconds, text, texts
from scmanager.projections.read_model import Look, ReadModel, Row, Table
from scmanager.spaces.ledger import Entered, keys_of


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """The rows of a register: those of its updates and plugins that count, judged with all logs of the ledger."""
    register: Register = look.state(REGISTRY, entity)
    own = _keys(register)
    if look.kind != "author" or own is None:
        return
    every = [(found, each) for each in look.beside(REGISTRY) if (found := _keys(each)) and found.ledger == own.ledger]
    keys = max((found for found, _ in every), key=lambda found: found.manifest.n, default=own)
    registry = _judged(look, keys, [each for _, each in every])
    here = {each.log for each in register.statements}
    for place, one in enumerate(registry.updates()):
        if one.log in here:
            settled = registry.update(_update(one).version) == one
            yield "registered_update", _update_line(look, entity, keys, one, place, settled=settled)
    for last in registry.plugins():
        id_ = _plugin(last).id
        for place, one in enumerate(registry.plugin(id_)):
            if one.log in here:
                counts = registry.counts(id_) if one == last else None
                yield "registered_plugin", _plugin_line(look, entity, keys, one, place, counts, one == last)


def _keys(register: Register) -> TrustedKeys | None:
    return keys_of(Entered(each.index, each.said) for each in register.statements)


def _judged(look: Look, keys: TrustedKeys, registers: Sequence[Register]) -> Registry:
    """Log by log, as the manifest lists them."""
    registry, logs = Registry(keys), [each.log for each in keys.ledger_logs()]
    statements = [each for register in registers for each in register.statements if each.log in logs]
    for each in sorted(statements, key=lambda each: (logs.index(each.log), each.index)):
        if isinstance(each.said, UpdateSigned | PluginSigned):
            registry.enter(Registered(each.log, each.index, _event_id(look, each), each.said))
    for counted in (counted for register in registers for counted in register.counts):
        registry.count(counted)
    return registry


def _event_id(look: Look, one: Statement) -> bytes:
    """Whole where its own space is looked at; of the others it is not told."""
    held = look.scene.words.get(one.entry)
    return held[0].entry.id if held else one.entry


def _update(one: Registered) -> Update:
    said = one.said.statement
    assert isinstance(said, Update)
    return said


def _update_line(look: Look, entity: Id, keys: TrustedKeys, one: Registered, place: int, *, settled: bool) -> str:
    said = _update(one)
    return line(
        ident(look.space), ident(entity), ident(keys.ledger), number(place), text(said.version), said.channel.value,
        flag(settled), text(said.content_hash), text(said.min_supported_version), said.update_type.value,
        number(said.size_bytes), seconds(said.signed_at), text(said.changelog_url), *_proved(keys, one),
    )  # fmt: skip


def _plugin(one: Registered) -> Plugin:
    said = one.said.statement
    assert isinstance(said, Plugin)
    return said


def _plugin_line(
    look: Look, entity: Id, keys: TrustedKeys, one: Registered, place: int, counts: PluginCounted | None, holds: bool
) -> str:
    said = _plugin(one)
    searched = "\n".join((said.id, said.name, said.author, said.description)).lower()
    return line(
        ident(look.space), ident(entity), ident(keys.ledger), number(place), flag(holds), text(said.id),
        text(said.version), text(said.name), text(said.name.lower()), text(said.author), text(said.description),
        text(searched), text(said.content_hash), texts(said.permissions), text(said.required_core_version),
        ident(said.tos_compliance_hash), said.audit_status.value, said.category.value, seconds(said.registered_at),
        seconds(said.updated_at), *_counted(counts), *_proved(keys, one),
    )  # fmt: skip


def _counted(counts: PluginCounted | None) -> tuple[str, str, str]:
    if counts is None:
        return number(0), number(0), NULL
    tenths = rating_tenths(counts)
    return number(counts.downloads), number(counts.votes), NULL if tenths is None else f"{tenths // 10}.{tenths % 10}"


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
    _words, together=True,
)  # fmt: skip
