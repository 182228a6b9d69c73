# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run checks of the Agent once, independently of the running Agent."""

from __future__ import annotations

import time
from dataclasses import replace

from ansible.module_utils.basic import AnsibleModule

from .._secrets.names import public_text
from .agent_answers import CheckRun, read_check

USER = "dd-agent"
NEVER_RAN = (
    "The Agent has not created the files that its command line needs. "
    "`journalctl -u datadog-agent` shows why it is not running."
)
NO_REASON = "the Agent does not find it and does not say why. Look at its conf.yaml and at /var/log/datadog/agent.log."
FIX = "Fix that, and run again."
SILENT = "it runs without an error and reports {}. Check which metrics it submits, and under which names."


class CheckRuns:
    """Runs checks one after the other, with a common deadline for waiting."""

    def __init__(self, module: AnsibleModule, *, wait: float, timeout: int) -> None:
        self.module = module
        self.timeout = timeout
        self.deadline = time.monotonic() + wait

    def run(self, name: str, metrics: list[str]) -> CheckRun:
        """Run a check, twice if a metric is missing and nothing has failed: rates need two runs."""
        found = self._ready(name)
        if found.errors or not set(metrics) - set(found.metrics):
            return found
        return self._once(name, "--check-rate")

    def _ready(self, name: str) -> CheckRun:
        while True:
            found = self._once(name)
            if found.ready or time.monotonic() >= self.deadline:
                return found
            # There is no event to wait for: the Agent creates its files some time after its start.
            time.sleep(2)

    def _once(self, name: str, *more: str) -> CheckRun:
        prefix = ["runuser", "-u", USER, "--", "timeout", "-k", "5", str(self.timeout), "datadog-agent"]
        status, out, err = self.module.run_command(
            [*prefix, "check", name, "--json", *more], environ_update={"LC_ALL": "C.UTF-8"}
        )
        if status == 124:
            return CheckRun(errors=(f"it was still running after {self.timeout} seconds",))
        found = read_check(name, out, err, status)
        # An error may quote an address with its password.
        return replace(found, errors=tuple(public_text(error) for error in found.errors))


def problem(name: str, metrics: list[str], found: CheckRun) -> str:
    """Return the problem with a run of the check; empty if it reported METRICS."""
    missing = [metric for metric in metrics if metric not in found.metrics]
    if not missing and (found.metrics or not found.errors):
        return ""
    said = "; ".join(error.rstrip(".") for error in found.errors)
    reason = f"{said}. {FIX}" if said else SILENT.format(", ".join(found.metrics) or "nothing")
    if not found.ready:
        reason = f"{said}. {NEVER_RAN}" if said else NEVER_RAN
    elif said == "no valid check found":
        reason = NO_REASON
    return f"the check {name} does not report {', '.join(missing) or 'any metric'}: {reason}"
