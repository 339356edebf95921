"""The embedded AWS's Lambda: its API, its quotas, its storage and its execution environments."""
