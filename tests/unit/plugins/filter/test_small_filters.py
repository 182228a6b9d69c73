# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small filters."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.kennel.fleet.plugins.filter.datadog_yaml import datadog_yaml
from hypothesis import given
from hypothesis import strategies as st


def test_readable_yaml_keeps_order_and_line_breaks() -> None:
    item = {"key": "load", "a": [], "message": "{{#is_alert}}High.{{/is_alert}}\nLook at it."}
    assert datadog_yaml([item]).splitlines() == [
        "- key: load", "  a: []", "  message: |-", "    {{#is_alert}}High.{{/is_alert}}", "    Look at it.",
    ]  # fmt: skip
    assert datadog_yaml([]) == "[]\n"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.lists(VALUES))
def test_readable_yaml_can_be_read_back(value: list[Any]) -> None:
    assert yaml.safe_load(datadog_yaml(value)) == value
