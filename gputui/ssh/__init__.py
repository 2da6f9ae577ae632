"""SSH: known hosts, connections, and the raw shell."""
