"""Create, update, delete and mute monitors.

Source: https://docs.datadoghq.com/api/latest/monitors/, and the recordings that tests/contract/test_replay.py replays
"""

import re
from collections.abc import Callable

from ..clock import Clock, iso
from ..errors import Refused
from ..store.documents import Documents
from ..wire import user
from ..wire.bodies import Json
from .downtimes import Downtimes
from .monitor_bodies import NEW, checked

# What the evaluation knows about a monitor: overall_state, overall_state_modified, groups by name, and the problem.
State = Callable[[int], Json]

# Other fields that a new monitor may have.
_ADDED = {"deleted": None, "org_id": user.ORG, "creator": user.CREATOR, "run_as": None, "restricted": False}


class Monitors:
    """All monitors, with their state from the evaluation."""

    def __init__(self, documents: Documents, downtimes: Downtimes, clock: Clock, state: State) -> None:
        self._documents = documents
        self._downtimes = downtimes
        self._clock = clock
        self.state = state

    def all(self) -> list[Json]:
        return self._documents.all("monitor")

    def need(self, id_: str, missing: str = "Monitor not found") -> Json:
        """Return the monitor with this ID. Raises Refused(404) with the message `missing`."""
        return self._documents.need("monitor", id_, missing)

    def create(self, sent: Json) -> Json:
        """Create a monitor from a body. Raises Refused(400)."""
        id_, now = self._documents.new_id("monitor"), self._clock.now()
        times = {"created": iso(now), "modified": iso(now), "created_at": int(now) * 1000}
        return self._put({"id": id_, **self._checked(sent, NEW, id_), **_ADDED, **times}, sent)

    def update(self, found: Json, sent: Json) -> Json:
        """Change the fields in a body, `options` as a whole; `silenced` stays. Raises Refused(400)."""
        changed = {**found, **self._checked(sent, found, found["id"]), "modified": iso(self._clock.now())}
        return self._put(changed, sent)

    def _put(self, monitor: Json, sent: Json) -> Json:
        self._documents.put("monitor", monitor["id"], monitor)
        wish = (sent.get("options") or {}).get("silenced")
        if wish is not None:
            self._downtimes.silence(monitor["id"], wish)
        return monitor

    def validate(self, sent: Json, found: Json | None = None) -> None:
        """Validate a body without storing it; missing fields are those of `found`. Raises Refused(400)."""
        self._checked(sent, found or NEW, found["id"] if found else 0)

    def _checked(self, sent: Json, before: Json, id_: int) -> Json:
        """Return the fields of a monitor, as from `checked`; the monitors of a composite must exist.

        Message: DataDog/terraform-provider-datadog issue 2440. The documentation of composite monitors says that they
        cannot be nested; the message for that is unknown.
        """
        result = checked(sent, before, id_)
        if result["type"] == "composite":
            parts = [self._documents.get("monitor", one) for one in re.findall(r"\d+", result["query"])]
            if any(part is None or part["type"] == "composite" for part in parts):
                raise Refused(400, "Some monitor IDs are invalid")
        return result

    def delete(self, found: Json) -> None:
        """Delete a monitor, and cancel its own downtimes."""
        self._documents.delete("monitor", found["id"])
        for downtime in self._downtimes.ahead():
            if downtime["monitor_identifier"].get("monitor_id") == found["id"]:
                self._downtimes.cancel(downtime)

    def references(self, monitor: Json) -> list[str]:
        """Return why a monitor cannot be deleted: the composite monitors that refer to it."""
        id_ = str(monitor["id"])
        others = [
            f"[{other['id']},{other['name']}]"
            for other in self.all()
            if other["type"] == "composite" and id_ in re.findall(r"\d+", other["query"])
        ]
        named = f"monitor [{id_},{monitor['name']}] is referenced in composite monitors: "
        return [named + ", ".join(others)] if others else []

    def shown(self, monitor: Json, ahead: list[Json] | None = None) -> Json:
        """Return a monitor in the format of the API; `ahead` are the downtimes, if the caller has them."""
        id_ = monitor["id"]
        state = self.state(id_)
        overall = {name: state[name] for name in ("overall_state", "overall_state_modified")}
        silenced = self._downtimes.silenced(id_, self._downtimes.ahead() if ahead is None else ahead)
        return {**monitor, "options": {**monitor["options"], "silenced": silenced}, **overall}


def scopes(query: str) -> list[str]:
    """Return the scopes of a query's metrics and checks, as written."""
    over = [part for text in re.findall(r"\.(?:over|by)\(([^)]*)\)", query) for part in re.findall(r'"([^"]*)"', text)]
    return [*re.findall(r"(?<!by )\{([^{}]*)\}", query), *over]
