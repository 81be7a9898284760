"""Verbs of members and devices that a node refuses, with nothing recorded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.application.erasing import SubjectWithoutKeys
from scmanager.application.members import DeviceUnknown, LogNotHere, NothingToChange
from scmanager.domain.catalogue import ROLES
from scmanager.domain.hangar_import import ImportUnknown
from scmanager.domain.organisation import OrganisationArchived
from scmanager.domain.role import RoleUnknown
from scmanager.runtime import Node
from tests.support.machines import Machine, found, officer_role

NOBODY, NOWHERE = b"n" * 16, b"w" * 32


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Machine(tmp_path, "ada").open() as opened:
        yield opened


@pytest.fixture
def space(node: Node) -> Iterator[bytes]:
    space = found(node)
    officer_role(node, space)
    before = node.store.last_pos()
    yield space
    assert node.store.last_pos() == before, "a refused verb leaves no trace"


def test_a_device_is_cut_only_by_its_owner(node: Node, space: bytes) -> None:
    with pytest.raises(DeviceUnknown):
        node.do("device.cut", space, {"device": NOWHERE})


def test_a_device_is_enrolled_only_once_its_log_is_here(node: Node, space: bytes) -> None:
    with pytest.raises(LogNotHere):
        node.do("device.enrol", space, {"log": NOWHERE, "device": NOWHERE, "box": NOWHERE})


def test_a_member_is_granted_nothing_before_his_log_is_here_or_without_a_role(node: Node, space: bytes) -> None:
    role = next(iter(_roles(node, space)))
    asked = {"member_id": NOBODY, "log": NOWHERE, "device": NOWHERE, "box": NOWHERE}
    with pytest.raises(LogNotHere):
        node.do("member.grant", space, asked | {"role_id": role})
    with pytest.raises(RoleUnknown):
        node.do("member.grant", space, asked | {"role_id": NOBODY})


def test_a_role_is_set_only_for_somebody_with_a_grant(node: Node, space: bytes) -> None:
    role = next(iter(_roles(node, space)))
    with pytest.raises(NothingToChange):
        node.do("member.set-role", space, {"member_id": NOBODY, "role_id": role})


def test_nothing_is_erased_of_somebody_nothing_was_written_about(node: Node, space: bytes) -> None:
    with pytest.raises(SubjectWithoutKeys):
        node.do("member.erase", space, {"member_id": NOBODY})


def test_an_import_that_never_was_is_not_undone(node: Node, space: bytes) -> None:
    with pytest.raises(ImportUnknown):
        node.do("hangar.undo-import", space, {"import_id": NOBODY})


def test_an_archived_organisation_ends_no_affiliation(tmp_path: Path) -> None:
    with Machine(tmp_path, "bob").open() as node:
        space = found(node)
        node.do("organisation.archive", space, {})
        with pytest.raises(OrganisationArchived):
            node.do("organisation.unaffiliate", space, {"other": NOBODY})


def _roles(node: Node, space: bytes) -> list[bytes]:
    return [role for role, _ in node.shelf.space(space).things(ROLES)]
