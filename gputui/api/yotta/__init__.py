"""Yotta: VMs, pods, serverless endpoints, volumes and registry credentials."""
