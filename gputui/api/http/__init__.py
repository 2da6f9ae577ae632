"""HTTP: one transport for all back ends, and how answers are decoded, paged and shared."""
