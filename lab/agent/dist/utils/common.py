# Agent 5's module.
from datadog_checks.base.utils.common import *  # noqa: F403
