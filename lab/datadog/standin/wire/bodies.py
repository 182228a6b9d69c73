"""Parse bodies of the intake to points, check runs and hosts. Pure: no database, no HTTP."""

import json
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import zstandard
from module_utils._tags import normalise_tag

from ..clock import LATEST
from ..errors import Refused, malformed

# A JSON object.
Json = dict[str, Any]
TYPES = ("gauge", "count", "rate", "gauge")  # by the number that v2 sends: unspecified, count, rate, gauge
STATUSES = range(4)  # ok, warning, critical, unknown
_LARGEST = sys.float_info.max
# Bytes to decompress at a time: zstd expands four bytes to at most 128 KiB.
_PIECE = 256


@dataclass(frozen=True)
class Key:
    """The identity of a time series: `tags` are sorted and do not contain the host."""

    metric: str
    host: str
    tags: tuple[str, ...]


@dataclass
class Sample:
    """Points of a series: `interval` in seconds (0: none), `points` as {seconds since the epoch: value}.

    If a sample `adds`, its value for a second is added to the existing one.
    """

    key: Key
    type: str
    interval: int
    points: dict[int, float]
    adds: bool = False


@dataclass(frozen=True)
class CheckRun:
    """A run of a service check; `timestamp` is in seconds since the epoch."""

    check: str
    host: str
    tags: tuple[str, ...]
    status: int
    timestamp: int
    message: str


@dataclass
class HostReport:
    """Host metadata; `tags` by source as sent ("system", ...), None if the report does not contain tags."""

    name: str
    tags: dict[str, list[str]] | None
    aliases: list[str]
    meta: dict[str, Any] = field(default_factory=dict)


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """Return `body` without its content encoding. Raises Refused: 413 beyond `limit` bytes, 400 for a broken stream.

    A stream must be complete, and only further streams may follow it: members of gzip (RFC 1952, 2.2), frames of zstd
    (RFC 8878, 3). What Datadog's own intake does with broken streams is not documented, so this is our choice.
    """
    if encoding in ("", "identity"):
        plain = body
    elif encoding == "gzip":
        plain = _inflated(body, encoding, limit, lambda: zlib.decompressobj(zlib.MAX_WBITS | 16))
    elif encoding == "deflate":
        # Called deflate, but a zlib stream (RFC 9110, 8.4.1.2).
        plain = _inflated(body, encoding, limit, zlib.decompressobj)
    elif encoding in ("zstd", "zstd1"):
        window = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        plain = _inflated(body, encoding, limit, window.decompressobj)
    else:
        raise Refused(400, f"Unsupported Content-Encoding {encoding}")
    if len(plain) > limit:
        raise Refused(413, f"Payload is too big (maximum {limit} bytes decompressed)")
    return plain


def _inflated(body: bytes, encoding: str, limit: int, begin: Callable[[], Any]) -> bytes:
    """Decompress all streams in `body`, and stop if the result is longer than `limit`."""
    plain, stream, at = bytearray(), None, 0
    try:
        while at < len(body) and len(plain) <= limit:
            stream = stream or begin()
            piece = body[at : at + _PIECE]
            plain += stream.decompress(piece)
            at += len(piece) - len(stream.unused_data)
            if stream.eof:
                if encoding == "deflate" and at < len(body):
                    raise malformed(f"something follows the {encoding} stream")
                stream = None
    except (zlib.error, zstandard.ZstdError):
        raise malformed(f"broken {encoding} stream") from None
    if stream and len(plain) <= limit:
        raise malformed(f"the {encoding} stream has no end")
    return bytes(plain)


def load(body: bytes) -> Any:
    """Parse the JSON in `body`. Raises Refused(400)."""
    try:
        value = json.loads(body, parse_constant=_no_constant)
        if b"\\u" in body:
            # JSON can contain lone surrogates, which neither the database nor a response can.
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise malformed(error) from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _get(item: Any, name: str, kind: type | tuple[type, ...], default: Any) -> Any:
    """Return `item[name]`, or `default` if it is missing or null. Raises Refused unless it is of type `kind`."""
    if not isinstance(item, dict):
        raise malformed("expected an object")
    value = item.get(name)
    if value is None:
        value = default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise malformed(f"{name}: unexpected {type(value).__name__}")
    return value


def _need(item: Any, name: str) -> str:
    text: str = _get(item, name, str, "")
    if not text:
        raise malformed(f"{name} is required")
    return text


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LARGEST <= value <= _LARGEST:
        raise malformed(f"{name}: expected a finite number")
    return float(value)


def _seconds(value: Any, name: str) -> int:
    seconds = int(_number(value, name))
    if not 0 <= seconds <= LATEST:
        raise malformed(f"{name}: out of range")
    return seconds


def tags(texts: list[Any]) -> tuple[str, ...]:
    """Return tags as Datadog stores them, sorted, without duplicates and empty ones. Raises Refused unless strings."""
    if not all(isinstance(text, str) for text in texts):
        raise malformed("tags: expected texts")
    return tuple(sorted({normalise_tag(text) for text in texts} - {""}))


def _sample(item: Any, kind: str, host: str, own: list[Any], pairs: list[tuple[Any, Any]]) -> Sample:
    key, interval = Key(_need(item, "metric"), host, tags(own)), _get(item, "interval", (int, float), 0)
    points = {_seconds(timestamp, "timestamp"): _number(value, "value") for timestamp, value in pairs}
    return Sample(key, kind, _seconds(interval, "interval"), points)


def series_v1(payload: Any) -> list[Sample]:
    """Parse the body of POST /api/v1/series. Raises Refused(400)."""
    samples = []
    for item in _get(payload, "series", list, []):
        kind = _get(item, "type", str, "gauge") or "gauge"
        if kind not in TYPES:
            raise malformed(f"type: unknown {kind!r}")
        device = _get(item, "device", str, "")
        own = _get(item, "tags", list, []) + ([f"device:{device}"] if device else [])
        pairs = _get(item, "points", list, [])
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise malformed("points: expected pairs of timestamp and value")
        samples.append(_sample(item, kind, _get(item, "host", str, ""), own, pairs))
    return samples


def distribution_points(payload: Any) -> list[tuple[Key, dict[int, list[float]]]]:
    """Parse the body of POST /api/v1/distribution_points: values of each series by second. Raises Refused(400)."""
    found = []
    for item in _get(payload, "series", list, []):
        values: dict[int, list[float]] = {}
        for pair in _get(item, "points", list, []):
            if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], list):
                raise malformed("points: expected pairs of timestamp and values")
            values.setdefault(_seconds(pair[0], "timestamp"), []).extend(_number(one, "value") for one in pair[1])
        own = tags(_get(item, "tags", list, []))
        found.append((Key(_need(item, "metric"), _get(item, "host", str, ""), own), values))
    return found


def series_v2(payload: Any) -> list[Sample]:
    """Parse the body of POST /api/v2/series. Raises Refused(400)."""
    samples = []
    for item in _get(payload, "series", list, []):
        kind = _get(item, "type", int, 0)
        if kind not in range(len(TYPES)):
            raise malformed(f"type: unknown {kind}")
        host, own = "", list(_get(item, "tags", list, []))
        for resource in _get(item, "resources", list, []):
            name, what = _get(resource, "name", str, ""), _get(resource, "type", str, "")
            if what == "host":
                host = name
            elif name and what:
                own.append(f"{what}:{name}")
        points = _get(item, "points", list, [])
        pairs = [tuple(_get(point, part, (int, float), None) for part in ("timestamp", "value")) for point in points]
        samples.append(_sample(item, TYPES[kind], host, own, pairs))
    return samples


def check_runs(payload: Any, now: int) -> list[CheckRun]:
    """Parse the body of POST /api/v1/check_run, an object or a list of them. Raises Refused(400)."""
    runs = []
    for item in payload if isinstance(payload, list) else [payload]:
        status = _get(item, "status", int, 0)
        if status not in STATUSES:
            raise malformed(f"status: unknown {status}")
        check, host = _need(item, "check"), _get(item, "host_name", str, "")
        own, message = tags(_get(item, "tags", list, [])), _get(item, "message", str, "")
        timestamp = _seconds(_get(item, "timestamp", (int, float), now), "timestamp")
        runs.append(CheckRun(check, host, own, status, timestamp, message))
    return runs


def host_report(payload: Any) -> HostReport | None:
    """Parse the body of POST /intake/; None if it contains no host. Raises Refused(400)."""
    name = _get(payload, "internalHostname", str, "")
    if not name:
        return None
    meta = dict(_get(payload, "systemStats", dict, {}))
    details = _get(payload, "meta", dict, {})
    meta.update({key: details[key] for key in ("socket-hostname", "socket-fqdn", "timezones") if key in details})
    if payload.get("agentVersion"):
        meta["agent_version"] = _get(payload, "agentVersion", str, "")
    if payload.get("gohai"):
        meta["gohai"] = payload["gohai"] if isinstance(payload["gohai"], str) else json.dumps(payload["gohai"])
    by_source = None
    if "host-tags" in payload:
        sent = _get(payload, "host-tags", dict, {})
        by_source = {source: list(tags(_get(sent, source, list, []))) for source in sent}
    aliases = [alias for alias in _get(details, "host_aliases", list, []) if isinstance(alias, str)]
    return HostReport(name, by_source, aliases, meta)
