"""The SSH server: logins, sessions and terminals, SFTP, forwards."""
