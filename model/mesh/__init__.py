"""Triangle meshes: drawn, remeshed, unwrapped, painted, and written as files."""
