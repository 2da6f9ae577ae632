"""A real laboratory on one machine: a Docker engine of its own, pods with OpenSSH, pody servers, stand-in GPUs."""
