"""Texts from files."""

import gzip
import lzma
import pathlib

PARTS = ("train", "valid", "test")
_OPENERS = {".gz": gzip.open, ".xz": lzma.open}


def read_text(path):
    """Reads a text file, UTF-8, which may be compressed (`.gz`, `.xz`).

    Args:
        path: String or path.

    Returns:
        String.

    Raises:
        ValueError: If it is not there, empty or no text.
    """
    path = pathlib.Path(path)
    try:
        with _OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError, EOFError, lzma.LZMAError) as error:
        raise ValueError(f"`path`: '{path}' cannot be read as UTF-8 text ({error}).") from error
    if not text:
        raise ValueError(f"`path`: '{path}' is empty.")
    return text


def read_corpus(folder):
    """Reads the three parts of a corpus, such as Penn Treebank's `ptb.train.txt`.

    Args:
        folder: String or path. It holds one file for each part, with `train`,
            `valid` and `test` in its name, ending in `.txt`, `.txt.gz` or `.txt.xz`.

    Returns:
        Tuple of the three texts: training, validation, test.

    Raises:
        ValueError: If a part is missing or not unique.
    """
    folder = pathlib.Path(folder)
    files = [x for x in sorted(folder.glob("*")) if ".txt" in x.suffixes]
    texts = []
    for part in PARTS:
        found = [x for x in files if part in x.name]
        if len(found) != 1:
            raise ValueError(
                f"`folder`: '{folder}' must hold one text file with '{part}' in its name, such as "
                f"ptb.{part}.txt or ptb.{part}.txt.xz. Found: {[x.name for x in found]}."
            )
        texts.append(read_text(found[0]))
    return tuple(texts)
