"""The pages that a person looks at: server-rendered, read-only, without a key."""
