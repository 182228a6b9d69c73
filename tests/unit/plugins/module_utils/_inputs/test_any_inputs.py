# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of any type for every variable of every role cause problems, but never exceptions."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils import _inputs
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Host, depends_on, subject
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.specification import convert, shown
from anything import ANYTHING
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[5]
ROLES = [path.stem for path in Path(_inputs.__file__).parent.glob("*.py") if (ROOT / "roles" / path.stem).is_dir()]
# Texts that rules parse, so that the tests reach more than the rules' first lines.
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "a", "env:a", "https://a.example.com", "http://[", "/run/x.sock", "5", "-1", "nan", "true", "a.b", "localhost",
     "shop.*:SELECT", "FREQ=DAILY", "1h", "env:a AND", "avg(last_5m):avg:a{*} > 5", "metric alert", "{{", "x" * 300,
     "2050-01-01T00:00:00", "present", "absent", "mysql", "0a" * 16, "\u00fc\ud800", "a\nb", "1" * 5000]
)  # fmt: skip
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, 1, 5, 65535, 10**400])
FIELDS = """
    key name title type query message tags options thresholds critical warning critical_recovery scope schedule start
    end recurrences rrule duration monitor_identifier monitor_id monitor_tags monitor_key state days from to timezone
    all_day host port sock user database unix_socket password priv instances init_config secrets source metrics interval
    min max operation widgets definition requests queries layout_type notify connection create dbm socket login_user
"""
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS.split()) | st.text(max_size=4), inner, max_size=8)
        | st.dictionaries(st.integers() | st.booleans() | st.none(), inner, max_size=2)
    ),
    max_leaves=24,
)


def role_files(role: str, place: str) -> dict[str, Any]:
    """Return the merged contents of the files in a role's folder."""
    folder = ROOT / "roles" / role / place
    paths = [folder.with_suffix(".yml"), *folder.glob("*.yml")]
    texts = [path.read_text(encoding="utf-8").replace("!unsafe", "") for path in paths if path.exists()]
    return {name: value for text in texts for name, value in (yaml.safe_load(text) or {}).items()}


def of_type(option: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values, most of which have an option's type."""
    kind = option.get("type", "str")
    if "choices" in option:
        return st.sampled_from(option["choices"]) | VALUES
    if kind == "list":
        return st.lists(of_type({**option, "type": option.get("elements", "raw")}), max_size=3) | VALUES
    if kind == "dict" and option.get("options"):
        fields = {name: of_type(inner) for name, inner in option["options"].items()}
        return st.fixed_dictionaries({}, optional=fields) | VALUES
    if kind == "dict":
        return st.dictionaries(st.sampled_from(FIELDS.split()) | TEXTS, VALUES, max_size=8) | VALUES
    return {"int": NUMBERS, "float": NUMBERS, "bool": st.booleans()}.get(kind, TEXTS) | VALUES


def test_every_role_is_covered() -> None:
    assert len(ROLES) == 8


@pytest.mark.parametrize("role", ROLES)
def test_any_value_of_any_variable_is_accepted_or_named_in_a_problem(role: str) -> None:
    rules = importlib.import_module(f"{_inputs.__name__}.{role}")
    options = role_files(role, "meta/argument_specs")["argument_specs"]["main"]["options"]
    defaults = role_files(role, "defaults/main")
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}

    @settings(max_examples=150, deadline=None)
    @given(st.fixed_dictionaries({}, optional={name: of_type(option) for name, option in options.items()}), ANYTHING)
    def judge(values: dict[str, Any], other: Any) -> None:
        inputs = {**plain, **values}
        problems = convert(options, inputs, defaults.get, getattr(rules, "SEVERAL_LINES", ()))
        assert all(subject(problem) in options for problem in problems)
        short = {name.removeprefix(f"{role}_"): inputs.get(name) for name in options}
        files = dict.fromkeys(rules.reads(short), None) if hasattr(rules, "reads") else {}
        if hasattr(rules, "writes"):
            assert all(isinstance(path, str) for path in rules.writes(short))
        variables = {"mysql_users": other, "mysql_databases": other, "mysql_settings": other, "mysql_flavour": other}
        host = Host("h1", {"distribution": "Debian"}, variables={**variables, **values}, files=files)
        checked = rules.check(short, host)
        for problem in problems + checked.problems:
            assert isinstance(problem, str) and not depends_on(subject(problem), [], values)

    judge()


@given(VALUES)
def test_any_value_can_be_shown_in_one_line(value: Any) -> None:
    text = shown(value)
    assert len(text) <= 80 and "\n" not in text
