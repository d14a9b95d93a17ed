"""The command-line client of an Atelier container, one file a command. Imports no torch but for `demo`."""
