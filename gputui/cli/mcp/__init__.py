"""The server of the Model Context Protocol: what the command line can say, as tools of another program.

``server`` alone imports the library of the protocol.
"""
