"""GPUhub and AutoDL: elastic deployments and their containers."""
