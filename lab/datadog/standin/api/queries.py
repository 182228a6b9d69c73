"""Metric queries in the v2 format: several queries, and formulas over them.

Source: https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-data-across-multiple-products, and for the
format of responses and errors the recordings of datadog-api-client 2.62.0
"""

import re

from ..errors import Refused
from ..graph.model import View, how_of, reduced, request_lines
from ..query.lines import Line
from ..wire.bodies import Json
from .calls import Call, Room, on

# How far back Datadog keeps metrics: 15 months.
_KEPT = 15 * 31 * 86400


class Queries(Room):
    @on("POST", "/api/v2/query/timeseries")
    def timeseries(self, call: Call) -> Json:
        answers = self._answers(call, "timeseries_request")
        lines = [(index, line) for index, (_formula, found) in enumerate(answers) for line in found]
        times = sorted({time for _index, line in lines for time in line.points})
        attributes = {
            "series": [{"group_tags": list(one.group), "query_index": index, "unit": None} for index, one in lines],
            "times": [time * 1000 for time in times],
            "values": [[line.points.get(time) for time in times] for _index, line in lines],
        }
        return {"data": {"id": "0", "type": "timeseries_response", "attributes": attributes}}

    @on("POST", "/api/v2/query/scalar")
    def scalar(self, call: Call) -> Json:
        answers = self._answers(call, "scalar_request")
        queries = call.data()["attributes"]["queries"]
        groups = list(dict.fromkeys(line.group for _formula, found in answers for line in found))
        columns: list[Json] = [
            {"name": key, "type": "group", "values": [[tag.partition(":")[2]] for tag in tags]}
            for tags in zip(*groups, strict=True)
            for key in [tags[0].partition(":")[0]]
        ]
        for formula, found in answers:
            how = how_of({"queries": _named(formula, queries)})
            values = {line.group: reduced(line, how) for line in found}
            shown = [values.get(group) for group in groups]
            columns.append({"name": formula, "type": "number", "values": shown, "meta": {"unit": None}})
        return {"data": {"type": "scalar_response", "attributes": {"columns": columns}}}

    def _answers(self, call: Call, kind: str) -> list[tuple[str, list[Line]]]:
        """Return each formula and its lines. Raises Refused(400)."""
        data = call.data()
        if data.get("type") != kind:
            raise Refused(400, f'API input validation failed: Invalid type. Expected "{kind}".')
        asked = data.get("attributes") or {}
        start, end = int(asked["from"]) // 1000, int(asked["to"]) // 1000
        if start >= end:
            raise Refused(400, "API input validation failed: 'from' must be before 'to'")
        if end < self.clock.now() - _KEPT:
            raise Refused(400, "Queries ending outside the retention date are invalid")
        queries = [{"name": f"query{number}", **one} for number, one in enumerate(asked["queries"], 1)]
        formulas = asked.get("formulas") or [{"formula": one["name"]} for one in queries]
        view = View(self.store, self.clock.now(), {}, (start, end))
        found = request_lines({"queries": queries, "formulas": formulas}, view, start, end)
        return [(one["formula"], lines) for one, (_alias, lines) in zip(formulas, found, strict=True)]


def _named(formula: str, queries: list[Json]) -> list[Json]:
    """Return the queries in a formula: the first one tells how its points become one value."""
    names = re.findall(r"\w+", formula)
    return [one for one in queries if one.get("name") in names] or queries
