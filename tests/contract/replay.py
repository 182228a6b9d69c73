"""Replay recorded traffic of the real API against a stand-in, and score its responses.

Each recording is a scenario, whose requests are sent in order. An interaction passes if all of this is true:

- status: the status is the recorded one;
- shape: the response has every recorded key, with the same type (any type if null was recorded), and a similar item for
  each item of a list. Additional keys are not an error;
- echo: the stand-in returns unchanged what the real API returned unchanged.

Interactions that read objects which the scenario has not created are "foreign": their results are unknown here.

    python tests/contract/replay.py URL API_KEY APP_KEY RECORDING...
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recordings import ID_KEY, Interaction, Rewriter, inflate, load, parse, recorded_at
from released import API_CLIENT, DATADOGPY

# Fields that differ between accounts or calls.
_VOLATILE = re.compile(
    r"(^|_)(id|ids|id_str|uuid|created|modified|created_at|modified_at|url|icon|author_\w+|creator|org)$"
)
# Parts of a response with IDs of other objects than those that a scenario creates.
_NOT_OBJECTS = {"creator", "included", "relationships", "options", "widgets", "assets"}
_SENT_HEADERS = ("content-type", "content-encoding")
# Parts of a path that name an object, recognised by their form or by the preceding part.
_ID = r"\d+|[0-9a-f-]{32,64}|[a-z0-9]{3}-[a-z0-9]{3}-[a-z0-9]{3}|\w{16}-\w{32}"
_IDS = re.compile(rf"/({_ID})(?=/|$)")
# Calls that find the account's objects by name.
_BY_NAME = re.compile(r"/api/v1/(?:metrics/([^/]+)|search)")
_NAMED = re.compile(r"/(tags/hosts|host|events|metrics|restriction_policy|dashboard/public)/(?!{id})[^/]+")
_PICTURES = re.compile(r"/(snapshot_status)/.+$")


# Calls to replay from each set of recordings: those that Kennel and its modules use, and the older client's
# equivalents. Other recordings are about integrations, users and so on.
_OURS = (
    r"^/api/v1/(validate|dashboard|monitor|downtime|events|tags/hosts|hosts?|series|check_run|query{more})(/|$)"
    r"|^/api/v2/(downtime|dashboards?|monitor/\d+/downtime_matches|series|query)(/|$)"
)
SCOPES = {
    API_CLIENT: _OURS.format(more=""),
    DATADOGPY: _OURS.format(more="|dash|screen|comments|search|graph|distribution_points|metrics"),
}


@dataclass
class Score:
    """The number of recorded values, `wanted`, those `found`, and what is wrong."""

    wanted: int = 0
    found: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Add another score."""
        self.wanted += other.wanted
        self.found += other.found
        self.wrong += other.wrong


@dataclass
class Row:
    """One interaction that was replayed."""

    recording: str
    number: int
    interaction: Interaction
    foreign: bool = False
    status: int = 0
    shape: Score = field(default_factory=Score)
    echo: Score = field(default_factory=Score)

    @property
    def passed(self) -> bool:
        """Whether the response matches the recorded one."""
        return self.status == self.interaction.status and not (self.shape.wrong or self.echo.wrong)

    @property
    def endpoint(self) -> str:
        """The method and the path, with {id} for IDs."""
        return f"{self.interaction.method} {normalised(self.interaction.path)}"


def normalised(path: str) -> str:
    """Return a path with {id} for parts that name an object."""
    path = _IDS.sub("/{id}", _PICTURES.sub(r"/\1/{id}", path))
    return _NAMED.sub(r"/\1/{id}", path)


class Sender:
    """Sends requests to a stand-in, each over a new connection."""

    def __init__(self, url: str, api_key: str, app_key: str) -> None:
        parts = urllib.parse.urlsplit(url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        self._connect = lambda: kinds[parts.scheme](parts.netloc, timeout=20)
        self._keys = {"DD-API-KEY": api_key, "DD-APPLICATION-KEY": app_key}

    def send(self, sent: Interaction, target: str, body: bytes | None) -> tuple[int, bytes]:
        """Return the status and decompressed body of the response. Raises OSError if there is none."""
        # The recording has a refused key: the scenario had no key.
        headers = {"Accept": "application/json", **(self._keys if sent.status not in (401, 403) else {})}
        headers.update(
            {name: sent.headers[name][0] for name in ("content-type", "content-encoding") if name in sent.headers}
        )
        connection = self._connect()
        try:
            connection.request(sent.method, target, body, headers)
            answer = connection.getresponse()
            received = {name.lower(): [value] for name, value in answer.getheaders()}
            return answer.status, inflate(answer.read(), received)
        finally:
            connection.close()


def replay(path: Path, sender: Sender, scope: str = "") -> Iterator[Row]:
    """Send a recording's requests whose path matches the pattern `scope`; from others, only learn which IDs exist."""
    interactions = load(path)
    recorded = recorded_at(path, interactions)
    rewriter = Rewriter(recorded, 0 if recorded is None else time.time() - recorded)
    made: set[str] = set()
    told = ""
    for number, interaction in enumerate(interactions):
        if re.search(scope, interaction.path):
            row = Row(path.name, number, interaction, _is_foreign(interaction, made, told))
            _answer(row, sender, rewriter)
            yield row
            if row.foreign:
                continue
        made.update(_ids(interaction.reply))
        if interaction.method != "GET":
            told += f"{interaction.path} {json.dumps(interaction.body)} "


def _answer(row: Row, sender: Sender, rewriter: Rewriter) -> None:
    """Send one request and score its answer."""
    recorded = row.interaction
    sent, data = recorded.body, recorded.raw or None
    if sent is not None and "content-encoding" not in recorded.headers:
        sent = rewriter.value(sent)
        data = json.dumps(sent).encode()
    try:
        row.status, raw = sender.send(recorded, rewriter.target(recorded.url), data)
    except OSError as error:
        row.shape = Score(1, 0, [f"no answer: {error}"])
        return
    live = parse(raw)
    if recorded.reply is not None:
        row.shape = shape(rewriter.keys(recorded.reply), live)
    elif raw.strip() and not recorded.reply_raw.strip():
        row.shape = Score(1, 0, ["a body where the real API sends none"])
    if recorded.status < 300 and row.status < 300:
        if recorded.body is not None and recorded.reply is not None:
            row.echo = echo(recorded.body, recorded.reply, sent, live)
        if not row.foreign:
            rewriter.learn(recorded.reply, live)


# ----------------------------------------------------------------------------------------------------------- scoring
def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    return {int: "number", float: "number", str: "string", list: "list", dict: "object"}[type(value)]


def _size(value: Any) -> int:
    """Return the number of values in a value, including itself."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_size, parts))


def shape(recorded: Any, live: Any, path: str = "$") -> Score:
    """Whether a live value has the keys and types of the recorded one."""
    if recorded is None:
        return Score(1, 1)
    if _kind(recorded) != _kind(live):
        return Score(_size(recorded), 0, [f"{path}: {_kind(live)}, recorded {_kind(recorded)}"])
    score = Score(1, 1)
    if isinstance(recorded, dict):
        for name, value in recorded.items():
            here = f"{path}.{name}"
            score.add(shape(value, live[name], here) if name in live else Score(_size(value), 0, [f"{here}: missing"]))
    elif isinstance(recorded, list):
        for place, value in enumerate(recorded):
            score.add(_best(value, [*live[place : place + 1], *live], f"{path}[]"))
    return score


def _best(recorded: Any, live: list[Any], path: str) -> Score:
    """Return the score of the item that matches a recorded item best."""
    best = Score(_size(recorded), -1, [f"{path}: missing"])
    for item in live:
        score = shape(recorded, item, path)
        if score.found > best.found:
            best = score
        if not score.wrong:
            break
    best.found = max(best.found, 0)
    return best


def echo(sent: Any, recorded: Any, sent_now: Any, live: Any, path: str = "$") -> Score:
    """Score whether values that the real API returned unchanged are returned unchanged."""
    score = Score()
    if isinstance(sent, dict) and isinstance(recorded, dict):
        for name in sent:
            if name in recorded and not _VOLATILE.search(name):
                now, back = (item.get(name) if isinstance(item, dict) else None for item in (sent_now, live))
                score.add(echo(sent[name], recorded[name], now, back, f"{path}.{name}"))
    elif _objects(sent) and isinstance(recorded, list) and len(sent) == len(recorded):
        for place in range(len(sent)):
            now, back = (
                item[place] if isinstance(item, list) and place < len(item) else None for item in (sent_now, live)
            )
            score.add(echo(sent[place], recorded[place], now, back, f"{path}[{place}]"))
    elif sent is not None and _unordered(sent) == _unordered(recorded):
        same = _unordered(sent_now) == _unordered(live)
        score = Score(1, int(same), [] if same else [f"{path}: sent {sent_now!r:.60}, got {live!r:.60}"])
    return score


def _objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _unordered(value: Any) -> Any:
    """Return a list of plain values without its order."""
    plain = isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value)
    return sorted(map(str, value)) if plain else value


def _is_foreign(interaction: Interaction, made: set[str], told: str) -> bool:
    """Whether a response depends on objects that the scenario has not created; `told` is what it has sent."""
    if interaction.method != "GET" or interaction.status >= 400 or interaction.reply is None:
        return False
    by_name = _BY_NAME.fullmatch(interaction.path)
    if by_name:
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(interaction.url).query))
        word = by_name[1] or asked.get("q", "").rpartition(":")[2]
        return not word or word not in told
    named = [
        part
        for part in interaction.path.split("/")
        if re.search(r"\d", part) and not re.fullmatch(r"v\d|snapshot.*", part)
    ]
    if named:
        return any(part not in made and len(part) > 4 for part in named)
    return _has_other_ids(interaction.reply, made)


def _has_other_ids(value: Any, made: set[str]) -> bool:
    if isinstance(value, dict):
        if isinstance(value.get("id"), (int, str)) and str(value["id"]) not in made:
            return True
        return any(_has_other_ids(item, made) for name, item in value.items() if name not in _NOT_OBJECTS)
    return isinstance(value, list) and any(_has_other_ids(item, made) for item in value)


def _ids(value: Any, key: str = "") -> Iterator[str]:
    """Return the IDs, hosts and pictures in a response."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _ids(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _ids(item, key)
    elif ID_KEY.search(key) or key == "host":
        yield str(value)
    elif key == "snapshot_url":
        yield from urllib.parse.urlsplit(str(value)).path.replace(".png", "").split("/")


# ------------------------------------------------------------------------------------------------------------- table
@dataclass
class Report:
    """The results of a replay, without foreign interactions."""

    rows: list[Row]

    def __post_init__(self) -> None:
        """Group interactions by endpoint."""
        self.scored = [row for row in self.rows if not row.foreign]
        self._endpoints: dict[str, list[Row]] = defaultdict(list)
        for row in self.scored:
            self._endpoints[row.endpoint].append(row)

    @property
    def passed(self) -> float:
        """The percentage of interactions that pass."""
        return _percent(self.scored)

    @property
    def mean(self) -> float:
        """The mean of that percentage over endpoints, so that frequent calls count once."""
        return sum(map(_percent, self._endpoints.values())) / max(1, len(self._endpoints))

    def lines(self) -> Iterator[str]:
        """Return the table, followed by the problems of each failed interaction."""
        for endpoint, rows in sorted(self._endpoints.items()):
            yield f"{endpoint:<70} {sum(row.passed for row in rows):>4} of {len(rows):>4}  {_percent(rows):6.2f} %"
        counted = f"{len(self.scored)} interactions at {len(self._endpoints)} endpoints"
        yield f"{counted}: {self.passed:.2f} % pass, {self.mean:.2f} % in the mean over endpoints"
        for row in self.scored:
            if not row.passed:
                yield f"{row.recording}#{row.number} {row.endpoint}: {row.status}, recorded {row.interaction.status}"
                yield from (f"    {text}" for text in [*row.shape.wrong, *row.echo.wrong][:3])


def _percent(rows: list[Row]) -> float:
    return 100 * sum(row.passed for row in rows) / max(1, len(rows))


def report(paths: Iterable[Path], sender: Sender, scope: str = "") -> Report:
    """Replay recordings in sequence."""
    return Report([row for path in paths for row in replay(path, sender, scope)])


if __name__ == "__main__":
    print(*report(map(Path, sys.argv[4:]), Sender(*sys.argv[1:4])).lines(), sep="\n")
