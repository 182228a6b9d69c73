# Agent 5's module, which the real Agent still has for custom checks: `from checks import AgentCheck`.
from datadog_checks.checks import AgentCheck  # noqa: F401
from datadog_checks.errors import CheckException  # noqa: F401
