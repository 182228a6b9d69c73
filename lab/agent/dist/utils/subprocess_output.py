# Agent 5's module.
from datadog_checks.base.utils.subprocess_output import *  # noqa: F403
