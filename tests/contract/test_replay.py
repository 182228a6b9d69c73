"""The stand-in Datadog matches recorded traffic of the real API, from the source distributions of its clients."""

from __future__ import annotations

import pytest
from recordings import Rewriter
from released import API_CLIENT, DATADOGPY, api_client_recordings, datadogpy_recordings
from replay import SCOPES, Sender, normalised, report


@pytest.mark.parametrize(
    ("recordings", "scope", "least", "pass_", "mean"),
    [(api_client_recordings, SCOPES[API_CLIENT], 350, 99, 98), (datadogpy_recordings, SCOPES[DATADOGPY], 150, 96, 95)],
    ids=["datadog-api-client", "datadogpy"],
)
def test_responses_match_recordings_of_the_real_api(standin, recordings, scope, least, pass_, mean, capsys):
    found = report(recordings(), Sender(standin.url, standin.api_key, standin.app_key), scope)
    with capsys.disabled():
        print("", *found.lines(), sep="\n")
    assert len(found.scored) > least
    assert found.passed >= pass_
    assert found.mean >= mean


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/api/v1/monitor/123/mute", "/api/v1/monitor/{id}/mute"),
        ("/api/v1/host/a.example/mute", "/api/v1/host/{id}/mute"),
        ("/api/v1/tags/hosts", "/api/v1/tags/hosts"),
        ("/api/v2/restriction_policy/dashboard:abc-def-ghi", "/api/v2/restriction_policy/{id}"),
        ("/api/v1/dashboard/public/fasjyydbcgwwc2uc-3412a5", "/api/v1/dashboard/public/{id}"),
        ("/api/v1/graph/snapshot_status/b/org_1/2020-02-03/c4c9", "/api/v1/graph/snapshot_status/{id}"),
        ("/api/v1/metrics/system.load.1", "/api/v1/metrics/{id}"),
    ],
)
def test_similar_calls_count_as_one_endpoint(path, wanted):
    assert normalised(path) == wanted


def test_recorded_ids_and_times_are_replaced():
    # Recorded at 1,600,000,000 and replayed 1,000 seconds later.
    rewriter = Rewriter(1_600_000_000, 1000)
    rewriter.learn({"token": "abc", "dash": {"id": 1_600_000_009}}, {"token": "xyz", "dash": {"id": 7}})
    sent = {"end": "1600003600", "start": 1_600_000_000, "id": "1600000009", "name": "12", "share": "/public/abc"}
    assert rewriter.value(sent) == {
        "end": "1600004600",
        "start": 1_600_001_000,
        "id": "7",
        "name": "12",
        "share": "/public/xyz",
    }
    assert rewriter.target("/api/v1/dash/1600000009?from=1600000000&n=12") == "/api/v1/dash/7?from=1600001000&n=12"
