"""Garments' cuts, dressing a body, poses, and the buffers that say what is seen of it. Geometry only, no colours."""
