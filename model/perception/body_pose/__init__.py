"""The body network of "Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields", Cao et al., 2017."""
