"""Recorded traffic of the real API: reads it, and replaces its IDs and times by current ones.

Reads vcrpy version 1 (the source distributions of datadog and datadog-api-client) and go-vcr versions 1 and 2
(terraform-provider-datadog).
"""

from __future__ import annotations

import gzip
import json
import re
import urllib.parse
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import yaml

ID_KEY = re.compile(r"(^|_)(id|ids|id_str|uuid|token)$")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
# Seconds: a number this close to the time of the recording is a time, and is shifted.
_NEAR = 400 * 86400
_MANY_DIGITS = re.compile(r"\d{9,13}")


@dataclass
class Interaction:
    """A request and the real API's response; bodies that are not JSON are None."""

    method: str
    url: str
    headers: dict[str, list[str]]
    raw: bytes
    body: Any
    status: int
    reply: Any
    reply_raw: bytes
    reply_headers: dict[str, list[str]]

    @property
    def path(self) -> str:
        """The path, without host and query."""
        return urllib.parse.urlsplit(self.url).path


def load(path: Path) -> list[Interaction]:
    """Return the interactions of a recording, in order; none if the file contains something else."""
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    found = document.get("interactions") if isinstance(document, dict) else None
    return [_interaction(item["request"], item["response"]) for item in found or []]


def _interaction(request: dict[str, Any], response: dict[str, Any]) -> Interaction:
    sent, answered = _lower(request.get("headers")), _lower(response.get("headers"))
    body, reply = _bytes(request.get("body")), inflate(_bytes(response.get("body")), answered)
    status = response.get("status")
    return Interaction(
        request["method"],
        request.get("uri") or request["url"],
        sent,
        body,
        parse(inflate(body, sent)),
        status["code"] if isinstance(status, dict) else response["code"],
        parse(reply),
        reply,
        answered,
    )


def _lower(headers: Any) -> dict[str, list[str]]:
    # Some recordings only keep the client's name.
    kept = headers if isinstance(headers, dict) else {}
    return {name.lower(): value if isinstance(value, list) else [value] for name, value in kept.items()}


def _bytes(body: Any) -> bytes:
    if isinstance(body, dict):
        body = body.get("string", body.get("base64_string"))
    return body.encode() if isinstance(body, str) else body or b""


def inflate(body: bytes, headers: dict[str, list[str]]) -> bytes:
    """Decompress `body`, if it is compressed."""
    try:
        if body[:2] == b"\x1f\x8b":
            return gzip.decompress(body)
        if body and "deflate" in "".join(headers.get("content-encoding", [])):
            return zlib.decompress(body)
    except (OSError, zlib.error):
        pass
    return body


def parse(body: bytes) -> Any:
    """Return the JSON in `body`, or None."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def recorded_at(path: Path, interactions: list[Interaction]) -> float | None:
    """Return a recording's time, from the file next to it or from a response's date, or None."""
    for suffix in (".frozen", ".freeze"):
        beside = path.with_suffix(suffix)
        if beside.exists():
            # Go writes nine digits of a second; Python reads six.
            return _moment(re.sub(r"(\.\d{6})\d+", r"\1", beside.read_text(encoding="utf-8").strip())).timestamp()
    dates = [
        interaction.reply_headers["date"][0] for interaction in interactions if "date" in interaction.reply_headers
    ]
    return parsedate_to_datetime(dates[0]).timestamp() if dates else None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@dataclass
class Rewriter:
    """Replaces recorded values by current ones: IDs as learned from live responses, and times by a shift in seconds."""

    recorded: float | None
    shift: float
    _ids: dict[str, Any] = field(default_factory=dict)
    _pattern: re.Pattern[str] | None = None

    def learn(self, recorded: Any, live: Any, key: str = "") -> None:
        """Learn from two responses to the same request which ID corresponds to which."""
        if isinstance(recorded, dict) and isinstance(live, dict):
            for name in recorded.keys() & live.keys():
                self.learn(recorded[name], live[name], name)
        elif isinstance(recorded, list) and isinstance(live, list) and len(recorded) == len(live):
            for one, other in zip(recorded, live, strict=True):
                self.learn(one, other, key)
        elif key == "snapshot_url" and isinstance(recorded, str) and isinstance(live, str):
            self._put(_image(recorded), _image(live))
        elif ID_KEY.search(key) and _is_id(recorded) and _is_id(live):
            self._put(recorded, live)

    def _put(self, recorded: str | int, live: Any) -> None:
        if str(recorded) not in self._ids and str(recorded) not in ("0", "1", ""):
            self._ids[str(recorded)] = live
            longest_first = sorted(self._ids, key=len, reverse=True)
            self._pattern = re.compile(rf"(?<![0-9A-Za-z])({'|'.join(map(re.escape, longest_first))})(?![0-9A-Za-z])")

    def text(self, value: str) -> str:
        """Return a text with IDs replaced."""
        return self._pattern.sub(lambda found: str(self._ids[found[1]]), value) if self._pattern else value

    def value(self, value: Any) -> Any:
        """Return a JSON value with IDs and times replaced."""
        if isinstance(value, dict):
            return {self.text(name): self.value(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if _is_id(value) and str(value) in self._ids:
            live = self._ids[str(value)]
            if isinstance(value, str):
                return str(live)
            return int(live) if isinstance(value, int) and isinstance(live, str) and live.isdigit() else live
        moved = self._time(value)
        return self.text(moved) if isinstance(moved, str) and moved == value else moved

    def keys(self, value: Any) -> Any:
        """Return a recorded response with IDs replaced in keys."""
        if isinstance(value, dict):
            return {str(self._ids.get(name, name)): self.keys(item) for name, item in value.items()}
        return [self.keys(item) for item in value] if isinstance(value, list) else value

    def target(self, url: str) -> str:
        """Return the path and query of a request."""
        parts = urllib.parse.urlsplit(url)
        query = [
            (name, str(self.value(value)))
            for name, value in urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        ]
        return self.text(parts.path) + ("?" + urllib.parse.urlencode(query) if query else "")

    def _time(self, value: Any) -> Any:
        if self.recorded is None:
            return value
        # Commands send numbers as text, in URLs and bodies.
        if isinstance(value, str) and _MANY_DIGITS.fullmatch(value):
            return str(self._time(int(value)))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            for unit in (1, 1000):
                if abs(value / unit - self.recorded) < _NEAR:
                    return type(value)(value + self.shift * unit)
        elif (
            isinstance(value, str) and _ISO.fullmatch(value) and abs(_moment(value).timestamp() - self.recorded) < _NEAR
        ):
            moved = datetime.fromisoformat(value) + timedelta(seconds=round(self.shift))
            written = moved.isoformat(timespec="seconds" if len(value) > len("2026-01-31T19:00") else "minutes")
            return written.replace("+00:00", "Z") if value.endswith("Z") else written
        return value


def _is_id(value: Any) -> bool:
    return value is not None and not isinstance(value, (dict, list, bool))


def _image(url: str) -> str:
    return urllib.parse.urlsplit(url).path.split("/snapshot/view/")[-1].rsplit(".png", 1)[0]
