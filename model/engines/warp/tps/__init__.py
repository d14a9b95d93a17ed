"""A thin-plate spline, a segmentation that guides, and a try-on module: Vesaki's architecture."""
