"""The widgets: given data, they emit messages."""
