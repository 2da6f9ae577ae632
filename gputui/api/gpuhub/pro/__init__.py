"""AutoDL's container instances, the "Pro" API: instances that a person creates, powers on and off, and releases."""
