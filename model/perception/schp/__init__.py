"""The parsing network of "Self-Correction for Human Parsing", Li et al., 2020."""
