# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Datadog's MySQL integration accepts as an instance. Pure.

The rules are from integrations-core, mysql 15 and 16: config_models/instance.py and config.py at 63f56a7, mysql.py at
d90a091. Settings that every check has are from the Agent: CommonInstanceConfig of integration/config.go (7.84).
"""

from __future__ import annotations

import difflib
import math
import re
from typing import Any

from .custom_queries import additional_problems, custom_query_problems

TEXT, SWITCH, PORT = "a string of one line", "true or false", "a port, from 1 to 65535"
NUMBER, WHOLE, COUNT = "a number above 0", "a whole number, 0 or more", "a whole number, 1 or more"
TEXTS, DICTIONARIES, DICTIONARY = "a list of strings", "a list of dictionaries", "a dictionary"
PATTERNS = "a list of regular expressions"

_EVERY = {"enabled": SWITCH, "collection_interval": NUMBER}


def _each(rule: str, names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), rule)


# The last of these is read by mysql.py, and in no model.
_OPTIONS = """
    replication galera_cluster extra_status_metrics extra_innodb_metrics disable_innodb_metrics schema_size_metrics
    table_size_metrics system_table_size_metrics table_rows_stats_metrics extra_performance_metrics binlog_size_metrics
"""
OPTIONS = {"replication_channel": TEXT, **_each(SWITCH, _OPTIONS)}

CONNECTION: dict[str, Any] = {
    **_each(TEXT, "host sock charset reported_hostname use_global_custom_queries"),
    "port": PORT,
    **_each(NUMBER, "connect_timeout read_timeout database_instance_collection_interval"),
    **_each(SWITCH, "exclude_hostname propagate_agent_tags only_custom_queries collect_blocking_queries"),
    **_each(SWITCH, "log_unobfuscated_queries log_unobfuscated_plans"),
    **_each(DICTIONARIES, "additional_status additional_variable custom_queries"),
    **_each(WHOLE, "full_statement_text_cache_max_size statement_rows_cache_max_size statement_rows_cache_ttl"),
    "full_statement_text_samples_per_hour_per_query": COUNT,
    "statement_metrics_limits": DICTIONARY,
    "ssl": {**_each(TEXT, "key cert ca"), "check_hostname": SWITCH},
    "database_identifier": {"template": TEXT},
    "index_metrics": {**_EVERY, "limit": WHOLE},
    "collect_settings": _EVERY,
    "collect_schemas": {**_EVERY, "max_execution_time": NUMBER},
    "query_metrics": {**_EVERY, **_each(SWITCH, "only_query_recent_statements collect_prepared_statements")},
    "query_activity": {**_EVERY, "collect_blocking_queries": SWITCH},
    "query_samples": {
        **_EVERY,
        **_each(COUNT, "explained_queries_per_hour_per_query samples_per_hour_per_query"),
        **_each(WHOLE, "explained_queries_cache_maxsize seen_samples_cache_maxsize events_statements_row_limit"),
        **_each(WHOLE, "collection_strategy_cache_maxsize collection_strategy_cache_ttl"),
        **_each(TEXT, "explain_procedure fully_qualified_explain_procedure events_statements_enable_procedure"),
        "events_statements_temp_table_name": TEXT,
    },
    "data_observability": {**_EVERY, "run_sync": SWITCH},
    "obfuscator_options": {
        "obfuscation_mode": TEXT,
        **_each(SWITCH, "replace_digits collect_metadata collect_tables collect_commands collect_comments"),
        **_each(SWITCH, "keep_sql_alias keep_null keep_boolean keep_positional_parameter keep_trailing_semicolon"),
        **_each(SWITCH, "keep_identifier_quotation remove_space_between_parentheses"),
    },
    "aws": _each(TEXT, "instance_endpoint region"),
    "gcp": _each(TEXT, "project_id instance_id"),
    "azure": _each(TEXT, "deployment_type fully_qualified_domain_name"),
    # Of the base class, datadog-checks-base 38.
    "min_collection_interval": NUMBER,
    "service": TEXT,
    **_each(SWITCH, "empty_default_hostname disable_generic_tags enable_legacy_tags_normalization"),
    "metric_patterns": _each(PATTERNS, "include exclude"),
    # Of the Agent.
    **_each(TEXT, "name namespace loader"),
    "no_index": SWITCH,
}

# Required keys of settings that are not empty: without them, the class cannot be created (mysql 15.8.0, unmodified).
REQUIRED = {
    "aws": ("instance_endpoint",),
    "gcp": ("project_id", "instance_id"),
    "azure": ("deployment_type", "fully_qualified_domain_name"),
}

# Validators for the items of lists of dictionaries.
_ITEMS = {
    "additional_status": additional_problems,
    "additional_variable": additional_problems,
    "custom_queries": custom_query_problems,
}

# What the role writes from separate variables, including old names.
OWN_VARIABLE = {
    "username": "name",
    "user": "name",
    "password": "password",
    "pass": "password",
    "tags": "tags",
    "options": "options",
    "dbm": "dbm",
    "deep_database_monitoring": "dbm",
}

# Deprecated names, with the replacement.
DEPRECATED = {
    "server": "Write host.",
    "statement_samples": "Write query_samples.",
    "schemas_collection": "Write collect_schemas.",
    "queries": "Write custom_queries, whose columns have names and types.",
    "max_custom_queries": "Remove it, since custom_queries has no such limit.",
    "obfuscator_options.quantize_sql_tables": "Write replace_digits.",
    "options.replication_non_blocking_status": "Remove it, since the integration no longer reads it.",
}

# Settings that would replace the user and password with which the role logs in.
UNPROVEN = {
    "defaults_file": "the integration would take user and password from that file",
    "aws.managed_authentication": "the integration would log in with a token instead of the password",
}

# Options that only cover tables on which the user has a privilege. Tested with the unmodified class of
# integrations-core, mysql 15.8.0, on MariaDB 10.11: without one, it warns at every run or leaves the tables out.
_OF_TABLES = ("schema_size_metrics", "table_size_metrics", "table_rows_stats_metrics")

_WORDS = ("true", "yes", "on", "y", "1", "false", "no", "off", "n", "0")


def connection_problems(variable: str, connection: Any) -> list[str]:
    """Return problems with the settings of an instance, except for those that have their own variable."""
    if not isinstance(connection, dict):
        return [f"{variable} is not a dictionary. Set sock, or host and port."]
    problems = [
        f"{variable}.{key} has its own variable. Set datadog_mysql_user_{own}."
        for key, own in OWN_VARIABLE.items()
        if key in connection
    ]
    rest = {key: value for key, value in connection.items() if key not in OWN_VARIABLE}
    problems += _settings(variable, rest, CONNECTION, "")
    if not problems and not connection.get("sock") and not connection.get("host"):
        # "Mysql host and user or a defaults_file are needed": with sock, the role adds `host: localhost`.
        problems.append(f"{variable} has no address. Set sock, or host and port.")
    return problems


def options_problems(variable: str, options: Any) -> list[str]:
    """Return problems with the dictionary ``options`` of an instance."""
    if not isinstance(options, dict):
        return [f"{variable} is not a dictionary. Write each as 'name: value'."]
    problems = _settings(variable, options, OPTIONS, "options.")
    if is_on(options.get("extra_performance_metrics")):
        # Deprecated since integrations-core mysql 15 (mysql.py).
        problems.append(
            f"{variable}.extra_performance_metrics is deprecated: it runs two heavy queries every time, and warns each "
            "time, so datadog.agent.check_status is never OK. Remove it; to get these metrics, use "
            "datadog_mysql_user_connection.custom_queries."
        )
    return problems


def needing_tables(connection: Any, options: Any) -> list[tuple[str, str]]:
    """Return the enabled settings that need a privilege on tables, each as the variable and the name in it."""
    options, connection = (value if isinstance(value, dict) else {} for value in (options, connection))
    schemas = connection.get("collect_schemas")
    return [("options", name) for name in _OF_TABLES if is_on(options.get(name))] + (
        [("connection", "collect_schemas")] if isinstance(schemas, dict) and is_on(schemas.get("enabled")) else []
    )


def is_on(value: Any) -> bool:
    """Whether the integration reads this as true."""
    return value is True or (not isinstance(value, bool) and str(value).lower() in _WORDS[:5])


def _settings(variable: str, given: dict[Any, Any], known: dict[str, Any], path: str) -> list[str]:
    problems = []
    for key, value in given.items():
        place, full = f"{variable}.{key}", f"{path}{key}"
        rule = known.get(key) if isinstance(key, str) else None
        if full in DEPRECATED:
            problems.append(f"{place} is deprecated. {DEPRECATED[full]}")
        elif full in UNPROVEN:
            problems.append(f"{place} cannot be verified by this role, since {UNPROVEN[full]}. Remove it.")
        elif rule is None:
            near = difflib.get_close_matches(str(key), known, n=1)
            fix = f"Did you mean {near[0]}?" if near else "Remove it."
            problems.append(f"{place} is not a setting of the integration, which would ignore it. {fix}")
        elif value is None:
            continue
        elif isinstance(rule, dict) and isinstance(value, dict):
            problems += _settings(place, value, rule, f"{full}.") or [
                f"{place}.{name} is missing, and the integration does not start without it. Set it."
                for name in REQUIRED.get(full, ())
                if value and not value.get(name)
            ]
        elif not (isinstance(rule, str) and _fits(value, rule)):
            problems.append(f"{place} is {value!r}. Write {rule if isinstance(rule, str) else DICTIONARY}.")
        elif full in _ITEMS:
            problems += _ITEMS[full](place, value)
    return problems


def _fits(value: Any, rule: str) -> bool:
    """Whether the integration's model and its code both accept the value, which is not null."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    number = whole or (isinstance(value, float) and math.isfinite(value))
    checks = {
        TEXT: isinstance(value, str) and value.isprintable(),
        SWITCH: isinstance(value, bool) or str(value).lower() in _WORDS,
        NUMBER: number and value > 0,
        WHOLE: whole and value >= 0,
        # A number per hour, by which the integration divides.
        COUNT: whole and value > 0,
        # The integration converts it to a number, so a string from a template is fine.
        PORT: not isinstance(value, bool) and str(value).isdecimal() and 0 < int(value) < 65536,
        TEXTS: isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value),
        PATTERNS: isinstance(value, (list, tuple)) and all(map(_is_pattern, value)),
        DICTIONARIES: isinstance(value, (list, tuple)) and all(isinstance(item, dict) for item in value),
        DICTIONARY: isinstance(value, dict),
    }
    return checks[rule]


def _is_pattern(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(re.compile(text))
    except re.error:
        return False
