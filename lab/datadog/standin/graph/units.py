"""Units of values, and of the metrics that Agents and tracers send.

Datadog stores a unit with each metric, from an integration's metadata.csv. This module has those of the metrics that
the lab sends. Sources: integrations-core, metadata.csv of disk, mysql, network, system_core; for memory and disks, what
the Agent sends (pkg/collector/corechecks/system): MiB and KiB; for traces,
https://docs.datadoghq.com/tracing/metrics/metrics_namespace/
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from module_utils._query.metric import (
    Binary,
    Call,
    Expression,
    Modified,
    Negative,
    Number,
    Series,
    parse,
)
from module_utils._query.scope import QuerySyntaxError

_STEPS = tuple[tuple[float, str], ...]
_PLAIN: _STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_TIME: _STEPS = ((86400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns"))
_BYTES: _STEPS = tuple(
    (1024.0**power, f" {name}") for power, name in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB"), (0, "B"))
)
# The name of several, of which one has another end: 1 query/s.
_ONE = re.compile(r"^( \w+?)(ies|s)(?=/|$)")


def _single(name: re.Match[str]) -> str:
    return name[1] + ("y" if name[2] == "ies" else "")


@dataclass(frozen=True)
class Unit:
    """How a value is written: (size, text) of each step, the largest first, and what is counted, such as "queries/s".

    Values smaller than the last step use the last step. For parts of a whole, `full` is the value of the whole.
    """

    steps: _STEPS = _PLAIN
    name: str = ""
    full: float | None = None

    def show(self, value: float | None, precision: int = 2) -> str:
        """Format a value; one that would be rounded to zero keeps its first digits."""
        if value is None:
            return "-"
        size, text = next((one for one in self.steps if (abs(value) or 1) >= one[0]), self.steps[-1])
        shown = f"{value / size:,.{precision}f}"
        if 0 < abs(value / size) < 10**-precision:
            shown = f"{value / size:.{max(1, precision)}g}"
        shown = (shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown) + text
        return shown + (_ONE.sub(_single, self.name) if shown == "1" else self.name)

    def per_second(self) -> "Unit":
        """Return the unit of a rate: bytes become bytes per second; time per second is a plain number."""
        if self.steps == _PLAIN:
            return Unit(name=f"{self.name or ' '}/s".replace(" /s", "/s"))
        return (
            PLAIN
            if self.full or self.steps[0][1] == " d"
            else Unit(tuple((size, f"{text}/s") for size, text in self.steps))
        )


def _scaled(steps: _STEPS, size: float) -> Unit:
    """Return the steps for values in a unit of this size, such as 1024 ** 2 for MiB."""
    return Unit(tuple((step / size, text) for step, text in steps))


def _counted(what: str) -> Unit:
    return Unit(name=f" {what}")


PLAIN = Unit()
UNSCALED = Unit(((1.0, ""),))
SECONDS = Unit(_TIME)
_PERCENT = Unit(((1, "%"),), full=100)
_FRACTION = Unit(((0.01, "%"),), full=1)
_B = Unit(_BYTES)

# The first one that matches the name of a metric determines its unit.
_KNOWN: tuple[tuple[str, Unit], ...] = (
    (r"system\.cpu\.(num_cores|context_switches)", PLAIN),
    (r"system\.cpu\.\w+|mysql\.performance\.(user|kernel|cpu)_time|system\.(disk|fs\.inodes)\.utilized", _PERCENT),
    (r"system\.(mem|swap)\.pct_\w+|system\.(disk|fs\.inodes)\.in_use", _FRACTION),
    (r"mysql\.\w+\.(\w+_)?utilization|mysql\.innodb\.row_lock_time", _FRACTION),
    (
        r"system\.(mem|swap)\.\w+|mysql\.info\.schema\.size|mysql\.info\.table\.\w+_size",
        _scaled(_BYTES, 1024**2),
    ),
    (r"mysql\.index\.size|mysql\.binlog\.disk_use|mysql\.performance\.qcache_(size|free_memory)", _B),
    (
        r"mysql\.innodb\.(mem_(total|dictionary|adaptive_hash)|buffer_pool_(data|dirty))|mysql\.myisam\.key_buffer_\w+",
        _B,
    ),
    (r"mysql\.innodb\.(data_read|data_written|os_log_written)", _B.per_second()),
    (r"mysql\.innodb\.rows_\w+", _counted("rows/s")),
    (r"system\.disk\.(total|used|free)", _scaled(_BYTES, 1024)),
    (r"system\.disk\.(read|write)_time", _scaled(_TIME, 1e-3)),
    (r"system\.net\.bytes_\w+|mysql\.performance\.bytes_\w+", _B.per_second()),
    (r"system\.net\.packets_\w+\.count", _counted("packets/s")),
    (r"system\.net\.packets_\w+\.error", _counted("errors/s")),
    (r"system\.uptime|ntp\.offset|mysql\.replication\.seconds_\w+", SECONDS),
    (r"mysql\.performance\.((slow_)?queries|questions|com_\w+|qcache_(inserts|lowmem_prunes))", _counted("queries/s")),
    (r"mysql\.performance\.(query_run_time\.avg|digest_95th_percentile\.avg_us)", _scaled(_TIME, 1e-6)),
    (r"mysql\.performance\.((handler|select|sort)_\w+)|mysql\.innodb\.data_fsyncs", _counted("operations/s")),
    (r"mysql\.performance\.(threads_connected)|mysql\.net\.max_connections\w*", _counted("connections")),
    (r"mysql\.net\.(connections|aborted_\w+)", _counted("connections/s")),
    (r"mysql\.performance\.threads_(running|cached|created)", _counted("threads")),
    (r"mysql\.performance\.open_files", _counted("files")),
    (r"mysql\.performance\.open_tables", _counted("tables")),
    (r"mysql\.performance\.(created_tmp_(disk_)?tables|opened_tables)", _counted("tables/s")),
    (r"mysql\.innodb\.(data_reads|buffer_pool_read(s|_requests))", _counted("reads/s")),
    (r"mysql\.innodb\.(data_writes|os_log_fsyncs|log_writes|log_write_requests)", _counted("writes/s")),
    (r"mysql\.innodb\.buffer_pool_(free|total|used|pages_(data|dirty|free|total))", _counted("pages")),
    (r"trace\..+\.hits(\.by_http_status)?", _counted("requests")),
    (r"trace\..+\.errors(\.by_http_status)?", _counted("errors")),
    (r"trace\..+\.apdex(\..*)?", PLAIN),
    (r"trace\..+", SECONDS),
)
# Functions that change the unit; all others keep it.
_RATES = ("per_second", "derivative", "rate", "throughput")
_OTHERS = (
    *("per_minute", "per_hour", "dt", "integral", "count_nonzero", "count_nonzero_finite", "count_not_null"),
    *("log2", "log10", "pow", "equal"),
)


_LENGTHS = {
    "nanosecond": 1e-9,
    "microsecond": 1e-6,
    "millisecond": 1e-3,
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
}
_PARTS: dict[str, Unit] = {
    "percent": _PERCENT,
    "fraction": _FRACTION,
    **{f"{name}byte": _scaled(_BYTES, 1024**power) for power, name in enumerate(("", "kibi", "mebi", "gibi", "tebi"))},
    **{name: _scaled(_TIME, size) for name, size in _LENGTHS.items()},
}
# Edited metadata of metrics by name, while a page is rendered.
_said: ContextVar[Mapping[str, Mapping[str, Any]] | None] = ContextVar("said", default=None)


@contextmanager
def said(metadata: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Within this context, the units in the metadata of metrics override those that are known here."""
    token = _said.set(metadata)
    try:
        yield
    finally:
        _said.reset(token)


def declared(name: str, per: str | None = None) -> Unit:
    """Return the unit with this Datadog name, such as mebibyte or query; for each `per`, of which second is known."""
    unit = _PARTS.get(name) or _counted(name[:-1] + "ies" if name.endswith("y") else f"{name}s")
    return unit.per_second() if per == "second" else Unit(unit.steps, f"{unit.name}/{per}") if per else unit


def of_metric(name: str) -> Unit:
    """Return the unit of a metric from its metadata or by its name; otherwise a plain number."""
    own = (_said.get() or {}).get(name) or {}
    if own.get("unit"):
        return declared(str(own["unit"]), own.get("per_unit"))
    return next((unit for pattern, unit in _KNOWN if re.fullmatch(pattern, name)), PLAIN)


def of_query(text: str) -> Unit:
    """Return the unit of a query; a plain number if it has none."""
    expression = _parsed(text)
    return _of(expression) if expression else PLAIN


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> Expression | None:
    try:
        (expression,) = parse(text).expressions
    except (QuerySyntaxError, ValueError):
        return None
    return expression


def shared(units: Iterable[Unit]) -> Unit:
    """Return the common unit of values; a plain number if there is none."""
    found = set(units)
    return found.pop() if len(found) == 1 else PLAIN


def _of(node: Expression) -> Unit:
    if isinstance(node, Series):
        return PLAIN if node.aggregator == "count" else of_metric(node.metric)
    if isinstance(node, (Negative, Modified)):
        return _of(node.operand)
    if isinstance(node, Call):
        if node.name in _OTHERS or not node.arguments or not isinstance(node.arguments[0], Expression):
            return PLAIN
        inner = _of(node.arguments[0])
        return inner.per_second() if node.name in _RATES else inner
    if isinstance(node, Binary) and node.operator in "+-":
        sides = [_of(side) for side in (node.left, node.right) if not isinstance(side, Number)]
        return shared(sides)
    return PLAIN
