"""A thin-plate spline, a segmentation of the person in the new garment, and a try-on module: Vesaki's architecture."""
