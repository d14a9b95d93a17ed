"""Data sets from one's own photos: annotated, judged, varied, and written in the layouts of the field."""
