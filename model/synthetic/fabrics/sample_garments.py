"""The demo's garments: every kind and every family of fabrics, in colours that can be told apart."""

from __future__ import annotations

from math import pi

from PIL import ImageColor

from model.synthetic.fabrics.cloth_colours import Colour
from model.synthetic.fabrics.fabrics import Fabric
from model.synthetic.fabrics.garments import Garment


def _rgb(name: str) -> Colour:
    red, green, blue, *_ = ImageColor.getrgb(name)
    return red / 255, green / 255, blue / 255


def _inks(ground: str, ink: str, third: str = "#ffffff") -> tuple[Colour, Colour, Colour]:
    return _rgb(ground), _rgb(ink), _rgb(third)


GARMENTS: dict[str, Garment] = {
    "stripes": Garment(
        "long_sleeve",
        Fabric("stripes", _inks("#f4efe6", "#24426b"), 0.09),
        _rgb("#24426b"),
        neck_width=0.09,
        sleeve=0.64,
        hem=-0.08,
        ribbed=True,
    ),
    "gingham": Garment(
        "tshirt",
        Fabric("gingham", _inks("#f7f4ee", "#2f7fb5"), 0.08),
        _rgb("#2f7fb5"),
        sleeve=0.32,
        hem=-0.10,
        placket=True,
    ),
    "sun": Garment(
        "tshirt",
        Fabric("motif", _inks("#fbeec8", "#e0582f", "#f6b53c"), 0.11, share=0.6, motif="disc", origin=(0.0, 0.25)),
        _rgb("#e0582f"),
        sleeve=0.33,
        hem=-0.06,
        ribbed=True,
    ),
    "dip dye": Garment(
        "tank_top",
        Fabric("gradient", _inks("#d6336c", "#fdf1e3"), 0.45, origin=(0.0, 0.12)),
        _rgb("#fdf1e3"),
        neck_depth=0.12,
        sleeve=0.14,
        hem=-0.06,
        looseness=0.010,
    ),
    "band": Garment(
        "tshirt",
        Fabric("band", _inks("#f3f1ec", "#c23b33", "#25324a"), 0.14, share=0.6, origin=(0.0, 0.26)),
        _rgb("#25324a"),
        sleeve=0.36,
        hem=-0.07,
        ribbed=True,
    ),
    "dotted skirt": Garment(
        "skirt",
        Fabric("dots", _inks("#c8322f", "#fbf3e6"), 0.085, share=0.5),
        _rgb("#c8322f"),
        hem=-0.36,
        flare=0.03,
    ),
    "tartan trousers": Garment(
        "trousers",
        Fabric("tartan", _inks("#a62b2b", "#1f3d36", "#f0d58a"), 0.14),
        _rgb("#1f3d36"),
        hem=-0.79,
        pockets=True,
    ),
    "denim shorts": Garment(
        "trousers",
        Fabric("plain", _inks("#4a74a8", "#4a74a8")),
        _rgb("#f2ead8"),
        hem=-0.34,
        looseness=0.018,
        pockets=True,
    ),
    "pinstripes": Garment(
        "trousers",
        Fabric("stripes", _inks("#1f2b45", "#f1ece0"), 0.07, angle=pi / 2, share=0.4),
        _rgb("#1f2b45"),
        hem=-0.78,
        flare=0.02,
        pockets=True,
    ),
    "flower dress": Garment(
        "dress",
        Fabric("scatter", _inks("#f7ecd9", "#d1495b"), 0.11, share=0.6, motif="flower", origin=(0.0, 0.15)),
        _rgb("#d1495b"),
        sleeve=0.30,
        hem=-0.42,
        flare=0.05,
    ),
    "sailor dress": Garment(
        "dress",
        Fabric("stripes", _inks("#fbfaf5", "#1f4e79"), 0.11),
        _rgb("#c23b33"),
        sleeve=0.34,
        hem=-0.36,
        flare=0.06,
        ribbed=True,
    ),
    "heart dress": Garment(
        "dress",
        Fabric("motif", _inks("#f6c445", "#c2265c", "#ffffff"), 0.11, share=0.45, motif="heart", origin=(0.0, 0.25)),
        _rgb("#c2265c"),
        neck_depth=0.11,
        v_neck=True,
        sleeve=0.14,
        hem=-0.48,
        flare=0.11,
        ribbed=True,
    ),
}
