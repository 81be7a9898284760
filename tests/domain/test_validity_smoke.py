from tests.support.validity_model import Model
from tests.support.world import TABLE, World, check


def test_smoke():
    w = World()
    bob = w.grant(w.founder, "bob", 2)
    n = w.note(bob)
    phone = w.enrol(bob, "bob phone")
    t = w.note(phone)
    v = w.judge()
    assert all(x.valid for x in v.entries.values()), v
    [a] = Model(w.space, w.facts, check, TABLE).answers()
    assert all(a.values())
