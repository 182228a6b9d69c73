# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that checks whether the keys work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import datadog_account_info
from fake_datadog import FakeApi

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(fake_api: FakeApi, run_module: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Ask:
    # The pauses between attempts are the client's, and tested there.
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    reads = {"v1/query": {"status": "ok", "series": []}, "v1/dashboard": {"dashboards": []}, "v1/monitor": [],
             "v2/downtime": {"data": []}}  # fmt: skip
    for path, answer in reads.items():
        fake_api.routes[f"/api/{path}"] = lambda query, answer=answer: (200, answer)

    def run(**arguments: Any) -> dict[str, Any]:
        keys = {"api_key": fake_api.api_key, "app_key": fake_api.app_key, "api_url": fake_api.url}
        given = {name: value for name, value in {**keys, **arguments}.items() if value is not None}
        result = run_module(datadog_account_info, **given)
        assert not result["failed"] and result["changed"] is False
        for name in ("api_key", "app_key"):
            assert not arguments.get(name) or arguments[name] not in str(result)
        return result

    return run


def outcome(result: dict[str, Any]) -> tuple[bool | None, bool | None]:
    return result["api_key_valid"], result["app_key_valid"]


@pytest.mark.parametrize("check", [False, True])
def test_both_keys_work(ask: Ask, fake_api: FakeApi, check: bool) -> None:
    result = ask(check=check)
    assert outcome(result) == (True, True)
    assert result["problems"] == [] and result["api_url"] == fake_api.url


def test_environment_is_the_fallback(ask: Ask, fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DD_API_KEY", fake_api.api_key)
    monkeypatch.setenv("DD_APP_KEY", fake_api.app_key)
    monkeypatch.setenv("DATADOG_HOST", fake_api.url)
    assert outcome(ask(api_key=None, app_key=None, api_url=None)) == (True, True)


def test_wrong_api_key(ask: Ask) -> None:
    result = ask(api_key="c" * 32)
    assert outcome(result) == (False, None)
    (problem,) = result["problems"]
    assert problem.startswith("datadog_api_key is not valid") and "403 Forbidden" in problem


def test_invalid_key_in_a_successful_response(ask: Ask, fake_api: FakeApi) -> None:
    fake_api.routes["/api/v1/validate"] = lambda query: (200, {"valid": False})
    assert outcome(ask()) == (False, None)


def test_wrong_app_key(ask: Ask) -> None:
    result = ask(app_key="c" * 40)
    assert outcome(result) == (True, False)
    (problem,) = result["problems"]
    assert problem.startswith("datadog_app_key cannot read anything")


@pytest.mark.parametrize(
    ("path", "scope"),
    [("v1/query", "timeseries_query"), ("v1/dashboard", "dashboards_read"), ("v1/monitor", "monitors_read"),
     ("v2/downtime", "monitors_downtime")],
)  # fmt: skip
def test_app_key_without_all_permissions(ask: Ask, fake_api: FakeApi, path: str, scope: str) -> None:
    fake_api.routes[f"/api/{path}"] = lambda query: (403, {"errors": ["Forbidden"]})
    result = ask()
    assert outcome(result) == (True, False)
    (problem,) = result["problems"]
    assert f"lacks the scope {scope}" in problem


def test_missing_app_key_does_not_hide_a_wrong_api_key(ask: Ask) -> None:
    result = ask(api_key="c" * 32, app_key="")
    assert outcome(result) == (False, None)
    assert [problem.split()[0] for problem in result["problems"]] == ["datadog_app_key", "datadog_api_key"]


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        ({"api_key": None, "app_key": None}, ["datadog_api_key", "datadog_app_key"]),
        ({"api_url": "datadoghq.com"}, ["datadog_api_url"]),
        ({"api_url": "", "site": "https://app.datadoghq.com"}, ["datadog_site"]),
    ],
)
def test_settings_are_reported_without_a_call(
    ask: Ask, fake_api: FakeApi, arguments: dict[str, Any], variables: list[str]
) -> None:
    result = ask(**arguments)
    assert outcome(result) == (None, None) and not fake_api.calls
    assert [problem.split()[0] for problem in result["problems"]] == variables


def test_api_is_unreachable(ask: Ask, fake_api: FakeApi) -> None:
    fake_api.faults = [(503, "<h1>away</h1>")] * 9
    result = ask()
    assert outcome(result) == (None, None)
    (problem,) = result["problems"]
    assert "503 away" in problem and len(fake_api.calls) == 3
