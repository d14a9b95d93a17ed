"""Networks that look at photos: what is where in them."""
