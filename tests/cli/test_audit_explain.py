"""`scm audit explain`: which events made a value, by whom, what does not count and why, and a proof of each."""

from pathlib import Path

from ops import verify_bundle
from scmanager.domain.consent_texts import Purpose, current
from scmanager.eventstore import merkle
from scmanager.eventstore.checkpoint import Checkpoint, parse_note
from scmanager.master_ledger.proof import Proof
from tests.cli.conftest import Scm
from tests.cli.test_audit_replay import files_in


def let_in(nova: Scm, tmp_path: Path) -> str:
    """Another machine, an officer's; the member."""
    invitation, request = tmp_path / "invitation", tmp_path / "request"
    nova("role", "define", "Officer", 2, "--rights", "member.represent", "--rights", "fleet.manage")
    nova("init", at="b")
    member: str = nova("member", "invite", "-o", invitation, "--json").json["member"]
    nova("space", "request", invitation, "-o", request, at="b")
    nova("member", "admit", request, "--role", "Officer")
    carry(nova, tmp_path, "a", "b")
    assert nova("member", "join", "--handle", "Bo", at="b").code == 0
    carry(nova, tmp_path, "b", "a")
    return member


def carry(nova: Scm, tmp_path: Path, source: str, target: str) -> None:
    assert nova("space", "export", "-o", tmp_path / "space", at=source).code == 0
    assert nova("space", "import", tmp_path / "space", at=target).code == 0


def test_a_field_is_told_step_by_step_with_who_and_what_it_was_before(nova: Scm) -> None:
    nova("fleet", "form", "Home")
    nova("fleet", "rename", "Home", "Away")
    told = nova("audit", "explain", "Away.title", "--json").json
    assert (told["kind"], told["field"], told["value"]) == ("fleet", "title", "Away")
    changes = [(each["type"], one["before"], one["after"]) for each in told["steps"] for one in each["changed"]]
    assert changes == [("fleet.formed/1", "", "Home"), ("fleet.renamed/1", "Home", "Away")]
    assert {each["by"]["name"] for each in told["steps"]} == {"Vesper"}
    assert all(len(each["event"]) == 128 and each["grant"] and each["device"] for each in told["steps"])
    shown = nova("audit", "explain", "Away.name").out
    assert "Home -> Away" in shown
    assert "by Vesper (founder)" in shown


def test_what_planned_an_operation_is_told_without_what_became_of_it(nova: Scm) -> None:
    planned = nova("operation", "plan", "Jumptown", "2027-11-30T20:00", "3h", "--json").json
    assert nova("operation", "cancel", "Jumptown", "too-few").code == 0
    told = nova("audit", "explain", "Jumptown", "--kind", "operation", "--json").json
    changed = {each["field"]: (each["before"], each["after"]) for each in told["steps"][0]["changed"]}
    assert planned["operation"] == told["id"]
    assert changed["title"] == ("", "Jumptown")
    assert changed["window"][0] == ""
    assert "id" not in changed
    assert not [each for pair in changed.values() for each in pair if "cancelled" in each or "1970" in each]
    assert told["steps"][1]["changed"][0]["after"].startswith("cancelled")


def test_a_past_value_is_explained_as_of_then(nova: Scm) -> None:
    nova("fleet", "form", "Home")
    nova("fleet", "rename", "Home", "Away")
    told = nova("audit", "explain", "Home.title", "--until", 6, "--json").json
    assert (told["value"], len(told["steps"])) == ("Home", 1)
    assert nova("audit", "explain", "Home", "--until", 5).error == "name-unknown"


def test_an_event_is_told_by_its_id_with_what_it_changed(nova: Scm) -> None:
    nova("fleet", "form", "Home")
    event = nova("log", "show", "--type", "fleet.formed", "--json").json[0]["id"]
    told = nova("audit", "explain", event, "--json").json
    assert [each["event"][:64] for each in told["steps"]] == [event]
    assert {"field": "title", "before": "", "after": "Home"} in told["steps"][0]["changed"]
    first = nova("log", "show", "--type", "first", "--json").json[0]["id"]
    assert nova("audit", "explain", first[:16], "--json").json["kind"] == "entry"
    assert "first entry of a log" in nova("audit", "explain", first[:16]).out


def test_what_does_not_count_stands_there_with_its_reason_and_its_cause(nova: Scm, tmp_path: Path) -> None:
    member = let_in(nova, tmp_path)
    nova("fleet", "form", "Home")
    carry(nova, tmp_path, "a", "b")
    nova("member", "remove", member, "conduct")
    nova("fleet", "rename", "Home", "Mine", at="b")
    carry(nova, tmp_path, "b", "a")
    told = nova("audit", "explain", "Home.title", "--json").json
    formed, void = told["steps"]
    assert (told["value"], formed["valid"], void["valid"], void["reason"]) == ("Home", True, False, "cut-by-removal")
    removal = nova("log", "show", "--type", "grant.removed", "--json").json[0]["id"]
    assert void["because"] == removal
    assert void["by"]["name"] == "Bo"
    shown = nova("audit", "explain", "Home.title").out
    assert "It does not count (cut-by-removal)" in shown
    assert "said title: Mine" in shown


def test_what_two_set_at_once_is_told_with_how_it_was_settled(nova: Scm, tmp_path: Path) -> None:
    let_in(nova, tmp_path)
    nova("fleet", "form", "Home")
    carry(nova, tmp_path, "a", "b")
    nova("fleet", "rename", "Home", "Ours")
    nova("fleet", "rename", "Home", "Theirs", at="b")
    carry(nova, tmp_path, "b", "a")
    (open_,) = nova("audit", "explain", "Ours.title", "--json").json["contests"]
    assert ({each["value"] for each in open_["rivals"]}, open_["settled_in"]) == ({"Ours", "Theirs"}, None)
    assert "nobody settled it; the first holds" in nova("audit", "explain", "Ours.name").out
    assert nova("settle", "Ours", "name", "--choose", 2).code == 0
    settled = nova("audit", "explain", "Theirs.title", "--json").json
    (over,) = settled["contests"]
    assert (over["outcome"], over["settled_by"]["name"]) == ("Theirs", "Vesper")
    assert over["settled_in"] == settled["steps"][-1]["event"][:64]
    assert "settled by Vesper" in nova("audit", "explain", "Theirs.title").out


def test_words_that_were_erased_are_said_to_be_so_in_every_step(nova: Scm) -> None:
    member = nova("member", "record", "Ayla", "--json").json["member"]
    nova("member", "change-profile", "Ayla", "Bela")
    changes = nova("audit", "explain", f"{member}.profile", "--json").json["steps"]
    assert [each["changed"][0]["after"] for each in changes] == ["handle Ayla", "handle Bela"]
    assert nova("member", "erase", member).code == 0
    changes = nova("audit", "explain", f"{member}.profile", "--json").json["steps"]
    assert [each["changed"][0]["after"] for each in changes] == ["(erased)", "(erased)"]


def test_each_proof_leads_from_its_entry_to_a_head_that_the_log_signed(nova: Scm, tmp_path: Path) -> None:
    nova("fleet", "form", "Home")
    nova("fleet", "rename", "Home", "Away")
    before = files_in(tmp_path)
    told = nova("audit", "explain", "Away", "--proof", tmp_path / "proofs", "--json").json
    assert {path: before[path] for path in before} == {
        path: each for path, each in files_in(tmp_path).items() if path.parent != tmp_path / "proofs"
    }
    assert len(told["proofs"]) == len(told["steps"]) == 2
    for step, name in zip(told["steps"], told["proofs"], strict=True):
        proof = Proof.parse((tmp_path / "proofs" / name).read_bytes())
        width = int.from_bytes(proof.extra[:2], "big")
        data = proof.extra[2 : 2 + width]
        note = parse_note(proof.note)
        point = Checkpoint.parse(note.text)
        assert (proof.index, point.size) == (step["proved"]["index"], step["proved"]["size"])
        assert proof.leads_from(merkle.leaf_hash(data), point)
        assert not proof.leads_from(merkle.leaf_hash(data + b"?"), point)
        assert b"Home" not in proof.extra, "sealed"
        assert step["proved"]["note"].encode() == proof.note
    assert nova("audit", "explain", "Away", "--proof", tmp_path / "proofs").error == "target-taken"
    (key,) = (tmp_path / "proofs" / "logs").read_text(encoding="ascii").splitlines()
    assert [key] == told["log_keys"]
    assert f"log key  {key}" in nova("audit", "explain", "Away", "--proof", tmp_path / "again").out
    for name in told["proofs"]:
        assert verify_bundle.main([str(tmp_path / "proofs" / name), "--log", key]) == 0


def test_a_founder_is_not_the_organisation_that_bears_the_same_id(nova: Scm) -> None:
    nova("fleet", "form", "Home")
    member = nova("audit", "explain", "Vesper", "--json").json
    assert (member["kind"], member["name"]) == ("member", "Vesper")
    assert nova("audit", "explain", "Vesper.standing", "--json").json["kind"] == "member"
    assert nova("audit", "explain", "Vesper.profile", "--json").json["kind"] == "member"
    organisation = nova("audit", "explain", "Nova Halcyon.names", "--json").json
    assert (organisation["kind"], organisation["id"]) == ("organisation", member["id"])
    told = nova("audit", "explain", "Nova Halcyon.standing")
    assert "The kind organisation has no field standing." in told.err


def test_one_name_or_id_of_several_things_is_asked_about(nova: Scm) -> None:
    entity = nova("audit", "explain", "Nova Halcyon", "--json").json["id"]
    told = nova("audit", "explain", f"{entity}.profile")
    assert told.error == "audit-kind-unsaid"
    assert "member Vesper, organisation Nova Halcyon" in told.err
    assert "--kind" in told.err
    assert nova("audit", "explain", f"{entity}.profile", "--kind", "member", "--json").json["kind"] == "member"
    nova("member", "change-profile", "Vesper", "Nova Halcyon")
    assert nova("audit", "explain", "Nova Halcyon").error == "audit-kind-unsaid"


def test_what_is_not_there_is_refused(nova: Scm) -> None:
    nova("fleet", "form", "Home")
    assert nova("audit", "explain", "Nothing").error == "name-unknown"
    assert nova("audit", "explain", "Home.colour").error == "audit-field-unknown"
    dotted = nova("audit", "explain", "update 1.1.2")
    assert (dotted.error, "called update 1.1.2." in dotted.err) == ("name-unknown", True), dotted.err
    assert "called Hume.colour." in nova("audit", "explain", "Hume.colour").err
    assert nova("audit", "explain", "ffffffff").error == "name-unknown"
    assert "it is as such things begin" in nova("audit", "explain", "Home.lead").err


def test_of_a_list_only_what_an_event_changed_is_told(nova: Scm) -> None:
    assert nova("privacy", "consent", "statistics", "--yes").code == 0
    assert nova("privacy", "consent", "error-reports", "--yes").code == 0
    assert nova("privacy", "withdraw", "statistics").code == 0
    usage = f"statistics given to version {current(Purpose.STATISTICS)}"
    errors = f"error-reports given to version {current(Purpose.ERROR_REPORTS)}"
    (row,) = [
        each
        for each in nova("audit", "replay", "--space", "personal", "--json").json["things"]
        if each["kind"] == "consent"
    ]
    assert row["brief"] == f"statistics withdrawn, {errors}"
    asked = ("audit", "explain", row["id"], "--kind", "consent", "--space", "personal")
    moved = [each["changed"][0] for each in nova(*asked, "--json").json["steps"]]
    assert [(each["before"], each["after"]) for each in moved] == [
        ("", usage),
        ("", errors),
        (usage, "statistics withdrawn"),
    ]
    assert f"said: added {errors}" in nova(*asked).out


def test_words_of_people_make_no_line_that_looks_like_ours(nova: Scm) -> None:
    forged = "harmless\n\n2. 2026-01-01T00:00:00Z  member.removed/1  by Vesper (founder)\nGood: all of it holds."
    assert nova("org", "describe", forged).code == 0
    for asked in ("Nova Halcyon.profile", "Nova Halcyon"):
        told = nova("audit", "explain", asked)
        assert "Good: all of it holds." in told.out
        assert not [line for line in told.out.splitlines() if line.startswith(("2. 2026-01-01", "Good"))]
