"""The author at his terminal: key files, manifests and signed updates, made by the commands themselves."""

from pathlib import Path
from typing import Any

from scmanager.adapters.author_key import parse_plain
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.manifest import TrustedKeys, walk
from tests.support.ledger import CONTENT, Server, policy_text


class Author:
    """Three keepers with a root key each, one release key, and a server: all of them files in one folder."""

    def __init__(self, scm: Any, folder: Path) -> None:
        self.scm, self.folder, self.server, self.line = scm, folder, Server(), ""
        self.public = {name: self._keygen(name) for name in ("root-0", "root-1", "root-2", "release", "release-2")}
        (folder / "release.zip").write_bytes(CONTENT)
        (folder / "policy").write_text(policy_text(), encoding="ascii")

    def _keygen(self, name: str) -> str:
        made = self.scm("author", "keygen", name.partition("-")[0], "--plain", "-o", self / name, "--json")
        assert made.code == 0, made.err
        return str(made.json["public"])

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def key(self, name: str) -> SigningKey:
        return parse_plain((self / name).read_bytes())

    def begin(self, line: str | None = None) -> str:
        """The ledger's id; the manifests lie in `keys`. `line`: a log's public key, else that of `server`."""
        roots = [word for n in range(3) for word in ("--root", self.public[f"root-{n}"])]
        vkey = line or issuing.vkey_of(self.server.log, self.server.origin)
        made = self.scm(
            "author", "manifest", *roots, "--release", self.public["release"], "--log", vkey,
            "--key", self / "root-0", "--key", self / "root-1", "-o", self / "keys", "--json",
        )  # fmt: skip
        assert made.code == 0, made.err
        assert (made.json["manifest"], made.json["missing"]) == (1, 0)
        return str(made.json["ledger"])

    def serve(self, at: str = "server") -> str:
        """A node that writes the ledger, in a folder of its own; the line of its log."""
        roots = [word for n in range(3) for word in ("--root", self.public[f"root-{n}"])]
        assert self.scm("init", at=at).code == 0
        made = self.scm("author", "init", *roots, "--json", at=at)
        assert made.code == 0, made.err
        self.line = str(made.json["log"])
        return self.line

    def append(self, *files: str, at: str = "server") -> list[Any]:
        """What came by stick is entered."""
        return [self.scm("author", "append", self / file, "--json", at=at) for file in files]

    def trusted(self, ledger: str, file: str) -> TrustedKeys:
        return walk(bytes.fromhex(ledger), submission.parse((self / file).read_bytes()))

    def sign_update(self, ledger: str, *more: object, manifests: str = "keys", output: str = "update") -> Any:
        return self.scm(
            "author", "sign-update", self / "release.zip", "--manifests", self / manifests, "--ledger", ledger,
            "--version", "1.1.0", "--channel", "stable", "--min-supported-version", "0.1.0",
            "--changelog-url", "https://example.org/1.1.0", "--type", "minor", *more, "-o", self / output,
        )  # fmt: skip
