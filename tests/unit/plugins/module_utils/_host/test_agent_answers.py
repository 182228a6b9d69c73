# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Output of the Agent's command line, in the formats of the genuine Agent (datadog-agent 7.70 to 7.84)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._host import agent_answers
from ansible_collections.kennel.fleet.plugins.module_utils._host.agent_answers import CheckRun, read_check
from anything import ANYTHING
from hypothesis import given

VALID, INVALID = {"API key ending with abcd": "API Key valid"}, {"API key ending with ef01": "API Key invalid"}
UNREACHABLE = {"API key ending with 2345": "Unable to reach the API Key validation endpoint"}


@pytest.mark.parametrize(
    ("forwarder", "said"),
    [
        ({"APIKeyStatus": VALID}, "API Key valid"),
        ({"APIKeyFailure": INVALID}, "API Key invalid"),
        ({"APIKeyStatus": VALID, "APIKeyFailure": INVALID}, "API Key invalid"),
        ({"APIKeyStatus": {**VALID, **UNREACHABLE}}, "Unable to reach the API Key validation endpoint"),
        ({"APIKeyStatus": {}, "APIKeyFailure": None}, ""),
    ],
)
def test_key(forwarder: dict[str, Any], said: str) -> None:
    assert agent_answers.key_status({"forwarderStats": forwarder}) == said


@pytest.mark.parametrize(
    ("transactions", "failures"),
    [
        ({"Success": 9, "RetryQueueSize": 0, "ErrorsByType": {"DNSErrors": 3}, "HTTPErrorsByCode": {"503": 4}}, {}),
        ({"RetryQueueSize": 2, "ErrorsByType": {"DNSErrors": 3, "TLSErrors": 0}}, {"DNSErrors": 3}),
        ({"RetryQueueSize": 2, "HTTPErrorsByCode": {"503": 4, "403": 1}}, {"503": 4, "403": 1}),
        # Dropped payloads are not waiting.
        ({"RetryQueueSize": 0, "HTTPErrorsByCode": {"403": 7, "413": 1, "502": 9}}, {"403": 7, "413": 1}),
        ({"RetryQueueSize": 2, "ErrorsByType": None, "HTTPErrorsByCode": [1]}, {}),
    ],
)
def test_delivery(transactions: dict[str, Any], failures: dict[str, int]) -> None:
    assert agent_answers.delivery_failures({"forwarderStats": {"Transactions": transactions}}) == failures


NOT_IN_GO = "Check jobs not found in Catalog"
NO_MODULE = (
    "unable to import module 'jobs': Traceback (most recent call last):\n"
    '  File "/etc/datadog-agent/checks.d/jobs.py", line 1, in <module>\n    import redis\n'
    "ModuleNotFoundError: No module named 'redis'\n"
)
NO_CLASS = "unable to find a subclass of the base check in module 'jobs': cannot find a subclass"
CONSTRUCTOR = (
    "could not invoke 'mysql' python check constructor. New constructor API returned:\n"
    "Traceback (most recent call last):\n  File \"mysql.py\", line 130, in __init__\n"
    "datadog_checks.base.errors.ConfigurationError: Mysql host and user or a defaults_file are needed.\n"
    "Deprecated constructor API returned:\nTraceback (most recent call last):\n  File \"mysql.py\", line 1\n"
    "TypeError: MySql.__init__() got an unexpected keyword argument 'agentConfig'\n"
)  # fmt: skip
NEEDED = "datadog_checks.base.errors.ConfigurationError: Mysql host and user or a defaults_file are needed."
FAILED = json.dumps([{"message": "timed\nout", "traceback": "Traceback (most recent call last):\nTimeoutError"}])


@pytest.mark.parametrize(
    ("status", "errors"),
    [
        (
            {"checkSchedulerStats": {"LoaderErrors": {
                "jobs": {"Core Check Loader": NOT_IN_GO, "Python Check Loader": NO_MODULE}}}},
            {"jobs": "ModuleNotFoundError: No module named 'redis'"},
        ),
        (
            {"checkSchedulerStats": {"LoaderErrors": {
                "jobs": {"JMX Check Loader": "check is not a jmx check, or unable to determine if it's so",
                         "Python Check Loader": NO_CLASS}}}},
            {"jobs": NO_CLASS},
        ),
        (
            {"checkSchedulerStats": {"LoaderErrors": {
                "ntp": {"Core Check Loader": "Could not configure check ntp: bad offset",
                        "Python Check Loader": "unable to import module 'ntp': No module named 'ntp'"}}}},
            {"ntp": "Could not configure check ntp: bad offset"},
        ),
        ({"pyLoaderStats": {"ConfigureErrors": {"mysql (15.7.0)": [CONSTRUCTOR]}}}, {"mysql": NEEDED}),
        (
            {"pyLoaderStats": {"ConfigureErrors": {"mysql (15.7.0)": [CONSTRUCTOR]}},
             "checkSchedulerStats": {"LoaderErrors": {"mysql": {
                "Core Check Loader": "Check mysql not found in Catalog",
                "Python Check Loader": "could not configure check instance for python check mysql: " + CONSTRUCTOR}}}},
            {"mysql": NEEDED},
        ),
        ({"pyLoaderStats": {"ConfigureErrors": {"jobs (unversioned)": ["KeyError: 'a'"]}}}, {"jobs": "KeyError: 'a'"}),
        (
            {"autoConfigStats": {"ConfigErrors": {"jobs": "yaml: line 3: did not find expected key"}}},
            {"jobs": "yaml: line 3: did not find expected key"},
        ),
        (
            {"runnerStats": {"Checks": {"jobs": {"jobs:1": {"LastError": ""}, "jobs:2": {"LastError": FAILED}}}},
             "pyLoaderStats": {"ConfigureErrors": {"jobs (1.0.0)": ["KeyError: 'a'"]}}},
            {"jobs": "timed out"},
        ),
        ({"runnerStats": {"Checks": {"cpu": {"cpu": {"LastError": "open /proc/stat: denied"}}}}},
         {"cpu": "open /proc/stat: denied"}),
        ({"runnerStats": {"Checks": {"cpu": {"cpu": {"LastError": ""}}}}, "checkSchedulerStats": {"LoaderErrors": {}}},
         {}),
    ],
)  # fmt: skip
def test_errors_of_checks(status: dict[str, Any], errors: dict[str, str]) -> None:
    assert agent_answers.check_errors(status) == errors


def run(metrics: list[str], error: str = "", **more: list[dict[str, str]]) -> dict[str, Any]:
    """Return an instance's entry, whose error comes after a list of times."""
    series = {"metrics": [{"metric": name, "points": [[1, 1.5]], "tags": []} for name in metrics]} if metrics else {}
    runner = {"AverageExecutionTime": 1, "CheckID": "jobs:1", "ExecutionTimes": [0] * 32, "LastError": error}
    return {"aggregator": {**series, **more}, "inventories": {"jobs:1": {}}, "runner": runner}


def output(*runs: dict[str, Any]) -> str:
    return json.dumps(runs, indent=2) + "\n"


SEVERAL = "Multiple check instances found, running each of them\n"
LOADERS = f"* Core Check Loader: {NOT_IN_GO}\n* Python Check Loader: {NO_MODULE}\n"
SWAPPED = f"* Python Check Loader: {NO_MODULE}\n* Core Check Loader: {NOT_IN_GO}\n"


@pytest.mark.parametrize(
    ("out", "err", "status", "found"),
    [
        (output(run(["b", "a", "b"])), "", 0, CheckRun(("a", "b"))),
        (output(run([], FAILED)), "", 0, CheckRun((), ("timed out",))),
        (SEVERAL + output(run(["a"]), run([], FAILED)), "", 0, CheckRun(("a",), ("timed out",))),
        (output(run([], sketches=[{"metric": "d"}])), "", 0, CheckRun(("d",))),
        # Output of the check itself.
        ("[INFO] on\n[1]\n" + output(run(["a"])) + "[done]\n", "", 0, CheckRun(("a",))),
        (output({**run([]), "aggregator": None}), "", 0, CheckRun()),
        *(
            (f"\nError: could not load jobs:\n{loaders}", "Error: no valid check found\n", 255,
             CheckRun((), ("ModuleNotFoundError: No module named 'redis'",)))
            for loaders in (LOADERS, SWAPPED, SWAPPED + "\nWarning: could not resolve jobs config:\n* no host\n")
        ),
        ("\nError: invalid config for jobs: yaml: line 3: mapping\n", "Error: no valid check found\n", 255,
         CheckRun((), ("yaml: line 3: mapping",))),
        ("", "Error: no valid check found\n", 255, CheckRun((), ("no valid check found",))),
        ("", "", 3, CheckRun((), ("exit status 3",))),
        (output(run(["a"])), "Error: broken\n", 255, CheckRun((), ("broken",))),
        ("", "Traceback ...\nKeyError: 'a'\n", 1, CheckRun((), ("KeyError: 'a'",))),
    ],
)  # fmt: skip
def test_check_run(out: str, err: str, status: int, found: CheckRun) -> None:
    said = read_check("jobs", out, err, status)
    assert (said, said.ready) == (found, True)


@pytest.mark.parametrize(
    "err",
    [
        "Error: unable to read authentication token file: open /etc/datadog-agent/auth_token: no such file",
        "Error: error while fetching IPC cert: open /etc/datadog-agent/ipc_cert.pem: no such file",
    ],
)
def test_agent_that_never_ran(err: str) -> None:
    found = read_check("jobs", "", err + "\n", 255)
    assert not found.ready and "no such file" in found.errors[0]


@given(ANYTHING)
def test_no_output_crashes(anything: Any) -> None:
    text = json.dumps([{"runner": anything, "aggregator": anything}], default=str)
    assert isinstance(read_check("jobs", text, str(anything), 0), CheckRun)
    for key in ("forwarderStats", "runnerStats", "checkSchedulerStats", "pyLoaderStats", "autoConfigStats"):
        inner = dict.fromkeys(("Transactions", "APIKeyFailure", "Checks", "LoaderErrors", "ConfigErrors"), anything)
        for status in (anything, {key: anything}, {key: inner}):
            assert isinstance(agent_answers.key_status(status), str)
            assert isinstance(agent_answers.delivery_failures(status), dict)
            assert all(isinstance(text, str) for text in agent_answers.check_errors(status).values())
