"""The name of a garment's file tells its category and its slug."""

from __future__ import annotations

import pytest

from serve.garment_names import category_of, slugs_of


@pytest.mark.parametrize(
    ("stem", "category"),
    [
        ("blue-dress", "overall"),
        ("vestido_rojo", "overall"),
        ("JUMPSUITS", "overall"),
        ("jeans", "lower"),
        ("Trousers 02", "lower"),
        ("pantalón", "lower"),
        ("denim_short", "lower"),
        ("BlackShorts", "lower"),
        ("camisas", "upper"),
        ("hoodie", "upper"),
        ("redsweater", "upper"),
        ("myskirt", "lower"),
        ("IMG_0042", "upper"),
        ("", "upper"),
    ],
)
def test_the_words_of_an_earlier_rule_are_known(stem: str, category: str) -> None:
    assert category_of(stem) == category


@pytest.mark.parametrize(
    ("stem", "category"),
    [
        ("short_sleeve_shirt", "upper"),
        ("denim_jeans_jacket", "upper"),
        ("monochrome_top", "upper"),
        ("dress_shirt", "upper"),
        ("shirt-dress", "overall"),
        ("skirt short", "lower"),
    ],
)
def test_whole_words_come_first_and_of_these_the_last(stem: str, category: str) -> None:
    assert category_of(stem) == category


def test_without_a_whole_word_the_earlier_rule_keeps_its_traps() -> None:
    assert category_of("monochrome") == "overall"
    assert category_of("desktop") == "upper"


def test_slugs_are_the_names_in_small_letters() -> None:
    names = ["Short Sleeve_Shirt.JPG", "pantalón (2).png", "a.webp"]
    assert list(slugs_of(names).values()) == ["short-sleeve-shirt", "pantalon-2", "a"]


def test_a_file_that_is_added_never_takes_anothers_slug() -> None:
    one, both = slugs_of(["shirt.jpg"]), slugs_of(["shirt.jpg", "shirt.png"])
    assert one == {"shirt.jpg": "shirt"}
    assert "shirt" not in both.values()
    assert len(set(both.values())) == 2
    assert slugs_of(["shirt.png", "Shirt!.png", "shirt.jpg"])["shirt.jpg"] == both["shirt.jpg"]


def test_what_has_no_letters_has_a_slug_all_the_same() -> None:
    (slug,) = slugs_of(["套装.png"]).values()
    assert slug.startswith("garment-")
