"""The heatmap of the stock."""
