"""What the simulated HTTP servers have in common: routes, request bodies, faults."""
