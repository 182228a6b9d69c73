# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs that the role datadog_custom_check refuses: each problem once, with its check, and no crash."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_custom_check import check, reads
from anything import ANYTHING
from hypothesis import given
from hypothesis import strategies as st

INPUTS = {"interval": 45, "tracked": []}


def check_problems(checks: Any, code: dict[str, str], **host: Any) -> list[str]:
    """Return the problems of checks with this code by name; other checks have one line of Python."""
    names = [item.get("name") for item in checks if isinstance(item, dict)] if isinstance(checks, list) else []
    files = {f"{name}.py": code.get(str(name), "x = 1\n") for name in names}
    return check({**INPUTS, "checks": checks}, Host("h1", files=files, **host)).problems


CHECK = {"name": "jobs", "source": "jobs.py", "instances": [{"min_collection_interval": 45}]}


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        ([], {}),
        ([CHECK], {"jobs": "x = 1\n"}),
        ([{"name": "uptime"}], {}),
        ([{"name": "a", "instances": [{"min_collection_interval": 0.5 + 1, "tags": ["a:b"]}]}], {}),
        ([{"name": "a", "state": "absent"}, {"name": "b", "init_config": None, "metrics": ["b"]}], {}),
        ([{"name": "a", "instances": [{"password": "ENC[db]"}], "secrets": {"instances.0.x": "y"}}], {}),
        ([{"name": "a", "instances": [], "sections": {"logs": [{"type": "file", "path": "/var/log/a"}]}}], {}),
    ],
)
def test_valid_checks(checks: list[dict[str, Any]], code: dict[str, str]) -> None:
    assert check_problems(checks, code) == []


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ({"name": "a"}, "is not a list"),
        (["a"], "[0] has the name"),
        ([{}], "[0] has the name"),
        ([{"name": "Queue-Length"}], "[0] has the name"),
        ([{"name": "a"}, {"name": "a"}], "the check a twice"),
        ([{"name": "a", "intervall": 1}], "intervall is not a known field"),
        ([{"name": "a", "instances": []}], "at least one item"),
        ([{"name": "a", "instances": None}], "at least one item"),
        ([{"name": "a", "instances": ["x"]}], "instances[0] is not a dictionary"),
        ([{"name": "a", "instances": [], "sections": {}}], "at least one item"),
        ([{"name": "a", "sections": ["logs"]}], "sections is not a dictionary"),
        ([{"name": "a", "sections": {"instances": [{}]}}], "sections is not a dictionary of sections besides"),
        ([{"name": "a", "sections": {"logs": [{"token": "geheim"}]}}], "logs.0.token is a secret"),
        ([{"name": "a", "init_config": []}], None),
        ([{"name": "a", "init_config": [1]}], "init_config is not a dictionary"),
        ([{"name": "a", "secrets": None}], "secrets is not a dictionary"),
        ([{"name": "a", "instances": [{"min_collection_interval": 0}]}], "instances[0].min_collection_interval is 0"),
        ([{"name": "a", "instances": [{"min_collection_interval": "45s"}]}], "'45s'"),
        ([{"name": "a", "instances": [{"min_collection_interval": True}]}], "True"),
        ([{"name": "a", "instances": [{"min_collection_interval": float("nan")}]}], "nan"),
        ([{"name": "a", "instances": [{}, {"tags": ["x"]}]}], "instances[1]: tags: 'x'"),
        ([{"name": "a", "instances": [{"password": "geheim"}]}], "instances.0.password is a secret"),
    ],
)
def test_problem_of_a_check_is_reported_once(checks: Any, words: str | None) -> None:
    problems = check_problems(checks, {})
    assert len(problems) == (words is not None)
    assert (words or "") in str(problems)
    assert "geheim" not in str(problems)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def\n", "jobs.py, line 1 is not valid Python: invalid syntax"),
        ("x = 1\n  y\n", "jobs.py, line 2 is not valid Python: unexpected indent"),
        ("\0", "jobs.py"),
    ],
)
def test_syntax_error_is_reported_with_its_line(code: str, words: str) -> None:
    [problem] = check_problems([CHECK], {"jobs": code})
    assert "check jobs" in problem
    assert words in problem


@pytest.mark.parametrize(
    "code",
    [
        "\ufeffx = 1\n",
        "# -*- coding: utf-8 -*-\nx = 'größe'\n",
        "#!/usr/bin/env python\r\n# coding: latin-1\r\nx = 1\r\n",
        "x = '\\d'\n",
        "from __future__ import annotations\nx: 'no.such[type]' = 1\n",
    ],
)
def test_code_is_compiled_as_a_file(code: str, recwarn: pytest.WarningsRecorder) -> None:
    assert check_problems([CHECK], {"jobs": code}) == []
    assert not recwarn


@pytest.mark.parametrize(
    "code",
    [
        'd = {"a": 1}\nx = f"{d["a"]}"\n',
        "x = f'{\"\\n\".join([])}'\n",
        "type Names = list[str]\n",
        "def first[T](items: list[T]) -> T:\n    return items[0]\n",
        "class Box[T]:\n    pass\n",
    ],
)
def test_newer_syntax_is_left_to_the_agents_python(code: str) -> None:
    assert check_problems([CHECK], {"jobs": code}) == []


def test_code_in_another_encoding_is_reported() -> None:
    [problem] = check_problems([CHECK], {"jobs": b"x = '\xe9'\n".decode("utf-8", "surrogateescape")})
    assert problem.endswith("check jobs: jobs.py is not UTF-8. Save it as UTF-8.")


CUSTOM = {"name": "load", "source": "load.py"}
PYTHON = {"loader": "python"}


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (CUSTOM, "set init_config: {loader: python}"),
        ({**CUSTOM, "instances": [{}, PYTHON]}, "would run it instead"),
        ({**CUSTOM, "init_config": {"loader": "core"}}, "would run it instead"),
        ({**CUSTOM, "init_config": PYTHON, "instances": [{"loader": "core"}]}, "would run it instead"),
        ({**CUSTOM, "init_config": PYTHON}, None),
        ({**CUSTOM, "instances": [PYTHON, PYTHON]}, None),
        # A configured check of the Agent, and one that is removed.
        ({"name": "disk"}, None),
        ({"name": "disk", "source": None}, None),
        ({**CUSTOM, "state": "absent"}, None),
        ({**CUSTOM, "name": "queue", "source": "queue.py"}, "Rename check and source"),
        ({**CUSTOM, "name": "utils", "source": "utils.py", "init_config": PYTHON}, "Rename check and source"),
        ({**CUSTOM, "name": "datadog_agent", "source": "datadog_agent.py"}, "Rename check and source"),
        # Python 3.13 no longer has it.
        ({**CUSTOM, "name": "nis", "source": "nis.py"}, None),
    ],
)
def test_names_that_the_agent_uses_for_other_modules(check: dict[str, Any], words: str | None) -> None:
    problems = check_problems([check], {})
    assert len(problems) == (words is not None)
    assert (words or "") in str(problems)


@pytest.mark.parametrize("check", [{"name": "mysql"}, {"name": "mysql", "state": "absent"}])
def test_check_of_another_role_is_refused_with_the_variable_to_use(check: dict[str, Any]) -> None:
    [problem] = check_problems([check], {}, others={"datadog_mysql_user": {}})
    assert problem.endswith(
        "Remove it, and use datadog_mysql_user_connection, or datadog_mysql_user_instances for several servers."
    )
    assert check_problems([check], {}, others={"flask_apm": {}}) == []


def test_code_is_compiled_but_not_run() -> None:
    assert check_problems([CHECK], {"jobs": "raise SystemExit(1)\n"}) == []


@given(ANYTHING, st.lists(st.fixed_dictionaries({"name": st.just("a")}, optional=dict.fromkeys(
    ["source", "init_config", "instances", "sections", "secrets", "metrics"], ANYTHING))))  # fmt: skip
def test_no_type_of_any_check_crashes(anything: Any, checks: list[dict[str, Any]]) -> None:
    for value in (anything, checks):
        assert all(isinstance(problem, str) for problem in check_problems(value, {"a": "x = 1\n"}))


MINE = {"name": "my_metric", "source": "my_metric.py", "metrics": ["my_metric"]}
EVERY = {"min_collection_interval": 20}


def test_metrics_listed_for_checks_are_expected() -> None:
    mine = {**MINE, "instances": [EVERY]}
    checks = [mine, {"name": "jobs", "metrics": ["jobs.done"]}, {"name": "gone", "state": "absent", "metrics": ["x"]}]
    checked = check({**INPUTS, "checks": checks}, Host("h1", files={"my_metric.py": "x = 1\n"}))
    assert checked.expects == {
        "present": ["jobs.done"],
        "metrics": [{"name": "my_metric", "interval": 20, "min": 0, "max": 1000}],
    }
    assert checked.inputs == {
        "code": {"my_metric": "x = 1\n"},
        "proven": {"my_metric": ["my_metric"], "jobs": ["jobs.done"]},
    }


@pytest.mark.parametrize(
    ("mine", "expects"),
    [
        ({}, {"present": [], "metrics": [{"name": "my_metric", "interval": 15, "min": 0, "max": 1000}]}),
        ({"instances": [EVERY, EVERY]}, {"present": [], "metrics": [{"name": "my_metric", "min": 0, "max": 1000}]}),
        ({"source": "own.py"}, {"present": ["my_metric"], "metrics": []}),
        ({"metrics": None}, {"present": [], "metrics": []}),
    ],
)
def test_range_and_interval_are_those_of_the_roles_own_check(mine: dict[str, Any], expects: dict[str, Any]) -> None:
    files = {"my_metric.py": "x = 1\n", "own.py": "x = 1\n"}
    assert check({**INPUTS, "checks": [{**MINE, **mine}]}, Host("h1", files=files)).expects == expects


def test_sources_of_checks_are_read() -> None:
    checks = [CHECK, {"name": "uptime"}, {"name": "gone", "source": "gone.py", "state": "absent"}]
    assert reads({"checks": checks}) == ["jobs.py"]
    [problem] = check({**INPUTS, "checks": [CHECK]}, Host("h1", files={"jobs.py": None})).problems
    assert "there is no file jobs.py" in problem
