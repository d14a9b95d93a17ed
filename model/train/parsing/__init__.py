"""Training of small networks that label people, on people who do not exist, into files that find masks."""
