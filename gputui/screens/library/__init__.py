"""The library: images, volumes and registry credentials."""
