"""A rehearsal stand-in for AWS: loopback HTTP, a real Valkey, commands that really run."""
