"""How names are sorted and searched."""

from imageferry.catalog.database.tables import NAME_KEY_LENGTH, WORD_LENGTH
from imageferry.catalog.images.name_tokens import WORDS_MAX, name_key, tokenize


def test_words_are_letters_and_digits_in_lower_case() -> None:
    assert tokenize("IMG_2024-07 (Été).JPG") == ["img", "2024", "07", "été", "jpg"]


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert tokenize("E\u0301te\u0301") == tokenize("ÉTÉ") == ["été"]
    assert name_key("e\u0301") == name_key("É")


def test_words_are_bounded_in_number_and_length() -> None:
    many = tokenize(" ".join(f"w{number}" for number in range(10_000)))
    assert len(many) == WORDS_MAX
    assert tokenize("x" * 1000) == ["x" * WORD_LENGTH]
    assert tokenize("…!") == []


def test_a_key_is_bounded_even_where_case_folding_adds_letters() -> None:
    assert name_key("ß" * 1000) == "s" * NAME_KEY_LENGTH
    assert name_key("a\0B") == "ab"
