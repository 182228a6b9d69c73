"""What tracers send, decoded, and spans put right by the trace agent's rules. Pure: no I/O.

The rules' source is the public trace agent (datadog-agent: pkg/trace/api, agent, traceutil).
"""

import json
import re
import time
from typing import Any

import msgpack

from standin_agent.wire import Span, fill

# What a v0.5 span's twelve values are, in their order.
_TEXTS = ("service", "name", "resource")
_V05 = (*_TEXTS, *("trace_id", "span_id", "parent_id", "start", "duration", "error", "meta", "metrics", "type"))
# Longest texts, in bytes.
MAX_NAME, MAX_TAG, MAX_RESOURCE, MAX_META = 100, 200, 5000, 25_000
YEAR_2000 = 946_684_800 * 10**9
LATEST = 2**63 - 1
NO_PRIORITY = -128
SQL_TYPES = ("sql", "cassandra")
# Texts and numbers in a query, apart from those in a name.
_SQL_VALUE = re.compile(r"'(?:[^'\\]|\\.|'')*'|(?<![\w.`\"])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b", re.DOTALL)


class Undecodable(ValueError):
    """A body that is not what its address takes; the text says what was found."""


class Dropped(ValueError):
    """A trace that cannot be put right; the text is the reason's name in the trace agent's statistics."""


def unpack(body: bytes) -> Any:
    """The msgpack document. Raises Undecodable."""
    try:
        return msgpack.unpackb(body, strict_map_key=False, unicode_errors="replace")
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        raise Undecodable(f"msgpack: {type(error).__name__} {error}") from None


def decode(version: str, media: str, body: bytes) -> list[list[Any]]:
    """The traces of a body for `/VERSION/traces`, by its Content-Type: none is JSON. Raises Undecodable."""
    try:
        if version == "v0.5":
            texts, traces = unpack(body)
            by_index = dict(enumerate(texts))
            traces = [[_from_table(values, by_index) for values in trace] for trace in traces]
        elif media in ("", "application/json", "text/json"):
            traces = json.loads(body)
        else:
            traces = unpack(body)
        return [[fill(Span(), span) for span in trace or () if span is not None] for trace in traces or ()]
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise Undecodable(f"{type(error).__name__}: {error}") from None


def _from_table(values: list[Any], texts: dict[int, str]) -> dict[str, Any]:
    """A v0.5 span as the other versions write it: its texts are indexes of the table."""
    span = dict(zip(_V05, values, strict=True))
    span.update({name: texts[span[name]] for name in (*_TEXTS, "type")})
    span["meta"] = {texts[key]: texts[value] for key, value in span["meta"].items()}
    span["metrics"] = {texts[key]: value for key, value in span["metrics"].items()}
    return span


def cut(text: str, most: int) -> str:
    """At most so many bytes of a text, and whole characters."""
    return text.encode()[:most].decode(errors="ignore")


def tag_value(text: str) -> str:
    """A tag's value by NormalizeTagValue (datadog-agent 7.48 and later, pkg/trace/traceutil).

    It differs from the rule for whole tags, plugins/module_utils/_tags.py: anything may come first, a colon at the end
    stays, and the text is cut before runs of underscores become one.
    """
    kept = "".join(
        char if char.isalpha() or char.isdecimal() or char in "-:./" else "_" for char in _lower(text[:MAX_TAG])
    )
    return re.sub("__+", "_", kept).rstrip("_")


def _lower(text: str) -> str:
    """Small letters, but for those whose small letter is two characters."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def service(text: str, language: str) -> str:
    """A service's name as a tag's value; an empty one is named for its language."""
    name = tag_value(cut(text, MAX_NAME))
    return name or (f"unnamed-{language}-service" if language else "unnamed-service")


def operation(text: str) -> str:
    """A span's name as part of a metric's: letters, digits, dots and single underscores, a letter first."""
    name = re.sub(r"[^A-Za-z0-9.]+", "_", re.sub(r"^[^A-Za-z]+", "", cut(text, MAX_NAME)))
    return re.sub(r"_?\._?", ".", name).rstrip("_") or "unnamed_operation"


def resource(text: str, name: str, kind: str) -> str:
    """What a span of this name and type works on; a query without its values, so that no secret leaves the host."""
    return cut((_SQL_VALUE.sub("?", text) if kind in SQL_TYPES else text) or name, MAX_RESOURCE)


def normalise(trace: list[Any], language: str) -> None:
    """Put the spans of one trace right. Raises Dropped."""
    if not trace:
        raise Dropped("EmptyTrace")
    for span in trace:
        if span.trace_id != trace[0].trace_id:
            raise Dropped("ForeignSpan")
        if not span.trace_id or not span.span_id:
            raise Dropped("SpanIDZero" if span.trace_id else "TraceIDZero")
        if span.parent_id == span.trace_id == span.span_id:
            span.parent_id = 0
        span.service, span.name = service(span.service, language), operation(span.name)
        span.type = cut(span.type, MAX_NAME)
        span.resource = resource(span.resource, span.name, span.type)
        if not 0 <= span.duration <= LATEST - max(span.start, 0):
            span.duration = 0
        if span.start < YEAR_2000:
            span.start = time.time_ns() - span.duration
        meta = span.meta
        if span.type in SQL_TYPES and "sql.query" in meta:
            meta["sql.query"] = _SQL_VALUE.sub("?", meta["sql.query"])
        for key in [key for key, value in meta.items() if len(value) > MAX_META]:
            meta[key] = cut(meta[key], MAX_META)
        if "env" in meta:
            meta["env"] = tag_value(meta["env"])
        if not re.fullmatch(r"[1-5]\d\d|", meta.get("http.status_code", "")):
            del meta["http.status_code"]


def root(trace: list[Any]) -> Any:
    """The last span without a parent, else the first whose parent is not in the trace."""
    ids = {span.span_id for span in trace}
    orphans = [span for span in trace if span.parent_id not in ids]
    return next((span for span in reversed(trace) if not span.parent_id), orphans[0] if orphans else trace[-1])


def mark_top_level(trace: list[Any], by_client: bool) -> None:
    """Mark the spans that enter a service: those that the tracer says, else those whose parent is of another one."""
    services = {span.span_id: span.service for span in trace}
    for span in trace:
        said = span.metrics.get("_dd.top_level") == 1
        if said if by_client else not span.parent_id or services.get(span.parent_id) != span.service:
            span.metrics["_top_level"] = 1


def first_meta(trace: list[Any], key: str) -> str:
    """A tag of the first of the spans that has it, else nothing."""
    return next((span.meta[key] for span in trace if span.meta.get(key)), "")


def priority(trace: list[Any]) -> int:
    """The sampling priority that the first of the spans with one has, or NO_PRIORITY."""
    found = (span.metrics.get("_sampling_priority_v1") for span in trace)
    return next((int(value) for value in found if value is not None and abs(value) < 100), NO_PRIORITY)
