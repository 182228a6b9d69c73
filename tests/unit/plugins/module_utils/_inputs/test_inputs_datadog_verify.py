# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Effective inputs of the role datadog_verify, and invalid ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Checked, Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_verify import check

METRIC = {"name": "my_metric", "interval": 45, "min": 0, "max": 1000}
SERVICE = {"name": "shop", "operation": "flask.request"}


def checked(**inputs: Any) -> Checked:
    lists: dict[str, Any] = dict.fromkeys(("tags", "metrics", "present", "service_checks", "services", "requests"))
    settings = {"expects": [], **lists, "objects": {}, "fleet": "web", "timeout": 300, "reports": ""}
    return check({**settings, **inputs}, Host("web1"))


def test_expectations_of_roles_and_variables_are_combined() -> None:
    agent = {"tags": ["env:a"], "present": ["system.load.1", "my_metric"], "objects": {}}
    checks = {"metrics": [METRIC], "present": ["queue.length"], "service_checks": ["mysql.can_connect"]}
    app = {"services": [SERVICE], "requests": ["http://127.0.0.1/"]}
    fleet = {"objects": {"dashboards": ["board"], "monitors": ["a", "b"], "downtimes": ["nights"]}}
    part = {"objects": {"monitors": ["b", "c"], "evaluated": False}}
    result = checked(expects=[agent, checks, app, fleet, part], tags=["env:a", "team:x"], present=["queue.length"])
    assert result.problems == []
    assert result.inputs["expected"] == {
        "name": "web1",
        "tags": ["env:a", "team:x"],
        "metrics": [METRIC],
        # The expectation with known values is enough.
        "present": ["system.load.1", "queue.length"],
        "service_checks": ["mysql.can_connect"],
        "services": [SERVICE],
    }
    assert result.inputs["requests"] == ["http://127.0.0.1/"]
    assert result.inputs["objects"] == {
        "dashboards": ["board"], "monitors": ["a", "b", "c"], "downtimes": ["nights"], "evaluated": False
    }  # fmt: skip


def test_without_roles_nothing_is_expected() -> None:
    result = checked(expects=[{}])
    assert result.problems == [] and not any(
        value for name, value in result.inputs["expected"].items() if name != "name"
    )
    assert result.inputs["objects"] == {"dashboards": [], "monitors": [], "downtimes": [], "evaluated": True}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"expects": ["x"]}, "datadog_verify_expects[0]: is 'x'. Write a dictionary of tags, metrics"),
        ({"expects": [{}, {"metric": []}]}, "expects[1]: metric is not a known field. Did you mean metrics?"),
        ({"expects": [{"zzz": 1}]}, "zzz is not a known field. Use one of tags, metrics"),
        ({"expects": [{"tags": "env:a"}]}, "datadog_verify_expects[0]: tags is 'env:a'. Write a list of strings."),
        ({"present": [1]}, "datadog_verify_present is [1]. Write a list of strings."),
        ({"metrics": [{"interval": 1}]}, "datadog_verify_metrics is [{'interval': 1}]. Write a list of dictionaries"),
        ({"services": ["shop"]}, "datadog_verify_services is ['shop']"),
        ({"objects": {"monitor": ["a"]}}, "_objects: monitor is not a known field. Did you mean monitors?"),
        ({"objects": {"monitors": "a"}}, "datadog_verify_objects.monitors is 'a'. Write a list of keys."),
        ({"objects": {"evaluated": "maybe"}}, "datadog_verify_objects.evaluated is 'maybe'. Write true or false."),
        ({"objects": ["a"]}, "datadog_verify_objects is ['a']. Write a dictionary"),
        ({"timeout": 0}, "datadog_verify_timeout is 0. Write a number of seconds, up to 86400."),
    ],
)  # fmt: skip
def test_invalid_inputs_are_reported(inputs: dict[str, Any], words: str) -> None:
    [problem] = checked(**inputs).problems
    assert words in problem
