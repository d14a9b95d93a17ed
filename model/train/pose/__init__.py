"""Training of a small network that finds somebody's joints, on people who do not exist."""
