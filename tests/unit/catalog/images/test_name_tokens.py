"""How names are sorted and searched."""

from imageferry.catalog.database.tables import NAME_KEY_LENGTH, WORD_LENGTH
from imageferry.catalog.images.name_tokens import WORDS_MAX, name_key, words


def test_words_are_letters_and_digits_whatever_the_case() -> None:
    assert words("IMG_2024-07 (Été).JPG") == ["img", "2024", "07", "été", "jpg"]


def test_a_letter_is_the_same_composed_and_decomposed() -> None:
    assert words("E\u0301te\u0301") == words("ÉTÉ") == ["été"]
    assert name_key("e\u0301") == name_key("É")


def test_words_are_bounded_in_number_and_length() -> None:
    many = words(" ".join(f"w{number}" for number in range(10_000)))
    assert len(many) == WORDS_MAX
    assert words("x" * 1000) == ["x" * WORD_LENGTH]
    assert words("…!") == []


def test_a_key_is_bounded_though_folding_makes_letters_more() -> None:
    assert name_key("ß" * 1000) == "s" * NAME_KEY_LENGTH
    assert name_key("a\0B") == "ab"
