# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs that the role flask_apm refuses: each problem once, with its variable, and no crash."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.flask_apm import check
from hypothesis import given
from hypothesis import strategies as st

DATABASE = {"unix_socket": "/run/mysqld/mysqld.sock", "user": "shop", "database": "shop"}
APP: dict[str, Any] = {
    "address": "127.0.0.1",
    "port": 5050,
    "workers": 2,
    "user": "flask_apm",
    "service": "flask-apm",
    "env": "lab",
    "version": "1.0.0",
    "agent_port": 8126,
    "dogstatsd_port": 8125,
    "environment": {},
    "database": {},
    "database_password": "",
    "pip_index_url": "",
    "pip_ca_bundle": "",
    "enabled": True,
}
FILES = dict.fromkeys(("/etc/ssl/ca.pem", "ca.pem"), "-----BEGIN CERTIFICATE-----\nMII\n")


def flask_apm_problems(inputs: dict[str, Any]) -> list[str]:
    return check(inputs, Host("h1", files=FILES)).problems


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"port": "8080", "workers": "4", "address": "0.0.0.0"},
        {"env": ""},
        {"database": DATABASE, "database_password": "long-enough"},
        {"database": DATABASE, "database_password": "".join(map(chr, range(32, 127)))},
        {"database": {"host": "db1", "port": 3306, "user": "a", "database": "a"}, "database_password": "long-enough"},
        {"environment": {"DD_TRACE_SAMPLING_RULES": '[{"sample_rate": 0.5}]', "DD_PROFILING_ENABLED": False}},
        {"pip_index_url": "https://me:geheim@index.example.com/simple"},
        {"pip_ca_bundle": "/etc/ssl/ca.pem"},
    ],
)
def test_valid_inputs(changes: dict[str, Any]) -> None:
    assert flask_apm_problems({**APP, **changes}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": "localhost"}, "flask_apm_address 'localhost'"),
        ({"address": "::1"}, "flask_apm_address"),
        ({"port": 80}, "flask_apm_port is 80. Write a port from 1024"),
        ({"port": True}, "flask_apm_port is True"),
        ({"port": 8126}, "flask_apm_port 8126 is the port of the Agent's trace receiver"),
        ({"agent_port": 0}, "flask_apm_agent_port is 0"),
        ({"dogstatsd_port": 70000}, "flask_apm_dogstatsd_port is 70000"),
        ({"workers": 0}, "flask_apm_workers is 0"),
        ({"workers": "many"}, "flask_apm_workers is 'many'"),
        ({"user": "root"}, "flask_apm_user 'root'"),
        ({"user": "Flask App"}, "flask_apm_user 'Flask App'"),
        ({"service": ""}, "flask_apm_service ''"),
        ({"service": "Flask App"}, "service 'Flask App' would be changed by Datadog. Write 'flask_app'"),
        ({"env": "PROD"}, "Write 'prod'"),
        ({"version": 'v1"\nUser=root'}, "flask_apm_version"),
        ({"version": None}, "flask_apm_version None"),
        ({"environment": []}, "flask_apm_environment is not a dictionary"),
        ({"environment": {"DD ENV": "a"}}, "'DD ENV', which is not a valid variable name"),
        ({"environment": {"DD_SERVICE": "a"}}, "Set flask_apm_service"),
        ({"environment": {"DD_API_KEY": "geheim"}}, "flask_apm_environment.DD_API_KEY is a secret"),
        ({"environment": {"A": "b\nExecStart=/bin/sh"}}, "flask_apm_environment.A is not a single line"),
        ({"environment": {"A": ["b"]}}, "flask_apm_environment.A is not a single line"),
        ({"database": "mysql://shop"}, "flask_apm_database is not a dictionary"),
        ({"database": DATABASE}, "flask_apm_database_password is missing"),
        ({"database": DATABASE, "database_password": "geheim"}, "flask_apm_database_password"),
        (
            {"database": DATABASE, "database_password": "geheimgröße"},
            "flask_apm_database_password has a character outside",
        ),
        ({"database": DATABASE, "database_password": 12345678}, "flask_apm_database_password is a number"),
        ({"pip_index_url": "geheim:index"}, "flask_apm_pip_index_url is not the URL"),
        ({"pip_index_url": "file:///opt/simple"}, "flask_apm_pip_index_url is not the URL"),
        (
            {"pip_ca_bundle": "/none.pem"},
            "flask_apm_pip_ca_bundle '/none.pem' has no certificates",
        ),
    ],
)
def test_problem_is_reported_once(changes: dict[str, Any], words: str) -> None:
    [problem] = flask_apm_problems({**APP, **changes})
    assert words in problem
    assert "geheim" not in problem


def test_all_database_problems_are_reported_together_without_secrets() -> None:
    problems = flask_apm_problems({**APP, "database": {"password": "geheim"}, "database_password": "geheim"})
    for words in ("database.password is a secret", "has no address", "no user", "no database", "_database_password"):
        assert any(words in problem for problem in problems), words
    assert "geheim" not in str(problems)


@pytest.mark.parametrize("field", APP)
@given(value=ANYTHING)
def test_no_type_of_any_input_crashes(field: str, value: Any) -> None:
    fine = {**APP, "database": DATABASE, "database_password": "long-enough"}
    assert all(isinstance(problem, str) for problem in flask_apm_problems({**fine, field: value}))
