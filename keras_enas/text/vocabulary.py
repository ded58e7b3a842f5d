"""From text to integers and back."""

import collections
import json

import numpy as np

END, UNKNOWN = "<eos>", "<unk>"
LEVELS = ("word", "character")


def tokenize(text, level="word"):
    """Cuts a text into tokens.

    Args:
        text: String.
        level: `"word"`: what white space separates, and `<eos>` at the end of
            every line, as in Penn Treebank's usual preparation (punctuation is
            expected to stand apart). `"character"`: every character.

    Returns:
        List of strings.

    Raises:
        ValueError: If `text` is not a string, or there is no such level.
    """
    if not isinstance(text, str):
        raise ValueError(f"`text` must be a string. Received: {type(text)}.")
    if level not in LEVELS:
        raise ValueError(f"`level` must be one of {LEVELS}. Received: level={level!r}.")
    if level == "character":
        return list(text)
    tokens = []
    for line in text.splitlines():
        tokens += [*line.split(), END]
    return tokens


class Vocabulary:
    """The tokens that a model knows, each with its number.

    Args:
        tokens: Iterable of strings, each once; the number of a token is its place.
        level: `"word"` or `"character"`, how `encode` cuts a text.

    Raises:
        ValueError: If there are fewer than two tokens, one comes twice or is no
            string, or there is no such level.
    """

    def __init__(self, tokens, level="word"):
        self.tokens = tuple(tokens)
        self.level = level
        if level not in LEVELS:
            raise ValueError(f"`level` must be one of {LEVELS}. Received: level={level!r}.")
        if not all(isinstance(token, str) for token in self.tokens):
            raise ValueError("`tokens` must be strings.")
        self._numbers = {token: number for number, token in enumerate(self.tokens)}
        if len(self.tokens) < 2 or len(self._numbers) < len(self.tokens):
            raise ValueError(
                "`tokens` must be at least two, each once. "
                f"Received {len(self.tokens)}, {len(self._numbers)} of them different."
            )

    @classmethod
    def of(cls, text, level="word", size=None):
        """Takes the tokens of a text, the commonest first.

        Args:
            text: String, the training text.
            level: As in `tokenize`.
            size: Optional integer, at most so many tokens. The rarer ones will be
                read as `<unk>`, which then is one of them.

        Returns:
            A `Vocabulary`.
        """
        if size is not None and (not isinstance(size, int) or size < 2):
            raise ValueError(f"`size` must be an integer of at least 2. Received: size={size!r}.")
        counts = collections.Counter(tokenize(text, level))
        # Of equally common ones the first in the alphabet: the same order in every process.
        tokens = sorted(counts, key=lambda token: (-counts[token], token))
        if size is not None and len(tokens) > size:
            kept = tokens[:size]
            tokens = kept if UNKNOWN in kept else [*kept[:-1], UNKNOWN]
        return cls(tokens, level)

    def __len__(self):
        return len(self.tokens)

    def __contains__(self, token):
        return token in self._numbers

    def __eq__(self, other):
        return isinstance(other, Vocabulary) and (self.tokens, self.level) == (
            other.tokens,
            other.level,
        )

    def __hash__(self):
        return hash((self.tokens, self.level))

    def encode(self, text):
        """Returns the numbers of a text's tokens, an int32 array `(tokens,)`.

        Args:
            text: String, or a list of tokens.

        Raises:
            ValueError: If a token is unknown and the vocabulary has no `<unk>`.
        """
        tokens = tokenize(text, self.level) if isinstance(text, str) else list(text)
        unknown = self._numbers.get(UNKNOWN)
        numbers = [self._numbers.get(token, unknown) for token in tokens]
        if None in numbers:
            raise ValueError(
                f"`text` has the token {tokens[numbers.index(None)]!r}, which the vocabulary "
                f"does not know, and it has no {UNKNOWN!r}. Make it of a text that has all tokens, "
                "or with a `size`."
            )
        return np.array(numbers, np.int32)

    def decode(self, numbers):
        """Returns the text of some numbers; words stand apart, `<eos>` ends a line."""
        tokens = [self.tokens[int(number)] for number in numbers]
        if self.level == "character":
            return "".join(tokens)
        return " ".join("\n" if token == END else token for token in tokens).replace(" \n ", "\n")

    def to_json(self):
        """Returns a JSON string, to stand beside an exported model."""
        return json.dumps({"level": self.level, "tokens": self.tokens}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text):
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))
