# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: check_metrics
short_description: Name the metrics that a run of a check gave
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Reads what C(datadog-agent check NAME --json) prints.
options:
  _input:
    description: The command's output. Lines before the JSON are passed over.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the metrics of a check
  ansible.builtin.debug:
    msg: "{{ run.stdout | kennel.fleet.check_metrics }}"
"""

RETURN = r"""
_value:
  description: The names of the metrics, sorted, each once. Empty when the output holds no JSON.
  type: list
  elements: str
"""

import json
from collections.abc import Callable
from typing import Any


def check_metrics(output: str) -> list[str]:
    """Return the metric names in the output of ``datadog-agent check NAME --json``, sorted."""
    for start, char in enumerate(output):
        if char != "[" or (start and output[start - 1] != "\n"):
            continue
        try:
            runs = json.loads(output[start:])
        except ValueError:
            continue
        if not all(isinstance(run, dict) for run in runs):
            continue
        metrics = [metric for run in runs for metric in (run.get("aggregator", {}).get("metrics") or [])]
        return sorted({metric["metric"] for metric in metrics})
    return []


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"check_metrics": check_metrics}
