"""DensePose R-CNN (Güler et al., 2018) with a ResNet-50 and a feature pyramid, in plain torch."""
