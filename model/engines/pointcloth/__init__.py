"""Point-based clothing (Zakharkin et al. 2021): eight numbers are an outfit, points around a body its shape."""
