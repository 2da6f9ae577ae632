"""The lines of a log: read page by page, stored, filtered."""
