"""The simulator: a world with the vendors' APIs and SSH on loopback.

An installation has the modules in a zip file; a clone, the archive and the binary have them as files.
"""

__path__.append(f"{__path__[0]}/modules.zip")
