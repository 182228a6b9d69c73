# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tag filters and their rules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kennel.fleet.plugins.filter.datadog_tags import datadog_tags
from ansible_collections.kennel.fleet.plugins.module_utils._tags import (
    MAX_LENGTH,
    build_tags,
    normalise_tag,
    normalise_value,
    tag_problem,
)
from hypothesis import assume, given
from hypothesis import strategies as st

# What Datadog stores. The rules come from its documentation, which _tags.py names: "tags" is Getting
# started with tags, "naming" the guide on naming metrics and tags, "cost" Cloud Cost Management's tags. "agent" are
# cases of TestNormalizeTag (datadog-agent, pkg/trace/traceutil/normalize), "forwarder" is sanitize_aws_tag_string
# (datadog-serverless-functions, pull request 240).
STORED = [
    ("tags: stays", "env:staging:east", "env:staging:east"),
    ("tags: stays", "path:/srv/www-1.2", "path:/srv/www-1.2"),
    ("tags: stays", "version:7", "version:7"),
    ("tags: a value alone", "canary", "canary"),
    ("tags: lower case", "Env:PROD", "env:prod"),
    ("tags: Unicode", "city:Zürich", "city:zürich"),
    ("tags: Unicode", "region:東京", "region:東京"),
    ("tags: other characters", "team:web shop", "team:web_shop"),
    ("tags: no colon at the end", "env:prod:", "env:prod"),
    ("tags: no colon at the end", "tag:", "tag"),
    ("tags: at most 200 characters", "a:" + "x" * 300, "a:" + "x" * 198),
    ("naming: runs of underscores", "role:web__1_", "role:web_1"),
    ("naming: runs of underscores", "team:web  &  shop", "team:web_shop"),
    ("naming: trailing underscore", "note:really?!", "note:really"),
    ("naming: trailing underscore, and then the colon", "env:???", "env"),
    ("cost: what precedes the first letter", "_1st:x", "st:x"),
    ("cost: what precedes the first letter", ":testing", "testing"),
    ("cost: what precedes the first letter", "12:34", ""),
    ("agent", "#test_starting_hash", "test_starting_hash"),
    ("agent", "Test Conversion Of Weird !@#$%^&**() Characters", "test_conversion_of_weird_characters"),
    ("agent", "1love", "love"),
    ("agent", "Data\N{KOALA}dog\N{DOG FACE} 繋がっ\N{MOUNTAIN}てて", "data_dog_繋がっ_てて"),
    ("agent", " #hashtag!@#spaces #__<>#  ", "hashtag_spaces"),
    ("agent", "\N{TRADE MARK SIGN}Ö\N{TRADE MARK SIGN}Ö\N{TRADE MARK SIGN}", "ö_ö"),
    ("agent", "---fun:k####y_ta@#g/1_@@#", "fun:k_y_ta_g/1"),
    ("agent", "contiguous_____underscores", "contiguous_underscores"),
    ("agent", "a" * 888, "a" * 200),
    ("agent: the key keeps its underscore", "role_:x", "role_:x"),
    ("agent: categories L* and Nd alone", "unit:m²", "unit:m"),
    ("agent: a small letter of two characters", "city:\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "city:İ"),
    ("forwarder: cut after the clean-up", "a:" + "?" * 300 + "x", "a:_x"),
    ("forwarder: no underscore where it is cut", "a" * 199 + "_b", "a" * 199),
]


@pytest.mark.parametrize(("written", "stored"), [row[1:] for row in STORED], ids=[row[0] for row in STORED])
def test_tags_are_stored_as_by_datadog(written: str, stored: str) -> None:
    assert normalise_tag(written) == stored
    assert normalise_tag(stored) == stored


@pytest.mark.parametrize(("written", "stored"), [("7", "7"), ("_Web 1_", "_web_1"), ("a:", "a"), ("?", ""), ("", "")])
def test_values_are_stored_as_by_datadog(written: str, stored: str) -> None:
    assert normalise_value(written) == stored


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Team:Web Shop", "team:web_shop"),
        # White space around key and value is removed.
        (" env : prod ", "env:prod"),
        ("role:database:mysql", "role:database:mysql"),
        ("a:" + "x" * (MAX_LENGTH - 2), "a:" + "x" * (MAX_LENGTH - 2)),
        # The length is that after normalisation.
        ("a:" + "?" * 300 + "x", "a:_x"),
    ],
)
def test_tags_are_made_valid(written: str, stored: str) -> None:
    assert tag_problem(written) is None
    assert datadog_tags([written]) == [stored]


@pytest.mark.parametrize(
    ("literal", "words"),
    [
        ("webserver", "not of the form key:value"),
        ("", "not of the form key:value"),
        (":x", "empty key"),
        ("env:", "empty value"),
        ("env:  ", "empty value"),
        ("env:???", "without any letter or digit"),
        ("1st:x", "does not start with a letter"),
        ("_env:x", "does not start with a letter"),
        ("-:x", "does not start with a letter"),
        ("host:web1", "keeps for the host's own name"),
        ("a:" + "x" * (MAX_LENGTH - 1), "201 characters"),
        ({"env": "prod"}, "without a space after the colon"),
        (None, "null"),
        (7, "of type int"),
        (["a:b"], "is a list"),
        (object(), "of type object"),
    ],
)
def test_invalid_tags_are_refused(literal: Any, words: str) -> None:
    _tags, (problem,) = build_tags([literal])
    assert problem.startswith("literal tag")
    assert words in problem
    with pytest.raises(AnsibleFilterError, match="literal tag"):
        datadog_tags([literal])


def test_tags_of_every_source() -> None:
    tags = datadog_tags(
        {"env": "Lab", "team": ["a", "b"]},
        groups=["mysql", "monitored"],
        group_key="group",
        variables={"role": ["db", "db"], "canary": True, "shard": 3, "none_of_them": []},
        facts={"os": "Debian", "os_version": 12.5},
    )
    assert tags == [
        "canary:true",
        "env:lab",
        "group:monitored",
        "group:mysql",
        "os:debian",
        "os_version:12.5",
        "role:db",
        "shard:3",
        "team:a",
        "team:b",
    ]


def test_no_tags() -> None:
    assert datadog_tags([]) == []
    assert datadog_tags(None, groups=None, variables=None, facts=None) == []


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        ({"groups": "web"}, "groups are a string. Write a list of group names"),
        ({"groups": [1]}, "group '1' is of type int. Write a string."),
        ({"groups": ["!"]}, "group '!' has a value without any letter or digit. Change it, or remove the tag"),
        ({"groups": ["a"], "group_key": ""}, "group key '' is empty. Write the key of a tag."),
        ({"groups": ["a"], "group_key": "a:b"}, "group key 'a:b' contains a colon"),
        ({"groups": ["a"], "group_key": None}, "group key (null) is null. Write a string."),
        ({"groups": ["a"], "group_key": "9"}, "group 'a' does not start with a letter"),
        ({"variables": {"role": None}}, "variable tag 'role' has null as its value"),
        ({"variables": {"role": {"a": 1}}}, "variable tag 'role' has a dictionary as its value"),
        ({"variables": {"role": [["a"]]}}, "variable tag 'role' has a list as its value"),
        ({"variables": {"role": ""}}, "variable tag 'role' has an empty value"),
        ({"variables": {1: "x"}}, "variable tag '1' is of type int. Write a string."),
        ({"variables": {" ": "x"}}, "variable tag ' ' is empty"),
        ({"variables": {"a:b": "x"}}, "variable tag 'a:b' contains a colon"),
        ({"variables": ["a:b"]}, "variable tags are a list. Write a dictionary"),
        ({"facts": {"os": None}}, "fact tag 'os' has null as its value"),
        ({"facts": "os"}, "fact tags are a string. Write a dictionary"),
    ],
)
def test_problem_names_its_source(sources: dict[str, Any], problem: str) -> None:
    _tags, (found,) = build_tags([], **sources)
    assert found.startswith(problem)


@pytest.mark.parametrize("literals", ["env:prod", 7, True, {"a:b"}])
def test_literals_of_a_wrong_type(literals: Any) -> None:
    _tags, (problem,) = build_tags(literals)
    assert problem.startswith("literal tags are ")


def test_error_lists_every_problem() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        datadog_tags(["bad", "a:b"], groups=["ok"], variables={"x": None}, facts={"1": "y"})
    for name in ("'bad'", "'x'", "'1'"):
        assert name in str(caught.value)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=8,
)


@given(st.text())
def test_normalisation_is_idempotent(text: str) -> None:
    once = normalise_tag(text)
    assert normalise_tag(once) == once


@given(st.from_regex(r"\w.*", fullmatch=True), st.text(min_size=1))
def test_accepted_tags_are_valid(key: str, value: str) -> None:
    tag = f"{key}:{value}"
    assume(tag_problem(tag) is None)
    [stored] = datadog_tags([tag])
    assert tag_problem(stored) is None
    assert stored[0].isalpha() and not stored.endswith(("_", ":")) and "__" not in stored
    assert len(stored) <= MAX_LENGTH and ":" in stored and not any(char.isspace() for char in stored)


@given(anything, anything, anything, anything, anything)
def test_no_input_crashes_it(literals: Any, groups: Any, group_key: Any, variables: Any, facts: Any) -> None:
    tags, problems = build_tags(literals, groups=groups, group_key=group_key, variables=variables, facts=facts)
    assert tags == sorted(set(tags))
    assert all(isinstance(problem, str) for problem in problems)
