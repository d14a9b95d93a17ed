"""People and garments that do not exist: their pictures, and everything that is true about them."""
