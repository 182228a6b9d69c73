"""Search and count events."""

from collections.abc import Iterable
from typing import Any

from ..errors import Refused
from ..wire.bodies import Json
from . import lucene
from .evaluate import Source
from .lines import Line, Window

# Names that the searches of older widgets use.
_OLD = {"sources": "source", "tags": "", "hosts": "host"}
_MOST_GROUPS = 100


def tags_of(event: Json) -> list[str]:
    """Return the facets of an event: its tags, host, source, priority and type."""
    own = {
        "host": event.get("host"),
        "source": event.get("source_type_name"),
        "priority": event.get("priority") or "normal",
        "status": event.get("alert_type") or "info",
    }
    return [*(event.get("tags") or []), *(f"{key}:{value}" for key, value in own.items() if value)]


def finder(query: str) -> lucene.Test:
    """Return the test of a search: words in texts and tags, KEY:word in tags. Raises Refused(400)."""

    def values(event: Json, key: str) -> list[str]:
        key, tags = _OLD.get(key, key), tags_of(event)
        if not key:
            return [event["title"], event["text"], *tags]
        found = [tag.removeprefix(f"{key}:") for tag in tags if tag.startswith(f"{key}:")]
        return [*found, "all"] if key == "priority" else found

    def refuse(why: str) -> Refused:
        return Refused(400, f"input_validation_error(Field 'filter.query' is invalid: {why})")

    return lucene.parse(query, values, refuse)


class Counted(Source):
    """Counts the events that match a search, by the values of facets, which are keys of tags."""

    def __init__(self, events: Iterable[Json], search: str, facets: Iterable[str], distinct: str = "") -> None:
        self._events = [event for event in events if finder(search)(event)]
        self._search = search
        self._facets = [facet.removeprefix("@") for facet in facets]
        self._distinct = distinct.removeprefix("@")

    def __str__(self) -> str:
        return f"events({self._search})"

    def lines(self, window: Window) -> list[Line]:
        buckets = window.buckets(window.interval)
        groups: dict[tuple[str, ...], dict[int, set[Any]]] = {} if self._facets else {(): {}}
        for event in self._events:
            bucket = event["date_happened"] // window.interval * window.interval
            if bucket in buckets:
                tags = tags_of(event)
                group = tuple(joined_tag(facet, tags) for facet in self._facets)
                what = joined_tag(self._distinct, tags) if self._distinct not in ("", "evt.id") else event["id"]
                groups.setdefault(group, {}).setdefault(bucket, set()).add(what)
        return [
            Line("events", str(self), ",".join(group) or "*", group, window.interval, points)
            for group, counted in list(groups.items())[:_MOST_GROUPS]
            if (points := {bucket: float(len(counted.get(bucket, ()))) for bucket in buckets})
        ]


def counted(query: Json, events: Iterable[Json], search: str) -> Counted:
    """Return the source for the query of a widget, with its `search` as text. Raises Refused(400)."""
    compute = query.get("compute") or {}
    how = compute.get("aggregation", "count")
    if how not in ("count", "cardinality"):
        raise Refused(400, f"{how} of events is not evaluated here, only count and cardinality")
    facets = [by["facet"] for by in query.get("group_by") or ()]
    return Counted(events, search, facets, str(compute.get("metric") or "") if how == "cardinality" else "")


def joined_tag(key: str, tags: Iterable[str]) -> str:
    """Return the first tag with this key, in alphabetical order; KEY:N/A if there is none."""
    return min((tag for tag in tags if tag.startswith(f"{key}:")), default=f"{key}:N/A")
