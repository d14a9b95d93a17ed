"""Training of the small networks that label people, on people who do not exist, into files that masks are found with."""
