"""Text as a language model takes it: a vocabulary, and batches of streams."""

from keras_enas.text.files import read_corpus, read_text
from keras_enas.text.streams import stream_batches
from keras_enas.text.vocabulary import Vocabulary, tokenize

__all__ = ["Vocabulary", "read_corpus", "read_text", "stream_batches", "tokenize"]
