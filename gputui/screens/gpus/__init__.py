"""The GPUs view."""
