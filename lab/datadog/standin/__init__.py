"""The lab's stand-in Datadog: takes what Agents and clients send, and answers the API about it."""
