# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role datadog_verify: everything that a host is expected to show. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._objects.marks import NAME, NAME_RULE
from .._plain import copied
from .._tags import tag_problem
from .._verify.expected import LISTS, add_up, expectation_problems
from .checked import Checked, Host, subject
from .rules import folder_problems, is_address, is_between, metric_problem
from .specification import shown

LONGEST = 86400


def writes(inputs: Mapping[str, Any]) -> list[str]:
    """Return the folder for the reports."""
    return [inputs["reports"]] if inputs["reports"] else []


def check(inputs: Mapping[str, Any], host: Host) -> Checked:
    """Combine what roles expect with the role's other variables."""
    given = inputs["expects"] if isinstance(inputs["expects"], list) else []
    places = {f"datadog_verify_expects[{number}]: ": copied(expected) for number, expected in enumerate(given)}
    own = {name: inputs[name] for name in [*LISTS, "objects"] if inputs[name]}
    places["datadog_verify_"] = copied(own)
    problems = []
    for place, expected in places.items():
        found = expectation_problems(expected)
        wrong = {subject(problem) for problem in found}
        if isinstance(expected, dict):
            found += _problems({name: items for name, items in expected.items() if name not in wrong})
        problems += [f"{place}{problem}" for problem in found]
    if not is_between(inputs["timeout"], 1, LONGEST):
        problems.append(f"datadog_verify_timeout is {inputs['timeout']}. Write a number of seconds, up to {LONGEST}.")
    if inputs["fleet"] and not NAME.match(str(inputs["fleet"])):
        problems.append(f"datadog_verify_fleet {inputs['fleet']!r} is not a valid name. Write {NAME_RULE}.")
    problems += folder_problems("datadog_verify_reports", inputs["reports"], host.unwritable)
    if problems:
        return Checked(problems)
    expected = add_up(places.values())
    requests, objects = expected.pop("requests"), expected.pop("objects")
    return Checked([], {"expected": {"name": host.name, **expected}, "requests": requests, "objects": objects})


def _problems(expected: Mapping[str, Any]) -> list[str]:
    """Return problems with the items of an expectation, whose types are valid."""
    problems = [f"tags: {tag!r} {problem}" for tag in expected.get("tags") or () if (problem := tag_problem(tag))]
    problems += [f"present: {problem}" for problem in map(metric_problem, expected.get("present") or ()) if problem]
    problems += [
        f"service_checks has {name!r}. Write a name such as mysql.can_connect."
        for name in expected.get("service_checks") or ()
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", name)
    ]
    problems += [
        f"requests has {shown(address)}. Write an address such as http://127.0.0.1:5050/."
        for address in expected.get("requests") or ()
        if not is_address(address)
    ]
    for metric in expected.get("metrics") or ():
        problems += [f"metrics: {problem}" for problem in _metric(metric)]
    for service in expected.get("services") or ():
        if set(service) != {"name", "operation"} or tag_problem(f"service:{service['name']}") or _has_space(service):
            problems.append(f"services has {shown(service)}. Write name and operation, such as shop and flask.request.")
    return problems


def _has_space(service: Mapping[str, Any]) -> bool:
    return any(not re.fullmatch(r"[^\s{}(),]+", str(text)) for text in service.values())


def _metric(metric: Mapping[str, Any]) -> list[str]:
    problems = [problem for problem in [metric_problem(metric["name"])] if problem]
    problems += [
        f"{name} is not a known field. Write name, interval, min and max."
        for name in metric
        if name not in ("name", "interval", "min", "max")
    ]
    numbers: dict[str, Any] = {
        name: metric.get(name) for name in ("interval", "min", "max") if metric.get(name) is not None
    }
    wrong = [name for name, value in numbers.items() if isinstance(value, bool) or not isinstance(value, (int, float))]
    if wrong:
        return [*problems, *(f"{name} is {shown(numbers[name])}. Write a number." for name in wrong)]
    if numbers.get("interval", 1) <= 0:
        problems.append(f"interval is {numbers['interval']}. Write a number of seconds above 0.")
    if numbers.get("min", 0) > numbers.get("max", numbers.get("min", 0)):
        problems.append(f"min is {numbers['min']}, which is above max. Write a lower one.")
    return problems
