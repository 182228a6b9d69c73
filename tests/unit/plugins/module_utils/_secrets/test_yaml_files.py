# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Agent's files: rendered YAML is read back unchanged, with secrets merged in."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._secrets import yaml_files as datadog_files
from hypothesis import given, settings
from hypothesis import strategies as st

API_KEY = "0123456789abcdef" * 2

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        "yes",
        "12e4",
        "0x1f",
        "1_000",
        "~",
        "null",
        "2026-11-24",
        "- a",
        "a: b",
        "#",
        "{{ x }}",
        "%",
        "é",
        "\u2028",
        "\x85",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


class TestRendering:
    @given(VALUES)
    def test_round_trip(self, value: Any) -> None:
        assert yaml.safe_load(datadog_files.to_yaml(value)) == value

    @pytest.mark.long
    @settings(max_examples=10_000)
    @given(VALUES)
    def test_round_trip_at_length(self, value: Any) -> None:
        assert yaml.safe_load(datadog_files.to_yaml(value)) == value

    @pytest.mark.parametrize(
        "key", ["yes", "No", "on", "null", "y", "1", "1.5", "a b", "a: b", "#a", "", "é", "\U0001f436"]
    )
    def test_keys_stay_strings(self, key: str) -> None:
        assert yaml.safe_load(datadog_files.to_yaml({key: 1})) == {key: 1}

    @pytest.mark.parametrize("text", ["12e4", "0123456789", "1:30", "true", API_KEY, "ENC[api_key]"])
    def test_strings_are_quoted_for_every_parser(self, text: str) -> None:
        assert datadog_files.to_yaml({"api_key": text}) == f'api_key: "{text}"\n'

    @pytest.mark.parametrize("value", [1e20, 1e-7, -2.5e300])
    def test_large_and_small_numbers_stay_numbers(self, value: float) -> None:
        assert yaml.safe_load(datadog_files.to_yaml({"a": value})) == {"a": value}

    @pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), float("nan"), float("inf")])
    def test_refuses_values_without_a_plain_yaml_form(self, value: Any) -> None:
        with pytest.raises((TypeError, ValueError)):
            datadog_files.to_yaml({"a": [value]})


class TestSecretPlaces:
    @pytest.mark.parametrize(
        ("config", "path", "expected"),
        [
            ({"site": "s"}, "api_key", {"site": "s", "api_key": "S"}),
            ({}, "proxy.https", {"proxy": {"https": "S"}}),
            ({"instances": [{"host": "h"}]}, "instances.0.password", {"instances": [{"host": "h", "password": "S"}]}),
            ({"urls": ["a", "b"]}, "urls.1", {"urls": ["a", "S"]}),
        ],
    )
    def test_merges_a_secret(self, config: dict, path: str, expected: dict) -> None:
        before = repr(config)
        assert datadog_files.merge_secrets(config, {path: "S"}) == expected
        assert repr(config) == before

    @pytest.mark.parametrize(
        "path", ["instances.1.password", "instances.x.password", "site.key", "instances.9", "none.a"]
    )
    def test_errors_name_the_path_and_not_the_value(self, path: str) -> None:
        config = {"instances": [{}], "site": "s", "none": None}
        with pytest.raises(ValueError, match=path) as caught:
            datadog_files.merge_secrets(config, {path: "tell-nobody"})
        assert "tell-nobody" not in str(caught.value)
