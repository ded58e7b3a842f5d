"""What the README prints runs as it is printed."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)

# Searches the README's own space for one round, and builds it with a stock tuner's hp.
USE_OWN_SPACE = """
import numpy as np

x, y = np.random.rand(96, 64).astype("float32"), np.arange(96) % 10
small = {"max_trials": 1, "seed": 0}
tuner = keras_enas.ENASTuner(HyperMLP(), controller_updates=1, final_samples=2, **small)
tuner.search(x[:64], y[:64], validation_data=(x[64:], y[64:]))
stock = keras_tuner.RandomSearch(HyperMLP(), "val_accuracy", directory="stock", **small)
stock.search(x[:64], y[:64], validation_data=(x[64:], y[64:]), verbose=0)
print(len(tuner.get_best_architectures()), len(stock.get_best_hyperparameters()))
"""


def test_the_example_runs_as_printed(run_python, tmp_path):
    printed = run_python("-c", BLOCKS[0], folder=tmp_path, timeout=600)
    assert "Trained from scratch under one recipe" in printed
    assert re.search(r"^\d is a \d$", printed, re.MULTILINE)
    folders = [path.parent for path in tmp_path.rglob("results.json")]
    assert len(folders) == 1
    table = README.partition("| file | what |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `([^`]+)`(?:, `([^`]+)`)? \|", table, re.MULTILINE)
    assert len(listed) == 5
    for name in [name for names in listed for name in names if name]:
        assert (folders[0] / name).exists(), f"The README lists {name}"


def test_the_example_has_15_lines():
    lines = [line for line in BLOCKS[0].splitlines() if line.strip()]
    assert len(lines) <= 15


def test_a_space_of_your_own_is_searched_by_both_kinds_of_tuner(run_python, tmp_path):
    assert len(BLOCKS) == 2
    script = BLOCKS[1] + USE_OWN_SPACE
    assert "1 1" in run_python("-c", script, folder=tmp_path, timeout=600)


@pytest.mark.slow
def test_the_search_that_minds_the_cost_runs_as_printed(run_python, tmp_path):
    text = (ROOT / "docs" / "resource-aware-search.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    printed = run_python("-c", "\n".join(blocks), folder=tmp_path, timeout=600)
    assert "Not beaten in both" in printed
    cost = int(re.search(r" has (\d+) parameters$", printed, re.MULTILINE)[1])
    assert abs(cost / 9000 - 1) <= 0.05
    assert list(tmp_path.rglob("front.png"))


def test_the_two_commands_are_there():
    for command in (
        'python -m pip install ".[examples]" && python examples/quickstart.py',
        'python -m pip install ".[test]" && python -m pytest',
    ):
        assert f"```bash\n{command}\n```" in README


def anchors_of(document):
    """The anchors that a reader of Markdown, such as GitHub, gives the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one).lower().replace(" ", "-") for one in headings}


def test_every_place_that_the_documents_name_exists():
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "benchmarks" / "README.md"]
    assert len(documents) > 6
    for document in documents:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            path, _, anchor = target.partition("#")
            there = document.parent / path if path else document
            assert there.exists(), f"{document.name} links to {target}"
            if anchor:
                assert anchor in anchors_of(there), f"{document.name} links to {target}"
