"""DogStatsD: takes what applications send by UDP or a Unix socket, and adds it up in buckets of ten seconds.

The rules' sources are the public Agent (datadog-agent: comp/dogstatsd/server, pkg/aggregator/time_sampler,
pkg/util/quantile) and the documentation of the datagram's format.
"""

import logging
import math
import re
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from standin_agent.aggregator import Context, Point, histogram
from standin_agent.config import Config
from standin_agent.wire import SketchPayload

BUCKET = 10
# A counter that is silent is zero for so long.
EXPIRY = 300
GAUGE, COUNT, SET, DISTRIBUTION, HISTOGRAM, TIMING = "g", "c", "s", "d", "h", "ms"
_EVENT = re.compile(rb"_e\{(\d+),(\d+)\}:")
# Optional fields by their letter.
_EVENT_FIELDS = {"k": "aggregation_key", "p": "priority", "s": "source_type_name", "t": "alert_type"}
_EVENT_FIELDS |= {"d": "timestamp", "h": "host"}
_CHECK_FIELDS = {"d": "timestamp", "h": "host_name", "m": "message"}
# Of the real Agent's sketches: the ratio of a bin's bounds, and the key of the bin that starts at 1.
_LOG_GAMMA = math.log1p(1 / 64)
_BIAS = 1 - math.floor(math.log(1e-9) / _LOG_GAMMA)
_SMALLEST = math.exp(_LOG_GAMMA * (1 - _BIAS))


# Values with how many samples each stands for; those of a set are texts.
Values = list[tuple[Any, float]]


class Taken(NamedTuple):
    """What is to be sent; the sketches are a protobuf SketchPayload, empty if there are none."""

    points: list[Point]
    service_checks: list[dict[str, Any]]
    events: list[dict[str, Any]]
    sketches: bytes


class DogStatsD:
    def __init__(self, config: Config, log: logging.Logger, clock: Callable[[], float] = time.time) -> None:
        self._config, self._log, self._clock = config, log, clock
        self._lock = threading.Lock()
        self._buckets: defaultdict[int, defaultdict[Context, Values]] = defaultdict(lambda: defaultdict(list))
        self._counters: dict[Context, float] = {}
        self._flushed = int(clock()) // BUCKET * BUCKET
        self._ready = Taken([], [], [], b"")
        self._counts: Counter[str] = Counter()

    def listen(self) -> None:
        """Read from the port and, where its folder is there, from the socket, in threads."""
        values = self._config.values
        host = "0.0.0.0" if values["dogstatsd_non_local_traffic"] is True else "127.0.0.1"
        port, path = int(values["dogstatsd_port"]), Path(values["dogstatsd_socket"] or "/")
        if port:
            self._listen("Udp", socket.AF_INET, (host, port))
        if path.name and path.parent.is_dir():
            self._listen("Uds", socket.AF_UNIX, str(path))

    def _listen(self, name: str, family: int, address: Any) -> None:
        source = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if name == "Uds":
                Path(address).unlink(missing_ok=True)
            source.bind(address)
            if name == "Uds":
                # Any user's application may write.
                Path(address).chmod(0o722)
        except OSError as error:
            # As the real Agent: the rest goes on.
            self._log.error("dogstatsd cannot listen at %s: %s", address, error)
        else:
            threading.Thread(target=self._read, args=(source, name), name=f"dogstatsd-{name}", daemon=True).start()

    def _read(self, source: socket.socket, name: str) -> None:
        while True:
            packet = source.recv(int(self._config.values["dogstatsd_buffer_size"]))
            with self._lock:
                self._counts.update({f"{name}Packets": 1, f"{name}Bytes": len(packet)})
            self.handle(packet)

    def handle(self, packet: bytes) -> None:
        """Take a packet of lines; one that is malformed is counted and left out."""
        for line in filter(None, packet.split(b"\n")):
            what, take = "Metric", self._metric
            if line.startswith(b"_e{"):
                what, take = "Event", self._event
            elif line.startswith(b"_sc"):
                what, take = "ServiceCheck", self._service_check
            with self._lock:
                try:
                    take(line)
                    self._counts[f"{what}Packets"] += 1
                except (ValueError, IndexError) as error:
                    self._counts[f"{what}ParseErrors"] += 1
                    self._log.debug("dogstatsd: malformed %s: %s", what, error)

    def _metric(self, line: bytes) -> None:
        head, kind, *rest = line.decode().split("|")
        name, _, text = head.partition(":")
        if not name or not text or kind not in (GAUGE, COUNT, SET, DISTRIBUTION, HISTOGRAM, TIMING):
            raise ValueError("no name, no value or no such type")
        fields = {field[:1]: field[1:] for field in rest}
        values: list[Any] = [text] if kind == SET else [float(value) for value in text.split(":") if value]
        if not values or (kind != SET and not all(map(math.isfinite, values))):
            raise ValueError("no value, or one that is not a finite number")
        rate = float(fields.get("@", 1))
        weight = 1 / rate if 1e-9 < rate <= 1 else 1.0
        tags, host = self._tags(fields.get("#", ""))
        context = Context(HISTOGRAM if kind == TIMING else kind, name, tags, host)
        if "T" in fields:
            self._stamped(context, values, int(fields["T"]))
            return
        now = self._clock()
        cell = self._buckets[int(now) // BUCKET * BUCKET][context]
        if kind == COUNT:
            self._counters[context] = now
            cell[:] = [(sum((value for value, _ in cell), sum(values) * weight), 1)]
        elif kind == GAUGE:
            cell[:] = [(values[-1], 1)]
        else:
            cell += [(value, weight) for value in values]

    def _stamped(self, context: Context, values: list[float], when: int) -> None:
        """A value with its own time is not added up."""
        if when < 1 or context.kind not in (GAUGE, COUNT):
            raise ValueError("only gauges and counts can have a time, after 1970")
        self._ready.points.extend(point for value in values for point in _points(context, [(value, 1)], when))

    def _tags(self, text: str) -> tuple[tuple[str, ...], str]:
        """The tags each once, and the host: one of them may name another than the Agent's."""
        tags = set(filter(None, text.split(",")))
        hosts = {tag for tag in tags if tag.startswith("host:")}
        own = {tag for tag in tags if tag.startswith("dd.internal.")}
        return tuple(sorted(tags - hosts - own)), min(hosts)[5:] if hosts else self._config.hostname

    def _event(self, line: bytes) -> None:
        header = _EVENT.match(line)
        if header is None or not int(header[1]):
            raise ValueError("no title")
        body, size, length = line[header.end() :], int(header[1]), int(header[2])
        if len(body) < size + 1 + length:
            raise ValueError("shorter than it says")
        title, text = (part.decode().replace("\\n", "\n") for part in (body[:size], body[size + 1 :][:length]))
        event = {"msg_title": title, "msg_text": text, "priority": "normal", "alert_type": "info"}
        fields = body[size + 2 + length :].decode().split("|")
        self._ready.events.append(self._completed(event, fields, _EVENT_FIELDS))

    def _service_check(self, line: bytes) -> None:
        _, name, status, *fields = line.decode().split("|")
        if not name or status not in ("0", "1", "2", "3"):
            raise ValueError("no name or no such status")
        found = self._completed({"check": name, "status": int(status), "message": ""}, fields, _CHECK_FIELDS)
        found["message"] = found["message"].replace("m\\:", "m:").replace("\\n", "\n")
        self._ready.service_checks.append(found)

    def _completed(self, found: dict[str, Any], fields: list[str], names: dict[str, str]) -> dict[str, Any]:
        """With the optional fields. A host that is named in its own field wins over one among the tags."""
        given = {names[field[0]]: field[2:] for field in fields if field[1:2] == ":" and field[0] in names}
        tags, host = self._tags(next((field[1:] for field in fields if field.startswith("#")), ""))
        found |= {names["h"]: host, "tags": list(tags), **given}
        found["timestamp"] = int(given.get("timestamp", round(self._clock())))
        return found

    def take(self, *, everything: bool = False) -> Taken:
        """What was complete since the last call; `everything`: and the bucket that is not."""
        now = self._clock()
        with self._lock:
            open_bucket = int(now) // BUCKET * BUCKET
            # After that the counters are silent, however far the clock has jumped.
            for start in range(self._flushed, min(open_bucket, self._flushed + EXPIRY + BUCKET), BUCKET):
                self._counters = {context: last for context, last in self._counters.items() if last + EXPIRY > start}
                for context in self._counters:
                    self._buckets[start][context] = self._buckets[start][context] or [(0.0, 1)]
            self._flushed = open_bucket
            due = {start: cells for start, cells in self._buckets.items() if everything or start < open_bucket}
            for start in due:
                del self._buckets[start]
            ready, self._ready = self._ready, Taken([], [], [], b"")
        sketches: defaultdict[Context, list[dict[str, Any]]] = defaultdict(list)
        for start, cells in sorted(due.items()):
            for context, values in cells.items():
                if context.kind == DISTRIBUTION:
                    sketches[context].append(sketch(values, start))
                else:
                    found = _points(context, values, start)
                    ready.points.extend(point for point in found if math.isfinite(point.value))
        payload = SketchPayload(
            sketches=[
                {"metric": context.metric, "host": context.host, "tags": context.tags, "dogsketches": found}
                for context, found in sketches.items()
            ]
        )
        return ready._replace(sketches=payload.SerializeToString())

    def status(self) -> dict[str, int]:
        """The part `dogstatsdStats` of `status --json`."""
        with self._lock:
            lines = [
                f"{what}{how}" for what in ("Metric", "Event", "ServiceCheck") for how in ("Packets", "ParseErrors")
            ]
            return {name: self._counts[name] for name in (*lines, "UdpPackets", "UdpBytes", "UdsPackets", "UdsBytes")}


def _points(context: Context, values: Values, when: int) -> list[Point]:
    def point(suffix: str, kind: str, value: float) -> Point:
        return Point(context.metric + suffix, kind, when, value, context.tags, context.host, BUCKET)

    if context.kind == GAUGE:
        return [point("", "gauge", values[-1][0])]
    if context.kind == COUNT:
        return [point("", "rate", values[-1][0] / BUCKET)]
    if context.kind == SET:
        return [point("", "gauge", len({value for value, _ in values}))]
    return histogram(values, point("", "gauge", 0.0), BUCKET)


def sketch(values: Values, when: int) -> dict[str, Any]:
    """A Dogsketch: bins `k` with `n` values each, their ratios and their place as the real Agent's."""
    bins: Counter[int] = Counter()
    for value, weight in values:
        bins[_key(value)] += round(weight)
    count, total = sum(bins.values()), sum(value * round(weight) for value, weight in values)
    keys = sorted(bins)
    numbers = [value for value, _ in values]
    about = {"ts": when, "cnt": count, "min": min(numbers), "max": max(numbers), "avg": total / count, "sum": total}
    return {**about, "k": keys, "n": [min(bins[key], 2**32 - 1) for key in keys]}


def _key(value: float) -> int:
    if value < 0:
        return -_key(-value)
    return 0 if value < _SMALLEST else max(1, min(2**15 - 1, round(math.log(value) / _LOG_GAMMA) + _BIAS))
