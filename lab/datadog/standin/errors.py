"""Errors that are returned instead of a result."""


class Refused(Exception):
    """A request that is answered with an error: `status` is the HTTP status, `errors` what the body says.

    The API returns an error as a string; some parts of v2 return an object.
    """

    def __init__(self, status: int, *errors: str | dict[str, str]) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = errors


def malformed(reason: object) -> Refused:
    """Return the API's error for a malformed body."""
    return Refused(400, f"Payload is not in the expected format: {reason}")
