# Agent 5's module.
from datadog_checks.base.utils.timeout import *  # noqa: F403
