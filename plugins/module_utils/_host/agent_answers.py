# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the output of the Agent's command line: ``status --json`` and ``check NAME --json``. Pure.

Formats: datadog-agent 7.70 to 7.84, pkg/status/collector (with its fixture status_info.json),
comp/forwarder/defaultforwarder and pkg/cli/subcommands/check/command.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Statuses after which the Agent drops a payload; after all others it retries (defaultforwarder/transaction.go).
GIVEN_UP = ("400", "403", "413")
PYTHON, CORE = "Python Check Loader", "Core Check Loader"
UNKNOWN_TO_CORE = "not found in Catalog"
# If the constructor fails, the Agent calls it again as Agent 5 did: that message is useless (check.go).
FORMER_WAY = "Deprecated constructor API returned"
LENGTH = 300

# Errors of commands if the Agent has never run and created the files that its command line needs.
_UNREADY = re.compile(r"auth(entication)?[ _]token|ipc[ _]?cert", re.IGNORECASE)


@dataclass(frozen=True)
class CheckRun:
    """The output of ``datadog-agent check NAME --json``.

    :ivar metrics: sorted names of all metrics of its instances.
    :ivar errors: errors of runs, one for each instance; or the reason why it did not run.
    :ivar ready: false if only the running Agent is missing, which may still start.
    """

    metrics: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    ready: bool = field(default=True, compare=False)


def key_status(status: Any) -> str:
    """Return the Agent's status of its API keys; of several, the worst.

    A key that Datadog rejects is in APIKeyFailure, and no longer in APIKeyStatus.
    """
    refused = _texts(_part(status, "forwarderStats", "APIKeyFailure").values())
    others = _texts(_part(status, "forwarderStats", "APIKeyStatus").values())
    doubtful = [text for text in others if text != "API Key valid"]
    return next(iter([*refused, *doubtful, *others]), "")


def delivery_failures(status: Any) -> dict[str, int]:
    """Return the number of failed deliveries since the Agent's start, by HTTP status and by type of failure.

    Empty if nothing is queued for a retry and nothing was dropped.
    """
    transactions = _part(status, "forwarderStats", "Transactions")
    by_status = _counts(transactions.get("HTTPErrorsByCode"))
    if transactions.get("RetryQueueSize"):
        return by_status | _counts(transactions.get("ErrorsByType"))
    return {code: count for code, count in by_status.items() if code in GIVEN_UP}


def check_errors(status: Any) -> dict[str, str]:
    """Return the error of each check that failed in its last run, or could not be loaded, by check name.

    Of several errors, returns the first of: a run, the constructor, loading, the file.
    """
    found: dict[str, list[Any]] = {}
    for name, instances in _part(status, "runnerStats", "Checks").items():
        values = instances.values() if isinstance(instances, dict) else ()
        found[name] = [instance.get("LastError") for instance in values if isinstance(instance, dict)]
    for versioned, texts in _part(status, "pyLoaderStats", "ConfigureErrors").items():
        found.setdefault(versioned.partition(" (")[0], []).extend(texts if isinstance(texts, list) else [texts])
    for name, loaders in _part(status, "checkSchedulerStats", "LoaderErrors").items():
        found.setdefault(name, []).append(_loading(loaders) if isinstance(loaders, dict) else loaders)
    for name, text in _part(status, "autoConfigStats", "ConfigErrors").items():
        found.setdefault(name, []).append(text)
    said = {name: next(iter(filter(None, map(said_by, texts))), "") for name, texts in found.items()}
    return {name: text for name, text in said.items() if text}


def said_by(error: Any) -> str:
    """Return an error on one line: the message if it is JSON with a traceback, as from a run, else its last line."""
    try:
        document = json.loads(error)
        return _line(str((document[0] if isinstance(document, list) else document)["message"]))
    except (KeyError, IndexError, TypeError, ValueError):
        lines = [line.strip() for line in str(error or "").partition(FORMER_WAY)[0].splitlines() if line.strip()]
        return _line(lines[-1]) if lines else ""


def read_check(name: str, out: str, err: str, exit_status: int) -> CheckRun:
    """Return the result of a run of the check NAME, from the output and exit status of the command."""
    runs = _runs(out) if exit_status == 0 else []
    if runs:
        submitted = [_part(run, "aggregator") for run in runs]
        series = [entry for part in submitted for kind in ("metrics", "sketches") for entry in part.get(kind) or ()]
        metrics = {entry["metric"] for entry in series if isinstance(entry, dict) and entry.get("metric")}
        errors = (said_by(_part(run, "runner").get("LastError")) for run in runs)
        return CheckRun(tuple(sorted(metrics)), tuple(filter(None, errors)))
    reason = _refusal(name, out) or said_by(re.sub(r"^Error: ", "", err, flags=re.MULTILINE)) or said_by(out)
    return CheckRun(errors=(reason or f"exit status {exit_status}",), ready=not _UNREADY.search(err))


def _refusal(name: str, out: str) -> str:
    """Return why the check was not run, from standard output: the reason is not on standard error."""
    invalid = re.search(rf"^Error: invalid config for {re.escape(name)}: (.+)", out, re.MULTILINE)
    found = re.search(rf"^Error: could not load {re.escape(name)}:\n(.*)", out, re.MULTILINE | re.DOTALL)
    if not found:
        return _line(invalid[1]) if invalid else ""
    # One entry for each loader, which may have many lines.
    text = found[1].partition("\nWarning: could not resolve")[0]
    parts = re.split(r"^\* ([^\n:]+ Loader): ", text, flags=re.MULTILINE)
    return said_by(_loading(dict(zip(parts[1::2], parts[2::2], strict=True)))) or said_by(text)


def _runs(out: str) -> list[dict[str, Any]]:
    """Return the entries of the JSON, one for each instance. Ignores other lines, of the command or of the check."""
    for start in re.finditer(r"^\[", out, re.MULTILINE):
        try:
            document, _end = json.JSONDecoder().raw_decode(out, start.start())
        except ValueError:
            continue
        if document and all(isinstance(run, dict) and "runner" in run for run in document):
            return list(document)
    return []


def _loading(loaders: Mapping[str, Any]) -> Any:
    """Return the message of the relevant loader: Python's, unless the check is one of the Agent's Go checks."""
    core = loaders.get(CORE)
    if core and UNKNOWN_TO_CORE not in str(core):
        return core
    return loaders.get(PYTHON) or next(iter(loaders.values()), "")


def _part(document: Any, *path: str) -> dict[str, Any]:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _texts(values: Iterable[Any]) -> list[str]:
    return [value for value in values if value and isinstance(value, str)]


def _counts(values: Any) -> dict[str, int]:
    pairs = values.items() if isinstance(values, dict) else ()
    return {str(kind): count for kind, count in pairs if isinstance(count, int) and count > 0}


def _line(text: str) -> str:
    return " ".join(text.split())[:LENGTH]
