"""Outputs of the tools of accelerators: the queries, and their answers as rows. Pure."""
