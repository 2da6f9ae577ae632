"""Common parts of the simulated HTTP servers: routes, request bodies, faults."""
