"""A try-on with numpy, Pillow and onnxruntime alone, as a telephone would do it: no torch, nothing of this project.

    python -m model onnx warp.onnx --model-dir demo
    python docs/examples/warp_with_numpy.py warp.onnx person.png atr.png densepose.png mask.png garment.png result.png

atr.png and densepose.png are label maps of the person, numbers as published; mask.png is white where the garment may
go; garment.png is the garment alone, transparent around it. The result has the networks' own size, 96 x 128.
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image

WIDTH, HEIGHT, CELL = 96, 128, 2
GROUPS = ((2,), (11,), (4, 7, 17), (5, 6, 8), (14, 15), (12, 13), (1, 9, 10, 16))  # of ATR labels
OLD = {0: (4, 7, 17), 1: (5, 6, 7, 8), 2: (4, 5, 6, 7, 8, 17)}  # what an upper, lower or overall garment replaces


def cells(planes):
    """(C, H, W) as means over cells, (C, H / 2, W / 2)."""
    count, height, width = planes.shape
    return planes.reshape(count, height // CELL, CELL, width // CELL, CELL).mean((2, 4))


def box(area):
    """Middle and half extent, x and y each, of where most of an (H, W) area lies, in -1..1."""
    ends = []
    for axis in (0, 1):  # sums along the columns tell x, sums along the rows y
        share = np.cumsum(area.sum(axis)) / max(area.sum(), 1e-6)
        ends.append([(share < end).mean() * 2 - 1 for end in (0.02, 0.98)])
    low, high = np.array(ends).T
    return (low + high) / 2, np.maximum((high - low) / 2, 0.05)


def centres(count):
    return (np.arange(count) * 2 + 1) / count - 1


def prior(mask, alpha):
    """(2, H / 2, W / 2): the mask's box laid onto the garment's."""
    (middle, half), (flat_middle, flat_half) = box(mask), box(alpha)
    places = np.stack(np.meshgrid(centres(WIDTH // CELL), centres(HEIGHT // CELL)))
    moved = (places - middle[:, None, None]) / half[:, None, None] * flat_half[:, None, None]
    return (moved + flat_middle[:, None, None]).clip(-1.5, 1.5)


def what_networks_see(photo, atr, densepose, mask, hole, garment, alpha, place):
    """photo, garment: (3, H, W) in -1..1; labels, mask, hole and alpha: (H, W); place: 0 upper, 1 lower, 2 overall."""
    groups = np.stack([np.isin(atr, group) & (mask == 0) for group in GROUPS])
    parts = np.arange(25)[:, None, None] == densepose
    kind = np.zeros((3, HEIGHT // CELL, WIDTH // CELL))
    kind[place] = 1
    geometry = [cells(parts * 1.0), cells(groups * 1.0), cells(mask[None] * 1.0), prior(mask, alpha), kind]
    person = [photo * (1 - hole), hole[None], mask[None]]
    planes = np.concatenate(geometry), np.concatenate(person), np.concatenate([garment, alpha[None]])
    return {
        name: plane[None].astype(np.float32)
        for name, plane in zip(("geometry", "person", "garment"), planes, strict=True)
    }


def sampled(picture, x, y):
    """(C, h, w): what (C, H, W) shows at places in -1..1, (h, w) each; between pixels linearly."""
    height, width = picture.shape[1:]
    x, y = ((x + 1) * width / 2 - 0.5).clip(0, width - 1), ((y + 1) * height / 2 - 0.5).clip(0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = x - left, y - top
    upper = picture[:, top, left] * (1 - across) + picture[:, top, right] * across
    lower = picture[:, bottom, left] * (1 - across) + picture[:, bottom, right] * across
    return upper * (1 - down) + lower * down


def enlarged(planes, height=HEIGHT, width=WIDTH):
    x, y = np.meshgrid(centres(width), centres(height))
    return sampled(planes, x, y)


def composed(answer, photo, mask, hole, garment):
    """(3, H, W) in -1..1, from what the networks answered."""
    flow, logits, shade, painted = (answer[name][0] for name in ("flow", "logits", "shade", "painted"))
    region = mask / (1 + np.exp(-logits[0]))
    light = np.exp(enlarged(shade).clip(-1.5, 1.5))
    cloth = ((sampled(garment, *enlarged(flow)) + 1) * light - 1).clip(-1, 1)
    under = photo * (1 - hole) + painted * hole
    return region * cloth + (1 - region) * under


def dressed(networks, photo, atr, densepose, mask, garment, alpha, place=0):
    """The result and nothing else; see `what_networks_see`."""
    hole = (np.isin(atr, OLD[place]) & (mask > 0)) * 1.0
    seen = what_networks_see(photo, atr, densepose, mask, hole, garment, alpha, place)
    names = [output.name for output in networks.get_outputs()]
    answer = dict(zip(names, networks.run(names, seen), strict=True))
    return composed(answer, photo, mask, hole, garment)


def picture(file, mode="RGB", how=Image.Resampling.LANCZOS):
    return np.asarray(Image.open(file).convert(mode).resize((WIDTH, HEIGHT), how))


def main():
    networks = onnxruntime.InferenceSession(sys.argv[1])
    atr, densepose = (picture(file, "L", Image.Resampling.NEAREST) for file in sys.argv[3:5])
    flat = picture(sys.argv[6], "RGBA") / 255
    alpha = flat[..., 3]
    mean = (flat[..., :3] * alpha[..., None]).sum((0, 1)) / max(alpha.sum(), 1e-6)
    garment = flat[..., :3] * alpha[..., None] + mean * (1 - alpha[..., None])
    colours = [plane.transpose(2, 0, 1) * 2 - 1 for plane in (picture(sys.argv[2]) / 255, garment)]
    mask = (picture(sys.argv[5], "L") > 127) * 1.0
    result = dressed(networks, colours[0], atr, densepose, mask, colours[1], alpha)
    Image.fromarray(((result.transpose(1, 2, 0) + 1) * 127.5 + 0.5).clip(0, 255).astype(np.uint8)).save(sys.argv[7])


if __name__ == "__main__":
    main()
