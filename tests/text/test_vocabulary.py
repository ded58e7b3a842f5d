import pytest

from keras_enas.text import Vocabulary, tokenize

TEXT = "the cat saw the dog\nthe dog ran\n\n"


def test_words_and_the_ends_of_lines():
    assert tokenize("a b\nc\n") == ["a", "b", "<eos>", "c", "<eos>"]
    assert tokenize("a  b") == ["a", "b", "<eos>"]
    assert tokenize("ab\n", "character") == ["a", "b", "\n"]


def test_the_commonest_come_first():
    vocabulary = Vocabulary.of(TEXT)
    assert vocabulary.tokens == ("<eos>", "the", "dog", "cat", "ran", "saw")
    assert len(vocabulary) == 6 and "cat" in vocabulary and "cow" not in vocabulary
    numbers = vocabulary.encode(TEXT)
    assert numbers.dtype == "int32"
    assert numbers.tolist() == [1, 3, 5, 1, 2, 0, 1, 2, 4, 0, 0]
    assert vocabulary.decode(numbers).startswith("the cat saw the dog\nthe dog ran")


def test_rare_tokens_are_unknown():
    vocabulary = Vocabulary.of(TEXT, size=4)
    assert vocabulary.tokens == ("<eos>", "the", "dog", "<unk>")
    assert vocabulary.encode("the cow saw").tolist() == [1, 3, 3, 0]
    # Penn Treebank has the token itself.
    assert Vocabulary.of("<unk> <unk> <unk> a b c", size=3).tokens == ("<unk>", "<eos>", "a")
    assert "<unk>" not in Vocabulary.of(TEXT, size=6)


def test_characters():
    vocabulary = Vocabulary.of("abba\n", "character")
    assert vocabulary.tokens == ("a", "b", "\n")
    assert vocabulary.decode(vocabulary.encode("bab\n")) == "bab\n"


def test_it_is_read_back():
    vocabulary = Vocabulary.of("ä \u2028 b\n", "character")
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert Vocabulary.of(TEXT) != vocabulary


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: tokenize(3), "`text` must be a string"),
        (lambda: tokenize("a", "letter"), "`level` must be one of"),
        (lambda: Vocabulary(["a", "a"]), "`tokens`"),
        (lambda: Vocabulary(["a"]), "`tokens`"),
        (lambda: Vocabulary(["a", 3]), "`tokens` must be strings"),
        (lambda: Vocabulary(["a", "b"], "letter"), "`level`"),
        (lambda: Vocabulary.of(TEXT, size=1), "`size`"),
        (lambda: Vocabulary.of(""), "`tokens`"),
        (lambda: Vocabulary.of(TEXT).encode("the cow"), "'cow', which the vocabulary does not"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
