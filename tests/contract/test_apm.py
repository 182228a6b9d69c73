"""Datadog's own trace forwarder, from the package datadog-serverless-compat, receives traces from ddtrace and sends
them to the stand-in as protobuf traces and msgpack stats; Datadog's typed client reads them back.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from datadog_api_client import ApiClient
from datadog_api_client.v1.api.metrics_api import MetricsApi
from datadog_api_client.v2.api.apm_api import APMApi
from datadog_api_client.v2.api.apm_trace_api import APMTraceApi
from datadog_api_client.v2.api.spans_api import SpansApi
from datadog_api_client.v2.model.spans_list_request import SpansListRequest
from datadog_api_client.v2.model.spans_list_request_attributes import SpansListRequestAttributes
from datadog_api_client.v2.model.spans_list_request_data import SpansListRequestData
from datadog_api_client.v2.model.spans_list_request_page import SpansListRequestPage
from datadog_api_client.v2.model.spans_list_request_type import SpansListRequestType
from datadog_api_client.v2.model.spans_query_filter import SpansQueryFilter
from datadog_api_client.v2.model.spans_sort import SpansSort
from datadog_serverless_compat.main import get_binary_path
from test_datadog_api_client import make_client, typed

# Twenty requests, four of which fail. Each queries a database for ten milliseconds.
APP = """
import time
from ddtrace.trace import tracer

for i in range(20):
    with tracer.trace("flask.request", resource="GET /api/apm", span_type="web") as request:
        request.set_tag("http.status_code", "500" if i % 5 == 0 else "200")
        request.error = int(i % 5 == 0)
        with tracer.trace("pymysql.query", service="mysql", resource="SELECT 1", span_type="sql"):
            # What the query takes.
            time.sleep(0.01)
tracer.shutdown()
"""
# Seconds: the forwarder sends its stats every ten seconds.
PATIENCE = 60
# An interval so long that everything is one point, at any minute.
YEAR = 365 * 86400

# On other machines, nothing can forward the traces.
pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the package's forwarder only runs on x86-64")


@dataclass
class Traced:
    """The traced requests, and the client that reads them."""

    client: ApiClient
    service: str

    def query(self, text: str) -> dict[str, float]:
        """Return {group: sum of points} for a metric query, with SERVICE as a placeholder for the scope."""
        text = text.replace("SERVICE", f"service:{self.service},env:lab")
        answer = typed(MetricsApi(self.client).query_metrics(_from=0, to=int(time.time()) + 20, query=text))
        return {",".join(one.tag_set): sum(point.value[1] for point in one.pointlist) for one in answer.series}

    def filter(self, text: str) -> SpansQueryFilter:
        """Return a search filter for the last minutes."""
        return SpansQueryFilter(query=text, _from="now-5m", to="now")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def traced(standin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """An app traced by ddtrace, whose traces and stats have arrived through the forwarder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("forwarder")
    program = Path(shutil.copy(get_binary_path(), folder))
    # As the package does before it starts the forwarder.
    program.chmod(0o700)
    settings = {
        "ASCSVCRT_SPRING__APPLICATION__NAME": "kennel",
        "DD_API_KEY": standin.api_key,
        "DD_APM_DD_URL": standin.url,
        "DD_APM_RECEIVER_PORT": str(port),
        "DD_USE_DOGSTATSD": "false",
    }
    service = f"shop-{port}"
    tracer = {
        "DD_TRACE_AGENT_URL": f"http://127.0.0.1:{port}",
        "DD_SERVICE": service,
        "DD_ENV": "lab",
        "DD_VERSION": "1.2",
        # The only format that the forwarder accepts.
        "DD_TRACE_API_VERSION": "v0.4",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    }
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen([program], env={**os.environ, **settings}, stdout=output, stderr=output) as forwarder,
        make_client(standin, standin.api_key, standin.app_key) as client,
    ):
        try:
            traced = Traced(client, service)
            deadline = time.monotonic() + PATIENCE
            while not _listens(port) and time.monotonic() < deadline:
                # The forwarder does not listen yet.
                time.sleep(0.1)
            subprocess.run([sys.executable, "-c", APP], env={**os.environ, **tracer}, check=True, timeout=PATIENCE)
            while time.monotonic() < deadline:
                hits = traced.query("sum:trace.flask.request.hits{SERVICE}.as_count()").get("")
                if hits == 20 and SpansApi(client).list_spans_get(filter_query=f"service:{service}").data:
                    break
                # The forwarder has not sent everything yet.
                time.sleep(0.5)
            else:
                pytest.fail(f"the traces did not arrive:\n{(folder / 'output').read_text()}")
            yield traced
        finally:
            forwarder.terminate()


def test_hits_errors_and_latencies_are_metrics(traced):
    assert traced.query("sum:trace.flask.request.hits{SERVICE} by {http.status_code,version}.as_count()") == {
        "http.status_code:200,version:1.2": 16,
        "http.status_code:500,version:1.2": 4,
    }
    assert traced.query("sum:trace.flask.request.errors{SERVICE,resource_name:get_/api/apm}.as_count()") == {"": 4}
    duration = traced.query(f"sum:trace.flask.request.duration{{SERVICE}}.rollup(sum, {YEAR})")[""]
    assert 0.2 < duration < 2
    p50, p95, p99, longest = (
        traced.query(f"{how}:trace.flask.request{{SERVICE}}.rollup({YEAR})")[""] for how in ("p50", "p95", "p99", "max")
    )
    assert 0.0098 < p50 <= p95 <= p99 <= longest < duration
    assert traced.query(f"avg:trace.flask.request{{SERVICE}}.rollup({YEAR})")[""] == pytest.approx(duration / 20)
    # Only the errors are not satisfied.
    assert traced.query(f"avg:trace.flask.request.apdex{{SERVICE}}.rollup({YEAR})")[""] == pytest.approx(0.8)


def test_spans_are_found_in_pages(traced):
    def page(cursor=None):
        wish = SpansListRequestAttributes(
            filter=traced.filter(f"service:{traced.service} env:lab @http.status_code:500 status:error"),
            page=SpansListRequestPage(limit=3, **({"cursor": cursor} if cursor else {})),
            sort=SpansSort.TIMESTAMP_ASCENDING,
        )
        data = SpansListRequestData(attributes=wish, type=SpansListRequestType.SEARCH_REQUEST)
        return typed(SpansApi(traced.client).list_spans(body=SpansListRequest(data=data)))

    first = page()
    second = page(first.meta.page.after)
    spans = [typed(found).attributes for found in (*first.data, *second.data)]
    assert (len(first.data), len(second.data)) == (3, 1)
    assert {(span.resource_name, span.type, span.env) for span in spans} == {("GET /api/apm", "web", "lab")}
    assert [span.start_timestamp for span in spans] == sorted(span.start_timestamp for span in spans)
    assert {span.custom["http"]["status_code"] for span in spans} == {"500"}
    found = SpansApi(traced.client).list_spans_get_with_pagination(
        filter_query=f"service:{traced.service}", filter_from="now-5m", page_limit=7
    )
    assert len({span.attributes.span_id for span in found}) == 20


def test_service_and_complete_trace_can_be_read(traced):
    listed = typed(APMApi(traced.client).get_service_list(filter_env="lab")).data.attributes.services
    assert {traced.service, "mysql"} <= set(listed)
    root = SpansApi(traced.client).list_spans_get(filter_query=f"service:{traced.service}", page_limit=1).data[0]
    traced.client.configuration.unstable_operations["get_trace_by_id"] = True
    with pytest.warns(UserWarning, match="unstable operation"):
        trace = typed(APMTraceApi(traced.client).get_trace_by_id(trace_id=root.attributes.trace_id))
    request, query = trace.data.attributes.spans
    assert (request.service, request.name, request.parent_id) == (traced.service, "flask.request", 0)
    assert (query.service, query.name, query.parent_id) == ("mysql", "pymysql.query", request.span_id)
    assert request.start_time <= query.start_time and query.end_time <= request.end_time
    assert query.duration >= 10_000_000
