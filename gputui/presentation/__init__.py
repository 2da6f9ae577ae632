"""How rows, actions and forms are described, in the app and on the command line alike."""
