"""The connection to a node, and the addresses of our contracts."""
