"""Creates and starts that are tried again while there is no stock."""
