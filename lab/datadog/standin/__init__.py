"""The lab's stand-in Datadog: receives what Agents and clients send, and serves the API over it."""
