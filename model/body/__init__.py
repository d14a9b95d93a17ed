"""A parametric body of SMPL-X's form: shaped, posed, measured and moved."""
