"""A deterministic simulator of a pair of servers: README.md."""
