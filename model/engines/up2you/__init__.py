"""UP2You (arXiv 2509.24817): loose photos become six views of a person in A pose, and these a 3D avatar."""
