"""Training of the warping try-on."""
