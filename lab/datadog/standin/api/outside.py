"""What the stand-in Datadog leaves out on purpose, and says so of."""

# What there is not, with the beginnings of its paths.
OUTSIDE = {
    "users": ("/api/v1/user", "/api/v2/users", "/api/v2/current_user"),
    "roles": ("/api/v2/roles", "/api/v2/permissions"),
    "service level objectives": ("/api/v1/slo", "/api/v2/slo"),
    "synthetic tests": ("/api/v1/synthetics", "/api/v2/synthetics"),
    "logs": ("/api/v1/logs", "/api/v1/logs-queries", "/api/v2/logs"),
    "notebooks": ("/api/v1/notebooks", "/api/v2/notebooks"),
}


def missing(path: str) -> str:
    """What a call is answered with that nothing serves."""
    for what, beginnings in OUTSIDE.items():
        if any(path == one or path.startswith(f"{one}/") for one in beginnings):
            return f"The stand-in Datadog has no {what}. lab/datadog/README.md lists the calls that it serves."
    return "Not Found"
