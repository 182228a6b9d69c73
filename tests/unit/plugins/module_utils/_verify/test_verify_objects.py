# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judging monitors by their status in Datadog."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._verify.objects import judge_monitor

REASON = "cannot be evaluated here: forecast"


def states(*statuses: str, **more: Any) -> dict[str, Any]:
    return {"groups": {str(place): {"status": status} for place, status in enumerate(statuses)}, **more}


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        ({"overall_state": "OK", "state": states("OK", "OK")}, "ok", "evaluated: 2 OK"),
        ({"overall_state": "Alert"}, "ok", "evaluated: Alert"),
        ({"overall_state": "No Data", "state": states()}, "unevaluated", "it has not been evaluated yet"),
        ({"query": "avg(last_1h):outliers(..) > 0", "state": states()}, "ok", "it exists, and needs more history"),
        ({"overall_state": "Skipped", "state": states(reason=REASON)}, "ok", f"it exists, and {REASON}"),
        ({"overall_state": "Skipped"}, "ok", "it exists, and its evaluation is skipped"),
    ],
)
def test_monitor_must_have_a_status(found: dict[str, Any], verdict: str, words: str) -> None:
    judged = judge_monitor(found)
    assert judged.state == verdict and judged.detail.startswith(words)
