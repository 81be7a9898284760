"""What may be installed with us, by licence."""

import pytest

from ops.licences import ROOT, Package, installed, is_allowed, runtime_names


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MIT License", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("(GPL-3.0-only OR MIT)", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT License; GNU General Public License v3 (GPLv3)", False),
        ("GPL-2.0-or-later", False),
        ("AGPL-3.0-only", False),
        ("LGPL-3.0-only", False),
        ("GNU General Public License (GPL)", False),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_a_licence_is_taken_only_if_it_is_on_the_list(licence: str, allowed: bool) -> None:
    assert is_allowed(Package("somebody-elses", licence)) is allowed


def test_an_exception_is_for_one_package_and_one_licence() -> None:
    assert is_allowed(Package("psycopg", "LGPL-3.0-only"))
    assert is_allowed(Package("psycopg_binary", "LGPL-3.0-only"))
    assert not is_allowed(Package("psycopg", "GPL-3.0-only"))
    assert not is_allowed(Package("psycopg-pool", "LGPL-3.0-only"))


def test_what_runs_is_what_the_lock_names() -> None:
    names = runtime_names((ROOT / "requirements" / "base.txt").read_text(encoding="utf-8"))
    assert {"msgspec", "fastapi", "starlette", "psycopg-binary"} <= set(names)
    assert "pytest" not in names
    found = {package.name for package in installed(names)}
    assert {"msgspec", "fastapi", "starlette", "psycopg-binary"} <= found <= set(names)


def test_a_package_that_names_no_licence_is_judged_by_the_text_it_brings() -> None:
    assert installed(["automerge"]) == [Package("automerge", "mit")]
    assert not is_allowed(Package("automerge", "UNKNOWN"))
