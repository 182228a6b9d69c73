# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Instances and options, according to the rules of Datadog's MySQL integration, each with its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.integration import (
    CONNECTION,
    OPTIONS,
    OWN_VARIABLE,
    connection_problems,
    is_on,
    options_problems,
)
from anything import ANYTHING
from hypothesis import given

ROOT = Path(__file__).resolve().parents[5]
SOCK = {"sock": "/run/mysqld/mysqld.sock"}
# All from integrations-core, folder mysql, at the commits that the module names.
CONFIG, MODEL, CODE, SPEC = "config.py", "config_models/instance.py", "mysql.py", "assets/configuration/spec.yaml"
BASE = "datadog-checks-base 38.7"
# Observed with the unmodified class: integrations-core, mysql 15.8.0, with datadog-checks-base 37.19.
RUN = "mysql 15.8.0, run"
STATUS = {"name": "Uptime", "metric_name": "mysql.uptime", "type": "gauge"}
QUERY = {"query": "SELECT 1", "columns": [{"name": "a", "type": "gauge"}, {}]}
SWITCHES = set(OPTIONS) - {"replication_channel", "extra_performance_metrics"}
AGENT = "datadog-agent 7.84, comp/core/autodiscovery/integration/config.go"


@pytest.mark.parametrize(
    ("source", "connection"),
    [
        (f"{CONFIG}: a socket, beside which the role writes the host", SOCK),
        (f"{CONFIG}: host and user", {"host": "db1"}),
        (f"{CONFIG}: int(port), so that text does", {"host": "db1", "port": "3307"}),
        (f"{CONFIG}: both, the socket is used", {**SOCK, "host": "localhost"}),
        (f"{MODEL}: a number", {**SOCK, "connect_timeout": 2.5, "read_timeout": 30}),
        (f"{MODEL}: pydantic's words for a bool", {**SOCK, "only_custom_queries": "yes", "exclude_hostname": 0}),
        (f"{MODEL}: null is as if left out", {**SOCK, "charset": None}),
        (f"{MODEL}: Ssl", {"host": "db1", "ssl": {"ca": "/etc/ssl/ca.pem", "check_hostname": False}}),
        (f"{MODEL}: CustomQuery", {**SOCK, "custom_queries": [{"query": "SELECT 1", "columns": [{}]}]}),
        (f"{MODEL}: DatabaseIdentifier", {**SOCK, "database_identifier": {"template": "$env-$host"}}),
        (f"{MODEL}: IndexMetrics", {**SOCK, "index_metrics": {"enabled": False, "limit": 10}}),
        (
            f"{MODEL}: Aws, Gcp, Azure",
            {**SOCK, "aws": {"instance_endpoint": "a", "region": "b"}, "gcp": {}, "azure": {}},
        ),
        (f"{RUN}: a variable", {**SOCK, "additional_status": [STATUS], "additional_variable": [STATUS, STATUS]}),
        (f"{RUN}: both of gcp", {**SOCK, "gcp": {"project_id": "a", "instance_id": "b"}}),
        (
            f"{RUN}: custom queries",
            {**SOCK, "custom_queries": [QUERY, {**QUERY, "tags": ["a:b"], "metric_prefix": "a"}]},
        ),
        (f"{CONFIG}: what no model has", {**SOCK, "collect_blocking_queries": True, "statement_metrics_limits": {}}),
        (f"{BASE}: every check's", {**SOCK, "min_collection_interval": 30, "metric_patterns": {"include": ["a"]}}),
        (f"{AGENT}: CommonInstanceConfig", {**SOCK, "name": "shop", "no_index": True}),
    ],
)
def test_instance_that_the_integration_accepts(source: str, connection: dict[str, Any]) -> None:
    assert connection_problems("c", connection) == [], source


@pytest.mark.parametrize(
    ("source", "connection", "words"),
    [
        (f"{CONFIG}: Mysql host and user or a defaults_file are needed", {}, "c has no address. Set sock, or host"),
        (f"{CONFIG}: the same, with empty text", {"host": "", "sock": ""}, "c has no address"),
        (f"{CONFIG}: server is host's old name", {**SOCK, "server": "db1"}, "c.server is deprecated. Write host"),
        (f"{CODE}: _log_deprecation of user", {**SOCK, "user": "a"}, "c.user has its own variable"),
        (f"{CODE}: _log_deprecation of pass", {**SOCK, "pass": "geheim"}, "Set datadog_mysql_user_password"),
        (f"{MODEL}: username", {**SOCK, "username": "a"}, "Set datadog_mysql_user_name"),
        (f"{MODEL}: password", {**SOCK, "password": "geheim"}, "Set datadog_mysql_user_password"),
        (f"{MODEL}: tags", {**SOCK, "tags": ["a:b"]}, "Set datadog_mysql_user_tags"),
        (f"{MODEL}: options", {**SOCK, "options": {}}, "Set datadog_mysql_user_options"),
        (f"{MODEL}: dbm", {**SOCK, "dbm": True}, "Set datadog_mysql_user_dbm"),
        (f"{CONFIG}: dbm's old name", {**SOCK, "deep_database_monitoring": True}, "Set datadog_mysql_user_dbm"),
        (f"{CONFIG}: query_samples' old name", {**SOCK, "statement_samples": {}}, "Write query_samples"),
        (
            "config_models/deprecations.py: schemas_collection, Agent 7.69",
            {**SOCK, "schemas_collection": {"enabled": True}},
            "c.schemas_collection is deprecated. Write collect_schemas",
        ),
        (f"{CONFIG}: queries are deprecated", {**SOCK, "queries": []}, "Write custom_queries"),
        (f"{CONFIG}: so is their number", {**SOCK, "max_custom_queries": 30}, "c.max_custom_queries is deprecated"),
        (
            f"{CONFIG}: quantize_sql_tables",
            {**SOCK, "obfuscator_options": {"quantize_sql_tables": True}},
            "c.obfuscator_options.quantize_sql_tables is deprecated. Write replace_digits",
        ),
        (f"{CONFIG}: defaults_file overrules host and user", {"defaults_file": "/a", **SOCK}, "cannot be verified"),
        (
            f"{CODE}: a token takes the password's place",
            {"host": "db1", "aws": {"managed_authentication": {"enabled": True}}},
            "c.aws.managed_authentication cannot be verified",
        ),
        (f"{MODEL}: what it has not, it ignores", {**SOCK, "conect_timeout": 3}, "Did you mean connect_timeout?"),
        (f"{MODEL}: the same", {**SOCK, "zzz": 3}, "c.zzz is not a setting of the integration"),
        (f"{MODEL}: the same, below", {**SOCK, "ssl": {"verify": True}}, "c.ssl.verify is not a setting"),
        (f"{MODEL}: port is a number", {"host": "a", "port": "mysql"}, "c.port is 'mysql'. Write a port"),
        ("TCP has ports from 1 on", {"host": "a", "port": 0}, "c.port is 0. Write a port, from 1 to 65535"),
        (f"{MODEL}: str takes no number", {**SOCK, "service": 5}, "c.service is 5. Write a string"),
        (f"{MODEL}: float", {**SOCK, "read_timeout": "10s"}, "c.read_timeout is '10s'. Write a number"),
        ("PyMySQL 1.2 compares connect_timeout", {**SOCK, "connect_timeout": "10"}, "Write a number"),
        (f"{MODEL}: bool", {**SOCK, "exclude_hostname": "maybe"}, "Write true or false"),
        (f"{MODEL}: Ssl is a mapping", {"host": "a", "ssl": True}, "c.ssl is True. Write a dictionary"),
        (f"{MODEL}: custom_queries is a list", {**SOCK, "custom_queries": {}}, "Write a list of dictionaries"),
        (f"{MODEL}: limit is an int", {**SOCK, "index_metrics": {"limit": 1.5}}, "Write a whole number"),
        (
            f"{BASE}: metric_patterns",
            {**SOCK, "metric_patterns": {"include": [1]}},
            "Write a list of regular expressions",
        ),
        (f"{RUN}: unterminated character set", {**SOCK, "metric_patterns": {"exclude": ["["]}}, "regular expressions"),
        (
            f"{RUN}: KeyError('instance_endpoint')",
            {**SOCK, "aws": {"region": "a"}},
            "c.aws.instance_endpoint is missing",
        ),
        *(
            (f"{RUN}: {why}", {**SOCK, f"additional_{kind}": [STATUS, {**STATUS, **change}]}, words)
            for kind in ("status", "variable")
            for why, change, words in (
                ("KeyError('name')", {"name": None}, "[1].name is None. Write the variable's name"),
                ("KeyError('metric_name')", {"metric_name": ""}, "[1].metric_name is ''. Write the metric's name"),
                ("nothing is sent", {"type": "GAUGE"}, "[1].type is 'GAUGE'. Write one of gauge, rate, count, mono"),
            )
        ),
        (f"{RUN}: KeyError('instance_id')", {**SOCK, "gcp": {"project_id": "a"}}, "c.gcp.instance_id is missing"),
        (
            f"{RUN}: KeyError('name')",
            {**SOCK, "azure": {"deployment_type": "flexible_server"}},
            "c.azure.fully_qualified_domain_name is missing",
        ),
        *(
            (f"{RUN}: ZeroDivisionError", {**SOCK, **change}, "a whole number, 1 or more")
            for change in (
                {"query_samples": {"samples_per_hour_per_query": 0}},
                {"query_samples": {"explained_queries_per_hour_per_query": 0}},
                {"full_statement_text_samples_per_hour_per_query": 0},
            )
        ),
        *(
            (
                f"{RUN}: custom queries",
                {**SOCK, "custom_queries": [QUERY, {**QUERY, **change}]},
                f"c.custom_queries[1].{words}",
            )
            for change, words in (
                ({"query": ""}, "query is ''. Write the statement"),
                ({"query": 5}, "query is 5"),
                ({"columns": []}, "columns is []. Write a list"),
                ({"columns": ["a"]}, "columns[0] is 'a'. Write its name and type"),
                ({"columns": [{"type": "gauge"}]}, "columns[0].name is None"),
                ({"columns": [{"name": "a"}]}, "columns[0].type is None. Write one of gauge, count"),
                (
                    {"columns": [{"name": "a", "type": "gauge"}, {"name": "a", "type": "tag"}]},
                    "columns[1].name is 'a', which",
                ),
                ({"tags": "a:b"}, "tags is 'a:b'. Write a list of strings"),
                ({"metric_prefix": 5}, "metric_prefix is 5"),
                ({"collection_interval": "x"}, "collection_interval is 'x'"),
            )
        ),
    ],
)
def test_instance_that_the_integration_refuses_or_ignores(source: str, connection: dict[str, Any], words: str) -> None:
    [problem] = connection_problems("c", connection)
    assert words in problem, source
    assert "geheim" not in problem


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        (f"{MODEL}: Options", dict.fromkeys(SWITCHES, True), ""),
        (f"{CONFIG}: is_affirmative", {"replication": "yes", "replication_channel": "a"}, ""),
        (f"{CODE}: off, it says and costs nothing", {"extra_performance_metrics": False}, ""),
        (
            f"{CODE}: [Deprecated], and a warning at every run",
            {"extra_performance_metrics": True},
            "o.extra_performance_metrics is deprecated: it runs two heavy queries every time",
        ),
        (f"{CODE}: the same", {"extra_performance_metrics": "true"}, "custom_queries"),
        (f"{SPEC}: gone", {"replication_non_blocking_status": True}, "o.replication_non_blocking_status is deprecated"),
        (f"{MODEL}: ignored", {"replikation": True}, "Did you mean replication"),
        (f"{MODEL}: str", {"replication_channel": 1}, "o.replication_channel is 1. Write a string"),
        (f"{CONFIG}: .get", [], "o is not a dictionary"),
    ],
)  # fmt: skip
def test_options_of_the_integration(source: str, options: Any, words: str) -> None:
    problems = options_problems("o", options)
    assert len(problems) == bool(words), source
    assert words in "".join(problems)


def test_settings_of_the_role_are_not_accepted_as_options() -> None:
    assert not set(OWN_VARIABLE) & set(CONNECTION)


def test_role_defaults_are_valid_without_the_deprecated_option() -> None:
    defaults = yaml.safe_load((ROOT / "roles/datadog_mysql_user/defaults/main.yml").read_text(encoding="utf-8"))
    assert options_problems("o", defaults["datadog_mysql_user_options"]) == []
    assert "extra_performance_metrics" not in defaults["datadog_mysql_user_options"]
    assert connection_problems("c", defaults["datadog_mysql_user_connection"]) == []


def test_default_objects_do_not_need_the_deprecated_option() -> None:
    """README of the integration: query_run_time, digest_95th_percentile and info.schema.size need it."""
    places = [*(ROOT / "roles/datadog_objects/defaults").rglob("*.yml")]
    for place in [*places, ROOT / "plugins/module_utils/_inputs/datadog_mysql_user.py"]:
        text = place.read_text(encoding="utf-8")
        assert not any(name in text for name in ("query_run_time", "digest_95th", "info.schema"))


@pytest.mark.parametrize(("value", "on"), [(True, True), ("On", True), ("1", True), (False, False), ("no", False)])
def test_values_that_mean_true(value: Any, on: bool) -> None:
    assert is_on(value) is on


@given(value=ANYTHING)
def test_no_type_crashes(value: Any) -> None:
    problems = connection_problems("c", value) + options_problems("o", value)
    problems += connection_problems("c", {"port": value, "ssl": value, "index_metrics": {"limit": value}})
    assert all(isinstance(problem, str) for problem in problems)
