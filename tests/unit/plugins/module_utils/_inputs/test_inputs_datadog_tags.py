# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tags of a host from each source, and invalid ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_tags import check
from anything import ANYTHING
from hypothesis import given

INPUTS = {"literals": [], "groups": [], "group_key": "group", "variables": {}, "facts": {}, "fleet": ""}
FACTS = {"default_ipv4": {"address": "10.0.0.7"}, "dns": {"nameservers": ["a", "b"]}, "x.y": 1, "no": None, "zero": 0}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("default_ipv4.address", "10.0.0.7"),
        ("dns.nameservers.1", "b"),
        ("default_ipv4", {"address": "10.0.0.7"}),
        ("zero", 0),
        ("no", None),
        ("dns.nameservers.2", ""),
        ("dns.nameservers.-1", ""),
        ("dns.nameservers.x", ""),
        ("default_ipv4.address.0", ""),
        ("no.more", ""),
        ("x.y", ""),
        ("", ""),
    ],
)
def test_facts_are_found_by_dotted_paths(path: str, expected: Any) -> None:
    found = check({**INPUTS, "facts": {"key": path}}, Host("h1", facts=FACTS))
    if isinstance(expected, (str, int)) and expected != "":
        assert found.inputs["result"] == [f"key:{expected}"]
    else:
        [problem] = found.problems
        assert problem.startswith("datadog_tags_facts: fact tag 'key' has")


def test_tags_of_every_source() -> None:
    wanted = {**INPUTS, "literals": ["env:lab"], "groups": ["web"], "variables": {"role": "kind"}, "fleet": "shop"}
    checked = check(wanted, Host("h1", variables={"kind": ["api", "front end"]}))
    assert checked.problems == []
    assert checked.inputs["result"] == ["env:lab", "group:web", "kennel_fleet:shop", "role:api", "role:front_end"]


@given(ANYTHING)
def test_tags_are_valid_for_any_input(value: Any) -> None:
    for name in INPUTS:
        assert all(isinstance(problem, str) for problem in check({**INPUTS, name: value}, Host("h1")).problems)
