# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shared code of the modules that call the Datadog API: running a module, time ranges, and reports."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .client import Client, client_from_module, datadog_argument_spec
from .errors import DatadogError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class InputError(Exception):
    """Invalid arguments; the message has a line for each problem."""


def run_module(
    work: Callable[[Client, dict[str, Any], bool], dict[str, Any]], arguments: dict[str, Any], **options: Any
) -> None:
    """Run a module.

    :arg work: receives client, arguments and check mode, and returns the result; ``changed`` defaults to false.
    :arg arguments: the module's own arguments, in addition to the common ones; OPTIONS are passed to AnsibleModule.
    """
    module = AnsibleModule(argument_spec={**datadog_argument_spec(), **arguments}, supports_check_mode=True, **options)
    try:
        result = work(client_from_module(module), module.params, module.check_mode)
    except (DatadogError, InputError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**{"changed": False, **result})


def time_arguments(start: str, end: str) -> dict[str, dict[str, Any]]:
    """Return the arguments that ``time_range`` reads; the module takes either START or ``span``."""
    return {start: {"type": "int"}, end: {"type": "int"}, "span": {"type": "str"}}


def time_range(params: Mapping[str, Any], start: str, end: str) -> tuple[int, int]:
    """Return start and end in seconds since the epoch, from arguments named START and END, or ``span``.

    The end defaults to the current time.

    :raises InputError: unless the start is before the end.
    """
    last = int(time.time()) if params[end] is None else params[end]
    first = params[start] if params["span"] is None else last - seconds(params["span"])
    if not 0 <= first < last:
        raise InputError(f"{start} ({first}) is not before {end} ({last}). Set both in seconds since the epoch.")
    return first, last


def seconds(span: str) -> int:
    """Return the seconds of ``90s``, ``5m``, ``4h``, ``1d`` or ``1w``. Raises InputError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhdw])", span)
    if not found:
        raise InputError(f"span '{span}' is not a length of time. Write one such as 90s, 5m, 4h, 1d or 1w.")
    return int(found[1]) * UNITS[found[2]]


def get_if_there(client: Client, path: str, **params: Any) -> list[Any]:
    """Return the object at PATH in a list, or an empty list if it does not exist."""
    try:
        return [client.get(path, **params)]
    except DatadogError as error:
        if error.status != 404:
            raise
        return []


def write_reports(module: AnsibleModule, folder: str, reports: Mapping[str, str], **result: Any) -> list[str]:
    """Write texts to files in a folder on the controller, by name, and return their paths.

    Fails with RESULT if that is not possible. Each file is written atomically, so that nobody reads half of it.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        for name, text in reports.items():
            handle, fresh = tempfile.mkstemp(dir=folder, prefix=".report-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(fresh, 0o644)
            os.replace(fresh, os.path.join(folder, name))
    except OSError as error:
        module.fail_json(**{**result, "msg": f"reports: {error}. Set it to a writable folder, or remove it."})
    return [os.path.join(folder, name) for name in reports]
