"""The exercise's app: three routes to trace, one that reads from MySQL, and one that says that it is alive.

Run it under ddtrace-run: it knows of tracing only in its log, whose lines carry the ids that lead to their traces.
FLASK_APM_DATABASE names the file that says how to reach MySQL; without one, there is no database to read from.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pymysql
import pymysql.cursors
import yaml
from flask import Flask, Response, abort, jsonify, request

# Names that ddtrace gives to a record. Outside of a trace, or without ddtrace, they are empty.
TRACED = dict.fromkeys(("dd.service", "dd.env", "dd.version", "dd.trace_id", "dd.span_id"), "")
IDS = " ".join(f"{name}=%({name})s" for name in TRACED)

app = Flask(__name__)
log = logging.getLogger("flask_apm")


def log_to_stderr() -> None:
    handler = logging.StreamHandler()
    # As Datadog's pipeline for Python takes them apart.
    handler.setFormatter(
        logging.Formatter(
            f"%(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] [{IDS}] - %(message)s", defaults=TRACED
        )
    )
    log.addHandler(handler)
    log.setLevel(logging.INFO)


@app.get("/")
def entry() -> str:
    return "Entrypoint to the Application"


@app.get("/api/apm")
def apm() -> str:
    return "Getting APM Started"


@app.get("/api/trace")
def trace() -> str:
    return "Posting Traces"


@app.get("/api/mysql")
def mysql() -> Response:
    """Which database the app reads from, as what user, and the server's version and clock, as that server says."""
    if not (path := os.environ.get("FLASK_APM_DATABASE")):
        abort(404, "There is no database: flask_apm_database is not set.")
    # Read each time, so that a new password holds from the next request on.
    settings: dict[str, Any] = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    connection = pymysql.connect(**{"connect_timeout": 5, "read_timeout": 10} | settings)
    with connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SELECT DATABASE() AS name, USER() AS user, VERSION() AS version, NOW() AS time")
        return jsonify(cursor.fetchone())


@app.errorhandler(pymysql.MySQLError)
def database_away(error: pymysql.MySQLError) -> tuple[str, int]:
    log.error("the database does not answer", exc_info=error)
    return "The database does not answer", 503


@app.get("/health")
def health() -> dict[str, str]:
    """Whether the app can answer; its database is looked at by what watches the database."""
    return {"status": "ok"}


@app.after_request
def say(response: Response) -> Response:
    # Here and not in gunicorn's access log, which is written when the trace is over.
    log.info("%s %s %d", request.method, request.path, response.status_code)
    return response


log_to_stderr()
