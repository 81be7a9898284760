"""What may be sent to the author, over the API."""

from typing import Any

from tests.support.api_node import Api

ASK = (
    "query ($space: ID!) { consents(space: $space) { purpose version consented withdrawn hash title sent withdraw } }"
)


def own_space(api: Api) -> str:
    spaces = api.ask("{ node { spaces { id kind } } }")["node"]["spaces"]
    return next((each["id"] for each in spaces if each["kind"] == "personal"), "") or str(
        api.do("personalFound")["space"]
    )


def asked(api: Api, space: str) -> dict[str, dict[str, Any]]:
    return {each["purpose"]: each for each in api.ask(ASK, space=space)["consents"]}


def test_a_consent_is_asked_for_given_and_withdrawn(api: Api) -> None:
    space = own_space(api)
    before = asked(api, space)
    assert list(before) == ["AUDIT_REPORTS", "STATISTICS", "ERROR_REPORTS", "HEALTH"]
    assert not any(each["consented"] for each in before.values())
    api.do("privacyConsent", f'space: "{space}", purpose: HEALTH, version: {before["HEALTH"]["version"]}')
    assert [each for each, said in asked(api, space).items() if said["consented"]] == ["HEALTH"]
    api.do("privacyWithdraw", f'space: "{space}", purpose: HEALTH')
    after = asked(api, space)["HEALTH"]
    assert (after["consented"], after["withdrawn"]) == (False, True)


def test_another_version_or_another_space_is_refused(api: Api) -> None:
    space = own_space(api)
    told = api.refused(f'mutation {{ privacyConsent(space: "{space}", purpose: HEALTH, version: 9) {{ pos }} }}')
    assert told["code"] == "consent-text-other"
    org = str(api.do("organisationFound", 'title: "Private", handle: "ada"')["space"])
    assert api.refused(ASK, space=org)["code"] == "verb-elsewhere"
    assert api.refused(ASK, space="00" * 32)["code"]
