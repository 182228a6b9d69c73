"""The exercise's app: three routes to trace, one that reads from MySQL, and a health check.

Run it under ddtrace-run. Only its log refers to tracing: each line has the ids of its trace.
FLASK_APM_DATABASE is the path of a file with the connection settings for MySQL; without it, the app has no database.
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

# Attributes that ddtrace adds to a log record. Outside a trace, or without ddtrace, they are empty.
TRACED = dict.fromkeys(("dd.service", "dd.env", "dd.version", "dd.trace_id", "dd.span_id"), "")
IDS = " ".join(f"{name}=%({name})s" for name in TRACED)

app = Flask(__name__)
log = logging.getLogger("flask_apm")


def log_to_stderr() -> None:
    handler = logging.StreamHandler()
    # The format that Datadog's log pipeline for Python parses.
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
    """Return the database, the user, and the server's version and time, as reported by the server."""
    if not (path := os.environ.get("FLASK_APM_DATABASE")):
        abort(404, "There is no database: flask_apm_database is not set.")
    # Read for each request, so that a new password takes effect immediately.
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
    """Report that the app responds. The monitoring of the database covers the database."""
    return {"status": "ok"}


@app.after_request
def say(response: Response) -> Response:
    # Not in gunicorn's access log, which is written after the trace has ended.
    log.info("%s %s %d", request.method, request.path, response.status_code)
    return response


log_to_stderr()
