"""The explorer of metrics: one query or two, chosen or written, as a chart and as a widget to keep."""

import json
from dataclasses import dataclass

from module_utils._query.metric import Expression, Query, Series, parse
from module_utils._query.scope import QuerySyntaxError
from starlette.datastructures import QueryParams
from starlette.requests import Request

from ..api.calls import on
from ..errors import Refused
from ..graph.model import chart, label
from ..graph.units import of_query
from ..query.evaluate import evaluate
from ..query.lines import Line
from ..wire.bodies import Json
from .site import Pages, span

_AGGREGATORS = ("avg", "sum", "min", "max", "count", "p50", "p75", "p95", "p99")
_STYLES = ("line", "area", "bars")
# Seconds without a point after which a metric is not offered any more.
_OFFERED = 4 * 3600
# What the parameters of the second query end with.
_QUERIES = ("", "2")
_NAMES = ("a", "b")


@dataclass(frozen=True)
class _Asked:
    """A query as text; `expression` is None where it cannot be read, and `problem` says why, at `column` from 1."""

    text: str
    expression: Expression | None = None
    problem: str = ""
    column: int = 0


class Explorer(Pages):
    @on("GET", "/explore")
    def explore(self, request: Request) -> tuple[str, Json]:
        asked, now = request.query_params, self.clock.now()
        start, end = span(request, now)
        style = next((one for one in _STYLES if one == asked.get("style")), _STYLES[0])
        queries = [_read(text) for text in (_written(asked, which) for which in _QUERIES) if text]
        answers, drawn, problems = [], [], []
        for one in queries:
            try:
                answers.append(self._lines(one, start, end))
                drawn.append(one.text)
            except Refused as error:
                problems.append({"text": one.text, "column": one.column, "problem": "; ".join(map(str, error.errors))})
        hosts = self.store.hosts()
        tags = sorted({tag for host in hosts for tag in host.every_tag})
        return "explore.html", {
            "metrics": self.store.metrics(int(now) - _OFFERED),
            "tags": tags,
            "keys": sorted({tag.partition(":")[0] for tag in tags if ":" in tag}),
            "aggregators": _AGGREGATORS,
            "styles": _STYLES,
            "style": style,
            "queries": drawn,
            "problems": problems,
            "charts": [
                chart([(line, style, label(line)) for line in lines], start, end) for lines in _together(answers)
            ],
            "widget": _widget(queries, style) if queries and not problems else "",
        }

    def _lines(self, asked: _Asked, start: int, end: int) -> list[Line]:
        if asked.expression is None:
            raise Refused(400, asked.problem)
        (lines,) = evaluate(Query((asked.expression,)), self.store, start, end)
        return lines


def _written(asked: QueryParams, which: str) -> str:
    """The query that was written, or the one that was chosen part by part; nothing where there is none."""
    free, metric = asked.get(f"query{which}", "").strip(), asked.get(f"metric{which}", "").strip()
    if free or not metric:
        return free
    how, by = asked.get(f"how{which}") or _AGGREGATORS[0], asked.get(f"by{which}", "").replace(" ", "")
    return f"{how}:{metric}{{{asked.get(f'over{which}', '').strip() or '*'}}}{f' by {{{by}}}' if by else ''}"


def _read(text: str) -> _Asked:
    try:
        expressions = parse(text).expressions
    except QuerySyntaxError as error:
        return _Asked(text, None, error.message, error.column)
    if len(expressions) != 1:
        return _Asked(text, None, "one query at a time: a second one has a place of its own")
    return _Asked(text, expressions[0])


def _together(answers: list[list[Line]]) -> list[list[Line]]:
    """Lines of one chart, or of one for each answer where their units differ."""
    units = {of_query(lines[0].expression) for lines in answers if lines}
    return [[line for lines in answers for line in lines]] if answers and len(units) < 2 else answers


def _widget(queries: list[_Asked], style: str) -> str:
    """The widget that draws this, as YAML for the list `widgets` of a dashboard."""
    requests = []
    for name, one in zip(_NAMES, queries, strict=False):
        text = json.dumps(one.text)
        if isinstance(one.expression, Series):
            requests.append(
                f"      - display_type: {style}\n        response_format: timeseries\n"
                f"        formulas: [{{formula: {name}}}]\n"
                f"        queries:\n          - {{name: {name}, data_source: metrics, query: {text}}}\n"
            )
        else:
            requests.append(f"      - display_type: {style}\n        q: {text}\n")
    title = json.dumps(" and ".join(one.text for one in queries))
    return f"- definition:\n    type: timeseries\n    title: {title}\n    requests:\n{''.join(requests)}"
