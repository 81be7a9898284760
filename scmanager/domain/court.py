"""stand-in"""

from scmanager.domain.validity import judge


class Court:
    def __init__(self, space, check):
        self._check = check
        self._facts = {}
        self.space = space
        self.verdicts = judge(space, [], check)
        self._old = {}

    def admit(self, facts):
        for f in facts:
            self._facts[f.id] = f
        self.verdicts = judge(self.space, self._facts.values(), self._check)
        new = dict(self.verdicts.entries)
        changed = {k for k, v in new.items() if self._old.get(k) != v}
        self._old = new
        return changed

    def verdict(self, id32):
        return self.verdicts.entries[id32]

    def grant(self, id32):
        return self.verdicts.grants[id32].grant
