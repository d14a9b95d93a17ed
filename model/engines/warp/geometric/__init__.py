"""Warping by a thin-plate spline that two encoders and a correlation find, as CP-VTON did first (arXiv 1807.07688)."""
