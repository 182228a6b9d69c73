# Agent 5's module.
from datadog_checks.checks import EventType, NetworkCheck, Status  # noqa: F401
