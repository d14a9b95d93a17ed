"""Measures of a result beside its truth, which training and evaluation share."""
