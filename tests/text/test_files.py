import gzip
import lzma

import pytest

from keras_enas.text import read_corpus, read_text


def test_plain_and_packed_files(tmp_path):
    text = "ein Bär\n"
    (tmp_path / "a.train.txt").write_text(text, encoding="utf-8")
    (tmp_path / "a.valid.txt.gz").write_bytes(gzip.compress(text.encode() * 2))
    (tmp_path / "a.test.txt.xz").write_bytes(lzma.compress(text.encode() * 3))
    (tmp_path / "README.md").write_text("test")
    assert read_corpus(tmp_path) == (text, text * 2, text * 3)


def test_a_missing_or_a_second_part_is_named(tmp_path):
    for name in ("train.txt", "valid.txt"):
        (tmp_path / name).write_text("a")
    with pytest.raises(ValueError, match="'test' in its name.*Found: \\[\\]"):
        read_corpus(tmp_path)
    for name in ("test.txt", "other.test.txt"):
        (tmp_path / name).write_text("a")
    with pytest.raises(ValueError, match="Found: \\['other.test.txt', 'test.txt'\\]"):
        read_corpus(tmp_path)


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_text(tmp_path / "none.txt")
    for name, content in (("a.txt", b"\xff\xfe\x00"), ("b.txt.xz", b"no"), ("c.txt.gz", b"no")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read_text(tmp_path / name)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(ValueError, match="is empty"):
        read_text(tmp_path / "empty.txt")
