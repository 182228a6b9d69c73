# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role datadog_verify: what a host is expected to show, added up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Checked, Host
from ansible_collections.kennel.fleet.plugins.module_utils._plain import copied
from ansible_collections.kennel.fleet.plugins.module_utils._verify.expected import LISTS, add_up, expectation_problems


def check(inputs: Mapping[str, Any], host: Host) -> Checked:
    """Add up what roles expect, and the role's other variables."""
    given = inputs["expects"] if isinstance(inputs["expects"], list) else []
    places = {f"datadog_verify_expects[{number}]: ": copied(expected) for number, expected in enumerate(given)}
    own = {name: inputs[name] for name in [*LISTS, "objects"] if inputs[name]}
    places["datadog_verify_"] = copied(own)
    problems = [f"{place}{problem}" for place, expected in places.items() for problem in expectation_problems(expected)]
    if isinstance(inputs["timeout"], int) and inputs["timeout"] < 1:
        problems.append(f"datadog_verify_timeout is {inputs['timeout']}. Write a number of seconds above 0.")
    if problems:
        return Checked(problems)
    expected = add_up(places.values())
    requests, objects = expected.pop("requests"), expected.pop("objects")
    return Checked([], {"expected": {"name": host.name, **expected}, "requests": requests, "objects": objects})
