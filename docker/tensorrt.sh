#!/bin/sh
# A TensorRT engine of the warping try-on's networks, for 1 to 16 rows: docker/tensorrt.sh warp.onnx warp.engine
# Needs trtexec (TensorRT 8.6 or later; grid_sample came with 8.5), and warp.onnx from `python -m model onnx warp.onnx`.
# Nobody has run this yet.
set -eu
rows() { echo "geometry:$1x38x64x48,person:$1x5x128x96,garment:$1x4x128x96"; }
exec trtexec --onnx="$1" --saveEngine="$2" --fp16 \
  --minShapes="$(rows 1)" --optShapes="$(rows 4)" --maxShapes="$(rows 16)"
