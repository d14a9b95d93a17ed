"""Who somebody is: shape, looks, pose, clothes."""
