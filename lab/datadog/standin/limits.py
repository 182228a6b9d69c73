"""The headers by which Datadog says how many calls are left. They count, but refuse nothing: faults do that.

Source: https://docs.datadoghq.com/api/latest/rate-limits/
"""

import re
import time

# (method, path, name, calls, seconds): the first that fits.
_LIMITS = (
    ("GET", r"/api/v1/query", "query_timeseries_points", 600, 3600),
    ("GET", r"/api/v1/graph/snapshot", "graph_snapshot", 60, 3600),
    ("GET", r"/api/v1/monitor", "monitor_list", 1000, 10),
    ("GET", r"/api/v\d/(monitor|downtime)/.+", "monitor_read", 3000, 10),
    ("GET", r"/api/v\d/downtime", "downtime_list", 300, 60),
    ("POST|PUT|PATCH|DELETE", r"/api/v\d/(monitor|downtime|host)\b.*", "monitor_write", 500, 10),
    (".*", r"/api/v\d/dashboards?\b.*", "dashboard", 600, 60),
    (".*", r"/api/v\d/events\b.*", "events", 1000, 60),
)


class Limits:
    """How often each limited thing was called in its running period; for one thread."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[int, int]] = {}

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Count a call; the headers of its answer, none where nothing limits it."""
        for methods, paths, name, calls, period in _LIMITS:
            if re.fullmatch(methods, method) and re.fullmatch(paths, path):
                window, now = divmod(int(time.time()), period)
                begun, count = self._calls.get(name, (window, 0))
                self._calls[name] = window, (count if begun == window else 0) + 1
                left = max(0, calls - self._calls[name][1])
                said = {"limit": calls, "period": period, "remaining": left, "reset": period - now, "name": name}
                return {f"x-ratelimit-{key}": str(value) for key, value in said.items()}
        return {}
