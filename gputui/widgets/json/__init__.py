"""JSON documents as a foldable tree."""
