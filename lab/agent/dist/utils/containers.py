# Agent 5's module.
from datadog_checks.base.utils.containers import *  # noqa: F403
