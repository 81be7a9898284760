"""An author with a published ledger, and the folder of a player who follows it."""

from typing import Any

from scmanager.master_ledger import submission
from tests.support.author import Author
from tests.support.ledger import plugin


class Home:
    """Begun with one update, published; the player has a folder and nothing in it. `begin` makes it."""

    def __init__(self, author: Author, ledger: str) -> None:
        self.author, self.ledger, self.public = author, ledger, author / "public"
        self.words = ("--ledger", ledger, "--policy", author / "nobody")

    def publish(self) -> None:
        assert self.author.scm("author", "publish", self.public, at="server").code == 0

    def say(self, **changed: Any) -> None:
        """The author signs a plugin's entry, enters and publishes it."""
        made = submission.make(plugin(bytes.fromhex(self.ledger), **changed), [self.author.key("release")])
        (self.author / "plugin").write_bytes(submission.encode([made]))
        assert self.author.append("plugin")[0].code == 0
        self.publish()

    def scm(self, *words: object) -> Any:
        return self.author.scm("ledger", *words, *self.words, "--json")

    def fetch(self, source: object = None) -> Any:
        return self.scm("fetch", source or self.public, "--entries")
