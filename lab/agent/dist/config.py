# Agent 5's module.
from datadog_checks.config import _is_affirmative  # noqa: F401
from datadog_checks.log import _get_py_loglevel  # noqa: F401
