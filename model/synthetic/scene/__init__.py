"""Where somebody stands, how the picture is taken and painted, and what is true of it."""
