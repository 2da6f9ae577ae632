"""Views over one list."""
