"""The floors of the house: who may import whom."""

import ast
import pathlib

import pytest

import keras_enas

PACKAGE = pathlib.Path(keras_enas.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Room: the rooms that it may import besides itself. A room that is not here may not exist.
FLOORS = {
    "search_space": set(),
    "layers": {"search_space"},
    "choices": {"search_space"},
    "cost": {"layers"},
    "curves": {"plotting"},
    "rewards": {"search_space"},
    "linear_probe": {"supergraph"},
    "metrics": set(),
    "optimizers": set(),
    "text": set(),
    "plotting": {"search_space"},
    "published": set(),
    "hypermodels": {"choices", "layers", "metrics", "optimizers", "published", "search_space"},
    "supergraph": {"search_space", "layers"},
    "controllers": {"search_space"},
    "oracles": {"controllers", "search_space"},
    "training": {"search_space", "layers"},
    "training_free": {"cost", "search_space", "supergraph"},
    "tuner": {
        "choices",
        "controllers",
        "cost",
        "hypermodels",
        "layers",
        "oracles",
        "plotting",
        "rewards",
        "search_space",
        "supergraph",
        "training",
        "training_free",
    },
}

# Parts of libraries that are no public interface: (module, what it touches), and why.
PRIVATE = {}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """Yields the dotted name of everything that a module imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room."
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def names_used(path):
    """Yields every dotted name in a module, such as `keras.src.backend`."""
    for node in ast.walk(ast.parse(path.read_text())):
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and parts:
            yield ".".join([node.id, *reversed(parts)])


def test_every_room_is_on_a_floor():
    rooms = {room_of(path) for path in MODULES} - {"__init__"}
    assert rooms <= set(FLOORS), "Give the new room its floor above."


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_import_only_lower_floors(path):
    room = room_of(path)
    if room == "__init__":
        return
    for name in imported(path):
        parts = name.split(".")
        assert parts[0] not in ("examples", "benchmarks", "tests"), name
        if parts[0] == "keras_enas":
            assert len(parts) > 1, f"{path}: import from the room, not from the package."
            other = parts[1]
            if (PACKAGE / other).exists() or (PACKAGE / f"{other}.py").exists():
                assert other == room or other in FLOORS[room], f"{room} imports {other}"
            else:
                assert name == "keras_enas.__version__", f"{room} imports {name}"


def test_floors_have_no_circles():
    done = set()
    while len(done) < len(FLOORS):
        ready = {room for room in FLOORS if FLOORS[room] <= done} - done
        assert ready, f"a circle among {set(FLOORS) - done}"
        done |= ready
    assert "supergraph" not in FLOORS["oracles"] and "oracles" not in FLOORS["supergraph"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_private_parts_of_libraries_are_left_alone(path):
    for name in [*imported(path), *names_used(path)]:
        parts = name.split(".")
        private = parts[0] in ("keras", "keras_tuner") and "src" in parts
        private |= parts[:2] == ["tensorflow", "python"]
        assert not private or (room_of(path), name) in PRIVATE, name


@pytest.mark.parametrize(
    "path", [*sorted((PACKAGE / "search_space").glob("*.py")), PACKAGE / "published.py"], ids=str
)
def test_the_plain_data_knows_no_framework(path):
    # keras_tuner only inside `to_hyperparameters`, which returns its object.
    allowed = {"dataclasses", "functools", "json", "math", "numpy", "keras_tuner", "keras_enas"}
    assert {name.split(".")[0] for name in imported(path)} <= allowed
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            assert "keras_tuner" not in ast.unparse(node)
