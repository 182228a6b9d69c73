"""The stand-in Agent's datadog.yaml: precedence, secrets, host name, and errors without secrets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_custom_check import GO_CHECKS

sys.path.append(str(Path(__file__).parents[4] / "lab" / "agent"))

from standin_agent import go_checks
from standin_agent.config import Config, ConfigError

BACKEND = """#!/bin/sh
read -r question
case "$question" in
    *'"version": "1.0"'*) echo '{"key": {"value": "s3cr3t-key", "error": null}, "bad": {"error": "no such"}}' ;;
esac
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DD_API_KEY", "DD_TAGS", "DD_SITE", "DD_HOSTNAME", "DD_URL", "DD_DD_URL", "DD_ENV"):
        monkeypatch.delenv(name, raising=False)


def load(folder: Path, text: str) -> Config:
    path = folder / "datadog.yaml"
    path.write_text(text, encoding="utf-8")
    return Config(path)


def test_environment_wins_and_separates_lists_with_spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DD_TAGS", "a:b c:d")
    monkeypatch.setenv("DD_ENV", "staging")
    config = load(tmp_path, "hostname: h\ntags: [x:y]\napi_key: '0012'\napm_config: {enabled: false}\n")
    assert config.host_tags == ["a:b", "c:d", "env:staging"]
    assert config.api_key == "0012"
    assert config.get("apm_config.enabled") is False
    assert config.get("not.there") is None


# Rules of the genuine Agent (pkg/util/hostname/validate).
@pytest.mark.parametrize(
    "name", ["LocalHost", "localhost.localdomain", "ip6-localhost", "under_score", "-x", "x-", "a b", "a..b", "x" * 256]
)
def test_invalid_host_name_is_ignored(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "node-1")
    config = load(tmp_path, f"hostname: '{name}'\n")
    assert (config.hostname, config.hostname_source) == ("node-1", "os")


@pytest.mark.parametrize("name", ["a", "localhost.example.com", "10.0.0.1", "A-b.c", "x" * 70])
def test_valid_host_name_is_used(tmp_path: Path, name: str) -> None:
    config = load(tmp_path, f"hostname: '{name}'\n")
    assert (config.hostname, config.hostname_source) == (name, "configuration")


def test_host_name_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "name").write_text("from-a-file\n", encoding="ascii")
    config = load(tmp_path, f"hostname: under_score\nhostname_file: {tmp_path / 'name'}\n")
    assert (config.hostname, config.hostname_source) == ("from-a-file", "hostnameFile")


# Where keys are validated (comp/forwarder/defaultforwarder/forwarder_health.go).
@pytest.mark.parametrize(
    ("settings", "intake", "api"),
    [
        ("", "https://7-99-0-app.agent.datadoghq.com", "https://api.datadoghq.com"),
        ("site: datadoghq.eu\n", "https://7-99-0-app.agent.datadoghq.eu", "https://api.datadoghq.eu"),
        ("site: us3.datadoghq.com\n", "https://7-99-0-app.agent.us3.datadoghq.com", "https://api.us3.datadoghq.com"),
        ("dd_url: https://app.datadoghq.com/\n", "https://app.datadoghq.com", "https://api.datadoghq.com"),
        ("dd_url: http://proxy:8080/\n", "http://proxy:8080", "http://proxy:8080"),
        ("site: my.site\n", "https://7-99-0-app.agent.my.site", "https://7-99-0-app.agent.my.site"),
    ],
)
def test_addresses_of_intake_and_key_validation(tmp_path: Path, settings: str, intake: str, api: str) -> None:
    config = load(tmp_path, f"hostname: h\n{settings}")
    assert (config.intake_url, config.api_url) == (intake, api)


def backend(folder: Path, mode: int) -> str:
    command = folder / "backend"
    command.write_text(BACKEND, encoding="ascii")
    command.chmod(mode)
    return f"hostname: h\nsecret_backend_command: {command}\n"


def test_secrets_are_resolved_and_never_shown(tmp_path: Path) -> None:
    config = load(tmp_path, backend(tmp_path, 0o700) + "api_key: ENC[key]\nsecret_note: ENC[kept]\n")
    assert config.api_key == "s3cr3t-key"
    assert config.get("secret_note") == "ENC[kept]"
    assert "s3cr3t" not in config.scrub("the key is s3cr3t-key")


def test_group_may_run_the_secret_command_if_allowed(tmp_path: Path) -> None:
    allowed = "secret_backend_command_allow_group_exec_perm: true\n"
    assert load(tmp_path, backend(tmp_path, 0o750) + allowed + "api_key: ENC[key]\n").api_key == "s3cr3t-key"
    with pytest.raises(ConfigError, match="grant others nothing"):
        load(tmp_path, backend(tmp_path, 0o770) + allowed + "api_key: ENC[key]\n")


def test_commands_that_query_the_agent_need_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "datadog.yaml"
    path.write_text("hostname: h\napi_key: ENC[key]\nsecret_backend_command: /not/there\n", encoding="utf-8")
    assert Config(path, resolve=False).hostname == "h"


@pytest.mark.parametrize(
    ("mode", "handle", "problem"),
    [
        (0o701, "key", "grant others nothing"),
        (0o750, "key", "grant others nothing"),
        (0o600, "key", "must be executable"),
        (0o700, "bad", "secret bad: no such"),
        (0o700, "absent", "secret absent: the command did not return it"),
    ],
)
def test_unresolvable_secret_is_an_error(tmp_path: Path, mode: int, handle: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(tmp_path, backend(tmp_path, mode) + f"api_key: ENC[{handle}]\n")


@pytest.mark.parametrize("text", ["api_key: [topsecret", "- topsecret\n", "api_key: 'topsecret\n  x: y: z"])
def test_error_in_a_file_names_it_without_its_content(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "datadog.yaml") in str(caught.value)
    assert "topsecret" not in str(caught.value)


def test_go_checks_are_those_that_the_role_refuses_code_for() -> None:
    # Python module names cannot contain a dash.
    assert {name for name in go_checks.NAMES if "-" not in name} == GO_CHECKS
