"""The avatar by geometry first: which point of the body's or clothes' template each pixel of a photo shows."""
