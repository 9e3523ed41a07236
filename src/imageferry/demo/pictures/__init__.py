"""Pictures for the stand-in to serve: some that the program paints, or those of a folder on this machine."""
