"""Files of instances: SFTP with requests in flight, and copies that can be resumed."""
