"""Training of the warping try-on's variant `tps`, in three stages."""
