"""One row in detail, as lines of label and value."""
