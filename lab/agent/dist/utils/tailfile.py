# Agent 5's module.
from datadog_checks.base.utils.tailfile import *  # noqa: F403
