"""Pictures of the screens for the documentation: the program on its simulator, without a terminal."""
