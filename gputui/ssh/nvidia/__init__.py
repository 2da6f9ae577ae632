"""Probes of the GPUs of an instance, over its SSH connection."""
