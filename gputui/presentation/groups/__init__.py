"""The groupings of lists: rows under headings that have their totals. Pure."""
