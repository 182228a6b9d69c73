"""Datadog's typed Python client sends data to the stand-in and reads it back. Every response must match its models."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ApiException, ForbiddenException, NotFoundException
from datadog_api_client.v1.api.authentication_api import AuthenticationApi
from datadog_api_client.v1.api.downtimes_api import DowntimesApi
from datadog_api_client.v1.api.hosts_api import HostsApi
from datadog_api_client.v1.api.metrics_api import MetricsApi as MetricsV1
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from datadog_api_client.v1.api.service_checks_api import ServiceChecksApi
from datadog_api_client.v1.api.tags_api import TagsApi
from datadog_api_client.v1.model.downtime import Downtime
from datadog_api_client.v1.model.host_tags import HostTags
from datadog_api_client.v1.model.metric_content_encoding import MetricContentEncoding as MetricContentEncodingV1
from datadog_api_client.v1.model.metrics_payload import MetricsPayload
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.monitor_type import MonitorType
from datadog_api_client.v1.model.point import Point
from datadog_api_client.v1.model.series import Series
from datadog_api_client.v1.model.service_check import ServiceCheck
from datadog_api_client.v1.model.service_check_status import ServiceCheckStatus
from datadog_api_client.v1.model.service_checks import ServiceChecks
from datadog_api_client.v2.api.metrics_api import MetricsApi as MetricsV2
from datadog_api_client.v2.model.metric_content_encoding import MetricContentEncoding
from datadog_api_client.v2.model.metric_intake_type import MetricIntakeType
from datadog_api_client.v2.model.metric_payload import MetricPayload
from datadog_api_client.v2.model.metric_point import MetricPoint
from datadog_api_client.v2.model.metric_resource import MetricResource
from datadog_api_client.v2.model.metric_series import MetricSeries
from datadog_api_client.v2.model.scalar_formula_query_request import ScalarFormulaQueryRequest
from datadog_api_client.v2.model.timeseries_formula_query_request import TimeseriesFormulaQueryRequest


def make_client(standin, api_key: str, app_key: str) -> ApiClient:
    """Return a client that checks types of requests and responses."""
    configuration = Configuration(host=standin.url, api_key={"apiKeyAuth": api_key, "appKeyAuth": app_key})
    configuration.enable_retry = False
    return ApiClient(configuration)


@pytest.fixture
def client(standin) -> Iterator[ApiClient]:
    """A client with valid keys."""
    with make_client(standin, standin.api_key, standin.app_key) as made:
        yield made


@pytest.fixture
def now() -> int:
    """Seconds since the epoch."""
    return int(time.time())


def typed(answer):
    """Return `answer`, after checking that the client's models cover all of it."""
    assert not answer._unparsed
    return answer


def submit(client, name, points, kind=3, **options):
    """Send points of a v2 series from the host `name`."""
    series = MetricSeries(
        metric=name,
        type=MetricIntakeType(kind),
        interval=10,
        tags=["env:lab"],
        points=[MetricPoint(timestamp=ts, value=value) for ts, value in points],
        resources=[MetricResource(type="host", name=name)],
    )
    return MetricsV2(client).submit_metrics(body=MetricPayload(series=[series]), **options)


@pytest.mark.parametrize("encoding", [None, "deflate", "gzip", "zstd1"])
def test_submits_and_queries_v2_series(client, now, name, encoding):
    options = {"content_encoding": MetricContentEncoding(encoding)} if encoding else {}
    assert typed(submit(client, name, [(now - 20, 1.0), (now - 10, 3.0)], **options)).errors == []
    query = f"sum:{name}{{*}} by {{env}}.rollup(sum, 1)"
    answer = typed(MetricsV1(client).query_metrics(_from=now - 60, to=now, query=query))
    assert (answer.status, answer.res_type) == ("ok", "time_series")
    (series,) = answer.series
    assert [point.value for point in series.pointlist] == [[(now - 20) * 1000.0, 1.0], [(now - 10) * 1000.0, 3.0]]
    assert (series.aggr, series.interval, series.length, series.tag_set) == ("sum", 1, 2, ["env:lab"])


@pytest.mark.parametrize(("kind", "count"), [(0, 4.0), (1, 4.0), (2, 40.0), (3, 4.0)])
def test_submits_every_type(client, now, name, kind, count):
    submit(client, name, [(now // 60 * 60 - 50, 4.0)], kind)
    answer = MetricsV1(client).query_metrics(
        _from=now // 60 * 60 - 60, to=now, query=f"sum:{name}{{*}}.as_count().rollup(sum, 60)"
    )
    assert answer.series[0].pointlist[0].value[1] == count


@pytest.mark.parametrize("encoding", [None, "deflate"])
def test_submits_v1_series(client, now, name, encoding):
    options = {"content_encoding": MetricContentEncodingV1(encoding)} if encoding else {}
    series = Series(metric=name, type="gauge", host=name, points=[Point([float(now - 20), 5.0])], tags=["env:lab"])
    assert typed(MetricsV1(client).submit_metrics(body=MetricsPayload(series=[series]), **options)).status == "ok"
    active = typed(MetricsV1(client).list_active_metrics(_from=now - 60, host=name))
    assert (active._from, active.metrics) == (str(now - 60), [name])
    assert typed(MetricsV1(client).get_metric_metadata(metric_name=name)).type == "gauge"


def test_arithmetic_and_several_queries(client, now, name):
    submit(client, name, [(now - 20, 1.0)])
    query = f"(avg:{name}{{*}} + 1) * 2, {name}{{env:none}}, max:{name}{{env:lab AND host:{name}}}"
    answer = typed(MetricsV1(client).query_metrics(_from=now - 60, to=now, query=query))
    found = [(series.query_index, series.aggr, series.pointlist[0].value[1]) for series in answer.series]
    assert found == [(0, None, 4.0), (2, "max", 1.0)]
    assert answer.series[0].expression == f"((avg:{name}{{*}} + 1) * 2)"


def test_lists_hosts(client, now, name):
    submit(client, name, [(now - 20, 1.0)])
    answer = typed(HostsApi(client).list_hosts(filter=name, include_hosts_metadata=True, include_muted_hosts_data=True))
    assert (answer.total_matching, answer.total_returned) == (1, 1)
    (host,) = answer.host_list
    assert (host.name, host.up, host.is_muted, host.last_reported_time) == (name, True, False, now - 20)
    assert typed(HostsApi(client).list_hosts(filter=name, _from=now + 60)).total_matching == 0


def test_changes_and_reads_host_tags(client, now, name):
    tags = TagsApi(client)
    with pytest.raises(NotFoundException):
        tags.get_host_tags(host_name=name)
    submit(client, name, [(now - 20, 1.0)])
    assert typed(tags.create_host_tags(host_name=name, body=HostTags(host=name, tags=["a:b"]))).tags == ["a:b"]
    assert typed(tags.update_host_tags(host_name=name, body=HostTags(tags=["c:d"]), source="chef")).tags == ["c:d"]
    assert typed(tags.get_host_tags(host_name=name)).tags == ["a:b", "c:d"]
    assert typed(tags.get_host_tags(host_name=name, source="chef")).tags == ["c:d"]
    assert name in typed(tags.list_host_tags()).tags["a:b"]
    assert tags.delete_host_tags(host_name=name) is None
    assert tags.get_host_tags(host_name=name).tags == ["c:d"]


def test_submits_service_checks(client, now, name):
    check = ServiceCheck(check="app.ok", host_name=name, status=ServiceCheckStatus.WARNING, tags=["a:b"], timestamp=now)
    assert typed(ServiceChecksApi(client).submit_service_check(body=ServiceChecks([check]))).status == "ok"
    assert typed(HostsApi(client).list_hosts(filter=name)).total_matching == 1


def test_validates_the_key(client):
    assert typed(AuthenticationApi(client).validate()).valid is True


@pytest.mark.parametrize("query", ["avg:x", "avg:x{*} by", "forecast(avg:x{*}, 'linear', 1)"])
def test_invalid_query_is_refused_with_a_reason(client, now, query):
    with pytest.raises(ApiException) as caught:
        MetricsV1(client).query_metrics(_from=now - 60, to=now, query=query)
    assert caught.value.status == 400
    (reason,) = caught.value.body["errors"]
    assert "column" in reason or "forecast" in reason


def test_wrong_keys_are_forbidden(standin, now, name):
    with make_client(standin, "0" * 32, standin.app_key) as client:
        for call in (AuthenticationApi(client).validate, lambda: submit(client, name, [(now, 1.0)])):
            with pytest.raises(ForbiddenException) as caught:
                call()
            assert caught.value.body["errors"] == ["Forbidden"]
    with make_client(standin, standin.api_key, "0" * 40) as client, pytest.raises(ForbiddenException):
        HostsApi(client).list_hosts()


def cross_product(kind: str, now: int, queries: dict[str, str], formulas: list[str]) -> dict:
    """Return a request to the v2 query API for the last ten minutes."""
    attributes = {
        "from": (now - 600) * 1000,
        "to": now * 1000,
        "queries": [
            {
                "name": name,
                "data_source": "metrics",
                "query": query,
                **({"aggregator": "max"} if kind == "scalar" else {}),
            }
            for name, query in queries.items()
        ],
        "formulas": [{"formula": one} for one in formulas],
    }
    return {"data": {"type": f"{kind}_request", "attributes": attributes}}


def test_queries_several_data_sources_over_time(client, now, name):
    submit(client, name, [(now - 120, 1.0), (now - 60, 3.0)])
    body = cross_product("timeseries", now, {"a": f"avg:{name}{{*}} by {{host}}.rollup(avg, 1)"}, ["a", "a * 2"])
    answer = typed(MetricsV2(client).query_timeseries_data(body=TimeseriesFormulaQueryRequest(**body))).data.attributes
    assert list(answer.times.value) == [(now - 120) * 1000, (now - 60) * 1000]
    assert [list(one.value) for one in answer.values.value] == [[1.0, 3.0], [2.0, 6.0]]
    assert [(list(one.group_tags.value), one.query_index) for one in answer.series.value] == [
        ([f"host:{name}"], 0),
        ([f"host:{name}"], 1),
    ]


def test_queries_several_data_sources_as_values(client, now, name):
    submit(client, name, [(now - 120, 1.0), (now - 60, 3.0)])
    body = cross_product("scalar", now, {"a": f"avg:{name}{{*}} by {{host}}.rollup(avg, 1)"}, ["a"])
    answer = typed(MetricsV2(client).query_scalar_data(body=ScalarFormulaQueryRequest(**body))).data.attributes
    group, value = answer.columns
    assert (group.name, [list(one) for one in group.values]) == ("host", [[name]])
    assert (value.name, list(value.values)) == ("a", [3.0])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "scalar_rquest"}, 'Expected "scalar_request"'),
        ({"attributes": {"from": 1568899800000, "to": 1568923200000, "queries": []}}, "outside the retention date"),
    ],
)
def test_invalid_v2_query_is_refused(standin, now, change, reason):
    body = cross_product("scalar", now, {"a": "avg:x{*}"}, ["a"])
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key}
    sent = json.dumps({"data": {**body["data"], **change}}).encode()
    status, answer = standin.request("POST", "/api/v2/query/scalar", sent, **keys)
    assert status == 400 and reason in json.loads(answer)["errors"][0]


def test_lists_downtimes_of_a_monitor(client, now, name):
    monitors = MonitorsApi(client)
    made = [
        monitors.create_monitor(
            body=Monitor(
                name=f"{name} {scope}", type=MonitorType("query alert"), query=f"avg(last_5m):avg:x{{{scope}}} > 1"
            )
        )
        for scope in ("env:a", "env:b")
    ]
    downtime = DowntimesApi(client).create_downtime(
        body=Downtime(scope=["env:a"], monitor_id=made[0].id, start=now, end=now + 600, message="Quiet.")
    )
    found = [typed_list(DowntimesApi(client).list_monitor_downtimes(monitor_id=one.id)) for one in made]
    assert [[one.id for one in some] for some in found] == [[downtime.id], []]
    for one in made:
        monitors.delete_monitor(monitor_id=one.id)


def typed_list(answer):
    """Return `answer`, a list, after checking that the client's models cover its items."""
    return [typed(one) for one in answer]
