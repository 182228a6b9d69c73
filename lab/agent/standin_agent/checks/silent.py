"""What stands for the Go checks that this Agent does not have: they load, run and report nothing."""

from typing import Any

from datadog_checks.base import AgentCheck


class SilentCheck(AgentCheck):
    def check(self, _instance: dict[str, Any]) -> None:
        pass
