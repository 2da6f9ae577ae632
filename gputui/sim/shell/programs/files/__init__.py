"""Programs about files."""
