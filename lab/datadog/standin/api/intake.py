"""What Agents and clients send: metrics, traces, check runs, hosts. Only needs the API key."""

import time

from ..wire import bodies, protobuf, sketches, traces
from ..wire.bodies import Json, Sample
from .calls import SMALL, Call, Room, on

_Answer = tuple[int, Json]
_OK = {"status": "ok"}


class Intake(Room):
    def _keep(self, samples: list[Sample], answer: Json) -> _Answer:
        # If the clock is ahead, points may be equally far in the future.
        self.store.add_samples(samples, int(time.time()), self.clock.now())
        return 202, answer

    @on("POST", "/api/v1/series", needs="api_key")
    def series_v1(self, call: Call) -> _Answer:
        return self._keep(bodies.series_v1(call.body), _OK)

    @on("POST", "/api/v2/series", needs="api_key", protobuf=protobuf.series, limits=SMALL)
    def series_v2(self, call: Call) -> _Answer:
        return self._keep(bodies.series_v2(call.body), {"errors": []})

    @on("POST", "/api/v1/distribution_points", needs="api_key", load=sketches.points)
    def distribution_points(self, call: Call) -> _Answer:
        return self._keep(call.body, _OK)

    @on("POST", "/api/beta/sketches", needs="api_key", load=sketches.payload)
    @on("POST", "/api/v0.2/stats", needs="api_key", load=traces.stats)
    def distributions(self, call: Call) -> _Answer:
        return self._keep(call.body, {})

    @on("POST", "/api/v0.2/traces", needs="api_key", load=traces.spans)
    def spans(self, call: Call) -> _Answer:
        self.store.add_spans(call.body, int(time.time()))
        return 202, {}

    @on("POST", "/api/v1/check_run", needs="api_key")
    def check_run(self, call: Call) -> _Answer:
        now = int(time.time())
        self.store.add_check_runs(bodies.check_runs(call.body, now), now)
        return 202, _OK

    @on("POST", "/intake", needs="api_key")
    @on("POST", "/intake/", needs="api_key")
    def host(self, call: Call) -> _Answer:
        report = bodies.host_report(call.body)
        if report is not None:
            self.store.add_host(report, int(time.time()))
        return 202, _OK

    @on("POST", "/api/v1/metadata", needs="api_key")
    def metadata(self, call: Call) -> _Answer:
        """Accept inventories of packages and checks, which nothing in the lab reads."""
        return 202, _OK

    @on("GET", "/api/v1/validate", needs="api_key")
    @on("POST", "/api/v1/validate", needs="api_key")
    def validate(self, call: Call) -> Json:
        return {"valid": True}
