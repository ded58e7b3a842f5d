"""The examples: their parts here, whole runs in `pytest -m slow`."""

import argparse
import pathlib
import re
import sys

import keras
import numpy as np
import pytest

from keras_enas.supergraph import Supergraph, inherit

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture
def load(load_file, monkeypatch):
    """Returns a function that loads an example by its name."""
    # As where an example is started: it finds its neighbours.
    monkeypatch.syspath_prepend(EXAMPLES)
    return lambda name: load_file(f"examples/{name}.py")


@pytest.fixture
def run(run_python, tmp_path):
    """Returns a function that runs an example in the folder of the test."""
    return lambda name, *arguments: run_python(
        EXAMPLES / f"{name}.py", *arguments, folder=tmp_path, timeout=900
    )


@pytest.fixture
def cifar10_in_a_folder(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for part, size in (("train", 120), ("test", 40)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)
        arrays[f"y_{part}"] = (np.arange(size, dtype=np.uint8) % 10)[:, None]
    folder = tmp_path / "data"
    folder.mkdir()
    np.savez(folder / "cifar10.npz", **arrays)
    return folder


def test_quickstart_keeps_the_three_parts_apart(load):
    parts = load("quickstart").digits()
    assert [len(x) for x, _ in parts] == [1000, 400, 397]
    assert all(x.shape[1:] == (8, 8, 1) and x.max() <= 1 and len(x) == len(y) for x, y in parts)
    images = [x.reshape(len(x), -1) for x, _ in parts]
    assert len(np.unique(np.concatenate(images), axis=0)) == 1797
    # Every part holds every class in about the same share.
    for _, y in parts:
        assert np.bincount(y, minlength=10).min() > 0.08 * len(y)


def test_cifar10_reads_an_archive(load, cifar10_in_a_folder):
    module = load("cifar10_macro")
    data = module.load(cifar10_in_a_folder)
    training, validation, test = module.prepare(*data, images=100, shrink=2)
    assert [len(x) for x, _ in (training, validation, test)] == [90, 10, 40]
    assert training[0].shape[1:] == (16, 16, 3) and training[0].dtype == np.float32
    np.testing.assert_allclose(training[0].mean(axis=(0, 1, 2)), 0.0, atol=1e-4)
    np.testing.assert_allclose(training[0].std(axis=(0, 1, 2)), 1.0, atol=1e-4)
    mean_of_four = data[0][0, :2, :2, 0].mean() / 255.0
    pixels = data[0][:90].reshape(90, 16, 2, 16, 2, 3).mean(axis=(2, 4)) / 255.0
    expected = (mean_of_four - pixels[..., 0].mean()) / pixels[..., 0].std()
    assert training[0][0, 0, 0, 0] == pytest.approx(expected, abs=1e-4)


def test_cifar10_reads_a_folder_with_real_data(load, tmp_path, monkeypatch):
    (tmp_path / "real_data.py").write_text(
        "import numpy as np\n"
        "def load_cifar10():\n"
        "    x, y = np.zeros((2, 32, 32, 3), np.uint8), np.zeros((2, 1), np.uint8)\n"
        "    return (x, y), (x[:1], y[:1])\n"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    x, _, _, y_test = load("cifar10_macro").load(tmp_path)
    assert len(x) == 2 and len(y_test) == 1
    sys.modules.pop("real_data", None)


def test_cifar10_says_what_the_folder_lacks(load, tmp_path):
    with pytest.raises(SystemExit, match=r"\.npz"):
        load("cifar10_macro").load(tmp_path)


def test_cifar10_has_the_settings_of_the_paper(load):
    paper = load("cifar10_macro").PAPER
    assert (paper["num_layers"], paper["filters"], paper["rounds"]) == (12, 36, 310)
    # 310 epochs end a cosine cycle: 10 + 20 + 40 + 80 + 160.
    assert sum(paper["first_cycle"] * 2**i for i in range(5)) == paper["rounds"]
    controller = paper["controller"]
    assert controller["controller_updates"] * controller["samples_per_update"] == 1000


def test_cifar10_micro_has_the_settings_of_the_released_code(load):
    paper = load("cifar10_micro").PAPER
    assert (paper["num_layers"], paper["filters"], paper["num_blocks"]) == (6, 20, 5)
    assert (paper["child_layers"], paper["child_filters"], paper["recipe"]) == (15, 36, "micro")
    # 150 epochs end a cosine cycle: 10 + 20 + 40 + 80.
    assert sum(paper["first_cycle"] * 2**i for i in range(4)) == paper["rounds"]
    controller = paper["controller"]
    assert controller["controller_updates"] * controller["samples_per_update"] == 300


@pytest.mark.parametrize("name, space", [("cifar10_macro", "macro"), ("cifar10_micro", "micro")])
def test_cifar10_settings_may_be_overridden(load, name, space):
    module = load(name)
    parser = argparse.ArgumentParser()
    module.add_options(parser, [space, f"{space}_small"])
    settings = module.overridden(module.SMALL, parser.parse_args([]))
    assert settings == module.SMALL
    given = ["--filters", "7", "--epochs", "3", "--recipe", space, "--children", "1"]
    settings = module.overridden(module.PAPER, parser.parse_args(given))
    assert settings["child_filters"] == 7 and settings["published"] == {"filters": 7}
    assert module.PAPER["published"] == {}
    recipe = module.recipe_of(settings)
    assert (recipe.name, recipe.epochs, settings["children"]) == (space, 3, 1)


def test_letters_are_in_fonts_of_their_own(load):
    module = load("transfer")
    names = [name for part in module.FONTS.values() for name in part]
    assert len(set(names)) == len(names)
    parts = module.letters(copies=2)
    sizes = [len(part) for part in module.FONTS.values()]
    assert [x.shape for x, _ in parts] == [(26 * 2 * n, 16, 16, 1) for n in sizes]
    for x, y in parts:
        assert x.dtype == np.float32 and x.min() >= 0 and x.max() <= 1
        # Something is drawn in every image, and nothing but a little of it is cut off.
        assert x.sum(axis=(1, 2, 3)).min() > 4 and x[:, 0].max(axis=(1, 2)).mean() < 0.05
        assert (np.bincount(y, minlength=26) == len(y) / 26).all()
    again = module.letters(copies=2)
    assert all((a == b).all() for (a, _), (b, _) in zip(parts, again, strict=True))
    # Turned and moved: no two copies are alike.
    assert len(np.unique(parts[0][0].reshape(len(parts[0][0]), -1), axis=0)) == len(parts[0][0])


def test_transfer_reads_a_folder(load, cifar10_in_a_folder, tmp_path):
    module = load("transfer")
    parts = module.from_folder(cifar10_in_a_folder, "cifar10", images=100, shrink=2)
    assert [x.shape for x, _ in parts] == [(n, 16, 16, 3) for n in (90, 10, 40)]
    parts = module.standardised(parts)
    np.testing.assert_allclose(parts[0][0].mean(axis=(0, 1, 2)), 0.0, atol=1e-4)
    grey = np.zeros((20, 28, 28), np.uint8)
    folder = tmp_path / "grey"
    folder.mkdir()
    np.savez(
        folder / "a.npz", x_train=grey, y_train=grey[:, 0, 0], x_test=grey, y_test=grey[:, 0, 0]
    )
    assert module.from_folder(folder, "", 20, 2)[0][0].shape == (18, 14, 14, 1)
    with pytest.raises(SystemExit, match=r"\.npz"):
        module.from_folder(tmp_path, "cifar10", 100, 2)


def test_shifted_images_keep_their_size_and_labels(load):
    module = load("cifar10_macro")
    x = np.random.default_rng(0).normal(size=(130, 16, 16, 3)).astype("float32")
    y = np.arange(130, dtype=np.int32)
    dataset = module.shifted_and_flipped(x, y, seed=0)
    assert len(dataset) == 2
    batches = list(dataset.as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [128, 2]
    assert batches[0][0].shape == (128, 16, 16, 3)
    assert sorted(np.concatenate([labels for _, labels in batches])) == list(range(130))


def test_the_language_models_text_is_in_three_parts(load):
    parts = load("language_model").python_topics()
    sizes = [len(part.split()) for part in parts]
    assert 0.75 < sizes[0] / sum(sizes) < 0.85 and min(sizes) > 5000
    # The commonest words are the same in all parts, and whole stretches are not.
    assert all(part.count("the ") > 200 for part in parts)
    stretches = [set(part[i : i + 400] for i in range(0, len(part), 40)) for part in parts]
    assert not stretches[1] & stretches[2]


def test_the_language_model_has_the_settings_of_the_paper(load):
    paper = load("language_model").PAPER
    assert paper["model"]["num_nodes"] == 12
    assert (paper["streams"], paper["steps"], paper["rounds"]) == (64, 35, 150)
    assert paper["learning_rate"] == 20.0
    assert (paper["model"]["units"], paper["model"]["child_units"]) == (720, 748)
    search = paper["search"]
    assert search["controller_updates"] * search["samples_per_update"] == 2000


def test_a_unigram_models_perplexity(load):
    perplexity = load("language_model").unigram_perplexity
    text = np.array([0, 1, 2, 3] * 1000)
    assert perplexity(text, text, 4) == pytest.approx(4.0, rel=1e-3)


def test_cells_of_ones_own_have_weights_for_each_input(load):
    hypermodel = load("custom_cells").HyperCells(num_cells=1, filters=4)
    supergraph = Supergraph(hypermodel, seed=0)
    x = load("quickstart").digits()[1][0][:8]
    kernels = []
    for text in ("1 max3 | 0 sep3 | 2 identity", "1 max3 | 1 sep3 | 2 identity"):
        architecture = supergraph.space.parse(text)
        child = hypermodel.build(architecture.to_hyperparameters())
        inherit(supergraph.network, child, architecture)
        expected = supergraph(x, architecture=architecture.indices, training=False)
        np.testing.assert_allclose(child(x, training=False), expected, rtol=1e-5, atol=1e-5)
        layers = child._flatten_layers()
        layers = [one for one in layers if isinstance(one, keras.layers.SeparableConv2D)]
        assert len(layers) == 1
        kernels.append(np.array(layers[0].pointwise_kernel))
    assert (kernels[0] != kernels[1]).all()
    # One architecture for all cells.
    larger = Supergraph(load("custom_cells").HyperCells(num_cells=2, filters=4), seed=0)
    assert larger.space == supergraph.space and len(larger.space) == 6


@pytest.mark.slow
def test_quickstart_in_its_shortest_setting(run, tmp_path):
    printed = run("quickstart", "--rounds", "2", "--children", "1", "--output", "out")
    assert "left" in printed and "Trained from scratch under one recipe" in printed
    for name in ("Drawing", "SavedModel"):
        path = re.search(rf"^{name}: (.+)$", printed, re.MULTILINE).group(1)
        assert (tmp_path / path).exists()
    assert "Loaded again, it reads the first test image as" in printed


@pytest.mark.slow
def test_cifar10_small_runs(run, tmp_path, cifar10_in_a_folder):
    arguments = ["--small", "--data", str(cifar10_in_a_folder), "--rounds", "3", "--epochs", "1"]
    printed = run("cifar10_macro", *arguments, "--children", "1")
    assert "Round 3/3" in printed
    assert next(tmp_path.rglob("best_architecture.png")).stat().st_size > 1000


@pytest.mark.slow
def test_cifar10_micro_small_runs(run, tmp_path, cifar10_in_a_folder):
    arguments = ["--small", "--data", str(cifar10_in_a_folder), "--rounds", "2", "--epochs", "1"]
    printed = run("cifar10_micro", *arguments, "--children", "1")
    assert "Round 2/2" in printed and "Trained from scratch under one recipe" in printed
    assert next(tmp_path.rglob("best_architecture.png")).stat().st_size > 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, architecture", [("cifar10_macro", "ENAS_MACRO"), ("cifar10_micro", "DARTS")]
)
def test_published_networks_are_trained(run, tmp_path, cifar10_in_a_folder, name, architecture):
    arguments = ["--small", "--data", str(cifar10_in_a_folder), "--published", architecture]
    printed = run(name, *arguments, "--epochs", "1", "--filters", "2")
    assert re.search(r"^Test error: \d+\.\d+ %", printed, re.MULTILINE)
    path = re.search(r"^SavedModel: (.+)$", printed, re.MULTILINE).group(1)
    assert (tmp_path / path).exists()


@pytest.mark.slow
def test_transfer_runs(run, tmp_path):
    printed = run("transfer", "--small", "--rounds", "2", "--epochs", "1", "--children", "1")
    assert "Test accuracy of 1 derived ones" in printed and "of 1 random ones" in printed
    path = re.search(r"^SavedModel: (.+)$", printed, re.MULTILINE).group(1)
    assert (tmp_path / path).exists()


@pytest.mark.slow
def test_custom_space_runs(run):
    assert "Best when trained:" in run("custom_space")


@pytest.mark.slow
def test_custom_cells_in_their_shortest_setting(run, tmp_path):
    printed = run("custom_cells", "--rounds", "2", "--children", "1", "--output", "out")
    assert "Round 2/2" in printed and "Trained from scratch under one recipe" in printed
    for name in ("Drawing", "SavedModel"):
        path = re.search(rf"^{name}: (.+)$", printed, re.MULTILINE).group(1)
        assert (tmp_path / path).exists()
    assert "Loaded again, it reads the first test image as" in printed


@pytest.fixture
def corpus(tmp_path):
    """A folder that has one with three texts of few words."""
    folder = tmp_path / "corpus" / "ptb"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, size in (("train", 12_000), ("valid", 6_000), ("test", 3_000)):
        words = rng.choice(["the", "cat", "saw", "a", "dog", "<unk>"], size)
        lines = [" ".join(words[i : i + 10]) for i in range(0, size, 10)]
        (folder / f"some.{part}.txt").write_text("\n".join(lines))
    return folder.parent


def check_text(printed):
    written = printed.split("It writes:\n")[1].rpartition("Done")[0]
    assert written.startswith("the ") and "<unk>" not in written
    assert len(written.split()) > 40


@pytest.mark.slow
def test_language_model_small_runs(run, tmp_path, corpus):
    arguments = ["--small", "--data", corpus, "--rounds", "3", "--epochs", "1", "--children", "1"]
    printed = run("language_model", *arguments)
    assert "Round 3/3" in printed and "Trained from scratch under one recipe" in printed
    check_text(printed)
    assert next(tmp_path.rglob("best_architecture.png")).stat().st_size > 1000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ENAS_RECURRENT", "DARTS_RECURRENT"])
def test_published_cells_are_trained(run, corpus, name):
    arguments = ["--small", "--data", corpus, "--published", name, "--epochs", "1"]
    printed = run("language_model", *arguments)
    # Six words and the end of a line, nothing to learn but how often each comes.
    perplexity = float(re.search(r"^Test perplexity: (\d+\.\d+)", printed, re.MULTILINE).group(1))
    assert 5 < perplexity < 20
    check_text(printed)
