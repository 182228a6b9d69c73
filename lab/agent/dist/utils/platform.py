# Agent 5's module.
from datadog_checks.base.utils.platform import *  # noqa: F403
