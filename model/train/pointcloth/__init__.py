"""Training of the draping network, and of a code for each outfit (GLO, Bojanowski et al. 2018)."""
