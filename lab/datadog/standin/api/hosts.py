"""Hosts and their tags.

Source: https://docs.datadoghq.com/api/latest/hosts/ and https://docs.datadoghq.com/api/latest/tags/
"""

import time
from typing import Any

from ..clock import seconds
from ..errors import Refused
from ..store.hosts import SOURCES, Host, source_name
from ..wire.bodies import Json, tags
from .calls import Call, Room, on

# By default, the hosts API returns hosts of the last three hours, at most a thousand at once.
_SINCE = 3 * 3600
_MOST = 1000
# Seconds after which a host that does not report is no longer up.
_UP = 600
# Fields that hosts can be sorted by.
_FIELDS = ("name", "apps", "status", "last_reported_time", "cpu", "iowait", "load")


class Hosts(Room):
    @on("GET", "/api/v1/hosts")
    def every(self, call: Call) -> Json:
        now = int(time.time())
        since = call.integer("from", now - _SINCE)
        with_meta = call.query.get("include_hosts_metadata", "true").lower() != "false"
        words = call.query.get("filter", "")
        found = [host for host in self.store.hosts() if host.last_reported >= since and host.fits(words)]
        muted = {one["scope"].removeprefix("host:"): one["schedule"].get("end") for one in self.downtimes.active()}
        shown = [self._host(host, now, with_meta, muted) for host in found]
        field = call.query.get("sort_field", "name") or "name"
        if field not in _FIELDS:
            raise Refused(400, f"The value provided for parameter 'sort_field' is invalid: {field}")
        down = call.query.get("sort_dir", "").lower() == "desc"
        shown.sort(key=lambda host: {**host, **host["metrics"], "status": host["up"]}[field], reverse=down)
        page = call.paged(shown, "start", "count", 100)[:_MOST]
        totals = {"total_matching": len(found), "total_returned": len(page), "exact_total_matching": True}
        return {"host_list": page, **totals}

    def _host(self, host: Host, now: int, with_meta: bool, muted: dict[str, str | None]) -> Json:
        metrics = self.store.metrics(now - _SINCE, host.name)
        # The first part of metric names identifies an integration.
        apps = {name.split(".")[0] for name in metrics if "." in name} - {"system", "datadog"}
        idle, iowait, load = (
            self.store.newest(f"system.{name}", host.name) for name in ("cpu.idle", "cpu.iowait", "load.15")
        )
        return {
            "id": host.id,
            "name": host.name,
            "host_name": host.name,
            "aliases": [host.name, *host.aliases],
            "apps": sorted(apps | ({"agent"} if host.meta else set())),
            "sources": ["agent"],
            "up": now - host.last_reported <= _UP,
            "last_reported_time": host.last_reported,
            "is_muted": host.name in muted,
            "mute_timeout": seconds(muted.get(host.name)),
            "tags_by_source": {**host.tags, "Datadog": [*host.tags.get("Datadog", []), f"host:{host.name}"]},
            "metrics": {"cpu": 0.0 if idle is None else 100.0 - idle, "iowait": iowait or 0.0, "load": load or 0.0},
            **({"meta": {**host.meta, "host_id": host.id}} if with_meta else {}),
        }

    @on("GET", "/api/v1/hosts/totals")
    def totals(self, call: Call) -> Json:
        now = int(time.time())
        since = call.integer("from", now - _SINCE)
        if since > now:
            raise Refused(400, "The value provided for parameter 'from' is invalid")
        seen = [host.last_reported for host in self.store.hosts()]
        return {"total_active": sum(at >= since for at in seen), "total_up": sum(at >= now - _UP for at in seen)}

    # --------------------------------------------------------------------------------------------------------- tags
    @on("GET", "/api/v1/tags/hosts")
    def all_tags(self, call: Call) -> Json:
        source, hosts = call.query.get("source", ""), self.store.hosts()
        known = {*SOURCES.values(), *(name for host in hosts for name in host.tags)}
        if source and source_name(source) not in known:
            raise Refused(404, "Provided source does not exist")
        found: dict[str, list[str]] = {}
        for host in hosts:
            for tag in _tags(host, source):
                found.setdefault(tag, []).append(host.name)
        return {"tags": found}

    @on("GET", "/api/v1/tags/hosts/{host}")
    def host_tags(self, call: Call) -> Json:
        host = self._need(call)
        return {"host": host.name, "tags": _tags(host, call.query.get("source", ""))}

    @on("POST", "/api/v1/tags/hosts/{host}")
    @on("PUT", "/api/v1/tags/hosts/{host}")
    def change_tags(self, call: Call) -> tuple[int, Json]:
        name = self._need(call).name
        sent: Any = (call.body or {}).get("tags", [])
        if not isinstance(sent, list):
            raise Refused(400, "tags: expected a list")
        self.store.change_tags(name, _source(call), tags(sent), replace=call.method == "PUT")
        return 201, {"host": name, "tags": _tags(self._need(call), _source(call))}

    @on("DELETE", "/api/v1/tags/hosts/{host}")
    def delete_tags(self, call: Call) -> None:
        self.store.change_tags(self._need(call).name, _source(call), (), replace=True)

    def _need(self, call: Call) -> Host:
        host = self.store.host(call.path["host"])
        if host is None:
            raise Refused(404, "No host matches that host_id")
        return host


def _source(call: Call) -> str:
    return call.query.get("source") or "users"


def _tags(host: Host, source: str = "") -> list[str]:
    """Return the tags of a host, optionally of one source."""
    chosen = {source_name(source): host.tags.get(source_name(source), [])} if source else host.tags
    return sorted({tag for tags in chosen.values() for tag in tags})
