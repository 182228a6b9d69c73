"""What the stand-in Datadog deliberately does not support, with a message."""

# Unsupported products, with the prefixes of their paths.
OUTSIDE = {
    "users": ("/api/v1/user", "/api/v2/users", "/api/v2/current_user"),
    "roles": ("/api/v2/roles", "/api/v2/permissions"),
    "service level objectives": ("/api/v1/slo", "/api/v2/slo"),
    "synthetic tests": ("/api/v1/synthetics", "/api/v2/synthetics"),
    "logs": ("/api/v1/logs", "/api/v1/logs-queries", "/api/v2/logs"),
    "notebooks": ("/api/v1/notebooks", "/api/v2/notebooks"),
}


def missing(path: str) -> str:
    """Return the error message for a call that nothing serves."""
    for what, beginnings in OUTSIDE.items():
        if any(path == one or path.startswith(f"{one}/") for one in beginnings):
            return f"The stand-in Datadog has no {what}. lab/datadog/README.md lists the calls that it serves."
    return "Not Found"
