# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role datadog_custom_check refuses: each problem once, with its check; nothing of what is fine; no crash."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils.check_rules import check_problems
from anything import ANYTHING
from hypothesis import given
from hypothesis import strategies as st

CHECK = {"name": "queue", "source": "queue.py", "instances": [{"min_collection_interval": 45}]}


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        ([], {}),
        ([CHECK], {"queue": "x = 1\n"}),
        ([{"name": "uptime"}], {}),
        ([{"name": "a", "instances": [{"min_collection_interval": 0.5 + 1, "tags": ["a:b"]}]}], {}),
        ([{"name": "a", "state": "absent"}, {"name": "b", "init_config": None, "metrics": ["b"]}], {}),
        ([{"name": "a", "instances": [{"password": "ENC[db]"}], "secrets": {"instances.0.x": "y"}}], {}),
        ([{"name": "a", "instances": [], "sections": {"logs": [{"type": "file", "path": "/var/log/a"}]}}], {}),
    ],
)
def test_checks_that_are_fine(checks: list[dict[str, Any]], code: dict[str, str]) -> None:
    assert check_problems(checks, code) == []


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ({"name": "a"}, "is no list"),
        (["a"], "[0] has no proper name"),
        ([{}], "[0] has no proper name"),
        ([{"name": "Queue-Length"}], "[0] has no proper name"),
        ([{"name": "a"}, {"name": "a"}], "the check a twice"),
        ([{"name": "a", "intervall": 1}], "no field intervall"),
        ([{"name": "a", "instances": []}], "at least one item"),
        ([{"name": "a", "instances": None}], "at least one item"),
        ([{"name": "a", "instances": ["x"]}], "instances[0] is no dictionary"),
        ([{"name": "a", "instances": [], "sections": {}}], "at least one item"),
        ([{"name": "a", "sections": ["logs"]}], "sections is no dictionary"),
        ([{"name": "a", "sections": {"instances": [{}]}}], "sections is no dictionary of what stands beside"),
        ([{"name": "a", "sections": {"logs": [{"token": "geheim"}]}}], "logs.0.token is a secret"),
        ([{"name": "a", "init_config": []}], None),
        ([{"name": "a", "init_config": [1]}], "init_config is no dictionary"),
        ([{"name": "a", "secrets": None}], "secrets is no dictionary"),
        ([{"name": "a", "instances": [{"min_collection_interval": 0}]}], "instances[0].min_collection_interval is 0"),
        ([{"name": "a", "instances": [{"min_collection_interval": "45s"}]}], "'45s'"),
        ([{"name": "a", "instances": [{"min_collection_interval": True}]}], "True"),
        ([{"name": "a", "instances": [{"min_collection_interval": float("nan")}]}], "nan"),
        ([{"name": "a", "instances": [{}, {"tags": ["x"]}]}], "instances[1]: tags: 'x'"),
        ([{"name": "a", "instances": [{"password": "geheim"}]}], "instances.0.password is a secret"),
    ],
)
def test_problem_of_a_check_is_named_once(checks: Any, words: str | None) -> None:
    problems = check_problems(checks, {})
    assert len(problems) == (words is not None)
    assert (words or "") in str(problems)
    assert "geheim" not in str(problems)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def\n", "queue.py, line 1 is no Python: invalid syntax"),
        ("x = 1\n  y\n", "queue.py, line 2 is no Python: unexpected indent"),
        ("\0", "queue.py"),
    ],
)
def test_code_that_is_no_python_is_named_with_its_line(code: str, words: str) -> None:
    [problem] = check_problems([CHECK], {"queue": code})
    assert "check queue" in problem
    assert words in problem


def test_code_is_compiled_and_never_run() -> None:
    assert check_problems([CHECK], {"queue": "raise SystemExit(1)\n"}) == []


@given(ANYTHING, st.lists(st.fixed_dictionaries({"name": st.just("a")}, optional=dict.fromkeys(
    ["source", "init_config", "instances", "sections", "secrets", "metrics"], ANYTHING))))  # fmt: skip
def test_no_type_of_any_check_crashes(anything: Any, checks: list[dict[str, Any]]) -> None:
    for value in (anything, checks):
        assert all(isinstance(problem, str) for problem in check_problems(value, {"a": "x = 1\n"}))
