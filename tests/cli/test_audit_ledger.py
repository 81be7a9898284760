"""`scm audit replay` of the author's ledger: which keys held then, what was published, which log is its own."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from scmanager.application import replaying
from scmanager.cli.audit_ledger import SHOWN_MAX, UNFOUNDED, shown
from scmanager.domain.ledger import UpdateSigned
from scmanager.eventstore.checkpoint import parse_note
from scmanager.master_ledger import submission
from scmanager.master_ledger.cosignature import cosign
from tests.cli.test_anchoring import PEERS
from tests.cli.test_author import FORM
from tests.support.author import Author
from tests.support.ledger import WITNESSES, name_of


def test_the_ledger_says_what_it_said_then_and_is_compared_with_its_folder(author: Author, tmp_path: Path) -> None:
    author.begin(author.serve())
    assert author.append("keys")[0].code == 0
    scm, folder = author.scm, tmp_path / "shown"
    assert scm("author", "publish", folder, at="server").code == 0
    whole = scm("audit", "replay", "--published", folder, "--json", at="server").json
    assert whole["ledger"]["published"] is True
    assert whole["ledger"]["manifests"] == 1
    first = scm("audit", "replay", "--until", 1, "--published", folder, "--json", at="server").json
    assert (first["ledger"]["manifests"], first["ledger"]["newest_manifest"]) == (0, None)
    shown = scm("audit", "replay", "--from", folder, "--json", at="nobody").json
    assert (shown["digest"], shown["frontier"]) == (whole["digest"], whole["frontier"])
    for bundle in (folder / "tile" / "entries").rglob("*"):
        if bundle.is_file():
            bundle.write_bytes(bundle.read_bytes()[:-1] + b"?")
    assert scm("audit", "replay", "--from", folder, at="nobody").code == 1


def cosigned(note: bytes) -> bytes:
    """This head as witnesses see it now."""
    text, at_s = parse_note(note).text, int(time.time())
    return note + b"".join(cosign(text, name_of(each), each, at_s) for each in WITNESSES)


def entered(author: Author) -> str:
    """Ten entries: the second manifest retires what the first one trusted. Gives the public key of a server."""
    ledger, scm = author.begin(author.serve()), author.scm

    def done(*words: object) -> None:
        told = scm("author", *words, at="server")
        assert told.code == 0, told.err

    def plugin(status: str, key: str, manifests: str) -> None:
        form = FORM | {"id": "nova.map", "audit_status": status}
        (author / "form").write_text(json.dumps(form), encoding="utf-8")
        done(
            "sign-plugin", author / "release.zip", "--manifests", author / manifests, "--ledger", ledger, "--entry",
            author / "form", "--key", author / key, "-o", author / f"plugin-{key}",
        )  # fmt: skip
        done("append", author / f"plugin-{key}")

    done("append", author / "keys")
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    done("append", author / "update")
    done("publish", author / "early")
    server = str(scm("author", "keygen", "server", "--plain", "-o", author / "server.key", "--json").json["public"])
    done("name-server", server)
    for n, each in enumerate(PEERS[:2]):
        (author / f"peer-{n}").write_bytes(each.head(40))
    done("anchor", author / "peer-0", author / "peer-1")
    plugin("pass", "release", "keys")
    row = {"plugin": "nova.map", "downloads": 12, "votes": 4, "rating_sum": 18, "until": 1_700_000_100}
    (author / "counts").write_text(json.dumps(row) + "\n", encoding="ascii")
    done("count", author / "counts")
    (author / "head").write_bytes(cosigned((author / "early" / "checkpoint").read_bytes()))
    done(
        "revoke", author.public["release"], "--after", author / "keys", "--head", author / "head", "--policy",
        author / "policy", "--instead", author.public["release-2"], "--key", author / "root-0", "--key",
        author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    done("append", author / "keys-2")
    plugin("blocked", "release-2", "keys-2")
    made = author.sign_update(
        ledger, "--version", "1.2.0", "--key", author / "release-2", manifests="keys-2", output="next"
    )
    assert made.code == 0, made.err
    done("append", author / "next")
    done("publish", author / "public")
    return server


def test_the_ledger_names_its_keys_and_what_was_published_as_of_then(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = entered(author)

    def then(size: int) -> dict[str, Any]:
        told = author.scm("audit", "replay", "--from", author / "public", "--until", size, "--json", at="nobody")
        assert told.code == 0, told.err
        found = told.json["ledger"]
        assert isinstance(found, dict)
        return found

    before, revoked, now = then(7), then(8), then(10)
    assert then(1)["keys"] is None
    assert (before["keys"]["n"], revoked["keys"]["n"], now["keys"]["n"]) == (1, 2, 2)
    assert before["keys"]["root"] == {"m": 2, "keys": sorted(author.public[f"root-{n}"] for n in range(3))}
    assert (before["keys"]["release"]["keys"], before["keys"]["retired"]) == ([author.public["release"]], [])
    (log,) = now["keys"]["logs"]
    assert now["keys"]["release"]["keys"] == [author.public["release-2"]]
    upto = [{"log": log["log"], "size": 3}]
    assert now["keys"]["retired"] == [{"key": author.public["release"], "upto": upto}]
    assert before["id"] == now["id"]

    (update,) = before["listed_updates"]
    (signed,) = submission.parse((author / "update").read_bytes())
    assert isinstance(signed, UpdateSigned)
    assert (update["version"], update["channel"], update["index"]) == ("1.1.0", "stable", 2)
    assert update["content_hash"] == signed.statement.content_hash
    assert [each["version"] for each in revoked["listed_updates"]] == ["1.1.0"], "below the head of its revocation"
    assert [each["version"] for each in now["listed_updates"]] == ["1.2.0", "1.1.0"]

    (plugin,) = before["listed_plugins"]
    assert (plugin["id"], plugin["status"], plugin["index"]) == ("nova.map", "pass", 5)
    assert (plugin["downloads"], plugin["votes"], plugin["rating_tenths"]) == (12, 4, 45)
    assert (revoked["plugins"], revoked["plugins_held"]) == (1, 0), "signed by a key that the manifest retired before"
    assert [(each["status"], each["downloads"]) for each in now["listed_plugins"]] == [("blocked", 12)]

    assert (then(3)["servers_named"], then(4)["anchors"], then(6)["counted"]) == (0, 0, 0)
    assert [each["key"] for each in then(4)["listed_servers"]] == [server]
    assert (then(5)["anchors"], then(7)["counted"]) == (2, 1)

    monkeypatch.setattr(replaying, "LISTED_MAX", 1)
    few = then(10)
    assert (few["updates_held"], [each["version"] for each in few["listed_updates"]]) == (2, ["1.2.0"])


def test_the_same_in_words_with_keys_in_full(author: Author) -> None:
    entered(author)
    said = author.scm("audit", "replay", "--published", author / "public", at="server")
    assert said.code == 0, said.err
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    for key in (author.public["root-0"], author.public["release-2"]):
        assert any(key in line for line in lines), key
    assert any(line.startswith(f"retired {author.public['release']}, counts up to 3 of log ") for line in lines)
    assert any(line.startswith("update 1.2.0 stable bafkrei") for line in lines)
    assert any(line.startswith("plugin nova.map ") and "blocked" in line for line in lines)
    assert "the folder shows the same" in said.out
    assert any("6 statements, the newest: update 1.2.0 stable" in line for line in lines)
    early = author.scm("audit", "replay", "--published", author / "early", at="server")
    assert early.code == 0
    assert "the folder has only 3 of 10 entries" in early.out


def test_a_folder_that_shows_other_entries_ends_in_a_failure(author: Author) -> None:
    author.begin(author.serve())
    author.serve("other")
    assert author.scm("author", "publish", author / "foreign", at="other").code == 0
    told = author.scm("audit", "replay", "--published", author / "foreign", at="server")
    assert told.code == 1
    assert "the folder shows OTHER entries" in told.out


def test_a_long_ledger_is_told_in_few_lines() -> None:
    rows = [str(n) for n in range(SHOWN_MAX + 3)]
    assert shown("update", rows, len(rows) + 5) == [
        *(f"update    {n}" for n in range(SHOWN_MAX)), "          and 8 more: --json lists up to 1000"
    ]  # fmt: skip
    assert shown("update", rows[:1], 1) == ["update    0"]


def test_the_ledger_s_log_is_the_one_that_its_newest_manifest_names_and_not_the_longest(
    author: Author, tmp_path: Path
) -> None:
    author.begin(author.serve())
    author.append("keys")
    for n in range(4):
        made = author.scm("author", "keygen", "server", "--plain", "-o", author / f"server-{n}.key", "--json")
        assert author.scm("author", "name-server", made.json["public"], at="server").code == 0
    for mark in (tmp_path / "server.state").glob("*.mark"):
        mark.unlink()  # In doubt whether it is a copy, the machine goes on with another log.
    assert author.append("keys")[0].error == "log-not-open"
    line = author.scm("author", "log", "--json", at="server").json["log"]
    made = author.scm(
        "author", "manifest", "--after", author / "keys", "--log", line, "--key", author / "root-0", "--key",
        author / "root-1", "-o", author / "keys-2",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert author.append("keys-2")[0].code == 0
    told = author.scm("audit", "replay", "--json", at="server").json
    sizes = {each["log"]: each["size"] for each in told["heads"]}
    old, new = [each["log"] for each in told["ledger"]["keys"]["logs"]]
    assert sizes[old] > sizes[new], "what it is about"
    assert (told["ledger"]["size"], told["ledger"]["newest_manifest"]) == (sizes[new], 2)
    ledger = told["ledger"]["id"]
    assert author.scm("audit", "replay", "--ledger", ledger[:16], "--json", at="server").json == told
    other = author.scm("audit", "replay", "--ledger", "0" * 16, at="server")
    assert (other.code, other.error) == (1, "audit-several-ledgers")
    later = author / "later"
    assert author.scm("author", "publish", later, at="server").code == 0
    assert author.scm("audit", "verify", later, "--full", at="nobody").code == 0
    alone = author.scm("audit", "replay", "--from", later, "--json", at="nobody")
    assert alone.code == 0, alone.err
    before = {"servers_named": 0, "listed_servers": []}  # That stands in the log before.
    assert alone.json["ledger"] == told["ledger"] | before
    shown = author.scm("audit", "replay", "--from", later, at="nobody")
    assert "keys of manifest 2" in shown.out
    assert "void" not in shown.out
    assert UNFOUNDED in shown.err
    assert "Nothing stood then." not in shown.err
    first = author.scm("audit", "replay", "--from", later, "--until", 1, at="nobody")
    assert (first.code, UNFOUNDED in first.err) == (1, True), "no manifest stood there yet: nothing can be judged"
    event = alone.json["heads"][0]["head"]
    assert UNFOUNDED in author.scm("audit", "explain", event, "--from", later, at="nobody").err
