"""A drawing of an architecture."""

import dataclasses

from keras_enas.search_space import Architecture

# In inches.
ROW, WIDTH, HEIGHT, RAIL = 0.5, 1.9, 0.34, 0.14
# Okabe and Ito's colours, lightened: dark text stays legible on all of them.
COLOURS = (
    "#8fc7ee",
    "#f6c76a",
    "#7fd0b2",
    "#f0a07a",
    "#d9a6c8",
    "#f2ec8a",
    "#a9b8d9",
    "#c9c1a6",
    "#b5dd8c",
    "#e3b7b0",
)
PLAIN = "#e6e6e6"


@dataclasses.dataclass
class _Node:
    """A box: a block of the space, or a tensor that stands before the first block."""

    name: str
    labels: tuple = ()
    sources: tuple = ()
    has_input: bool = False
    earliest: int | None = None


def plot_architecture(architecture, path=None):
    """Draws an architecture as a chain of blocks with its chosen skips and inputs.

    A box is a block of the space (`SearchSpace.blocks`), coloured by its
    operation. A straight arrow leads to a block that takes its predecessor. On
    the right, a line leaves every box that is skipped from or chosen as an
    input, and has a dot in the row of each block that takes it. Blocks below
    one outer name scope (a cell) form a column of their own.

    A space knows how many candidates an input or a skip vector has, not which
    tensors they are. They are taken for the last boxes so far, the earliest
    first; for skips of a block that chooses no input, for the last ones before
    its predecessor. So it is in the spaces of this package and wherever
    `build(hp)` offers all earlier outputs, or the last few.

    Args:
        architecture: An `Architecture`.
        path: Optional string, the file to write; its ending (`.png`, `.svg`,
            `.pdf`) says the format.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `architecture` is not an `Architecture`.
    """
    if not isinstance(architecture, Architecture):
        raise ValueError(
            "`architecture` must be a keras_enas.Architecture, such as "
            "`tuner.get_best_architectures()[0].architecture` or `tuner.space.parse(text)`. "
            f"Received: {architecture!r}."
        )
    columns = _columns(architecture)
    colours = _colours(architecture.space)
    reach = [_reach(nodes) for nodes in columns.values()]
    top = 1.0 if any(columns) else 0.75
    width = max(sum(WIDTH + 0.5 + r for r in reach), 3.0)
    height = top + ROW * (max(map(len, columns.values())) - 1) + 0.4
    figure = new_figure((width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(-height, 0))
    axes.axis("off")
    axes.text(0.25, -0.26, _caption(architecture), fontsize=9, color="#444444", va="center")
    left = 0.25
    for (title, nodes), r in zip(columns.items(), reach, strict=True):
        if title:
            axes.text(left + WIDTH / 2, 0.36 - top, title, fontsize=9, ha="center", va="center")
        _draw_column(axes, left, [-top - ROW * row for row in range(len(nodes))], nodes, colours)
        left += WIDTH + 0.5 + r
    if path is not None:
        figure.savefig(path)
    return figure


def new_figure(size, layout=None):
    """Returns an empty `matplotlib.figure.Figure` of a size in inches, or raises `ImportError`.

    Args:
        size: Pair of numbers.
        layout: Optional string, as in `Figure`.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "A plot needs matplotlib, which comes with the extra `examples`: "
            'python -m pip install "keras-enas[examples]"'
        ) from error
    return Figure(figsize=size, dpi=120, layout=layout)


def _columns(architecture):
    """Dict from outer name scope to its boxes, top to bottom."""
    columns = {}
    for block in _merged(architecture.space):
        first = architecture.space.decisions[block[0][0]]
        outer, _, name = (first.scope or first.group or first.name).rpartition("/")
        nodes = columns.setdefault(outer, [])
        nodes.append(_node(architecture, block, name, len(nodes)))
    for nodes in columns.values():
        offered = [node.earliest for node in nodes if node.earliest is not None]
        extra = max(0, -min(offered)) if offered else 1
        names = ["stem" if offered else "input"]
        if extra != 1:
            names = [f"input {i}" for i in range(extra)]
        for node in nodes:
            node.sources = tuple(row + extra for row in node.sources)
        nodes[:0] = [_Node(one) for one in names]
    return columns


def _node(architecture, block, name, row):
    """The box of a block; its sources are rows, negative for what stands before row 0."""
    node = _Node(name)
    decisions = architecture.space.decisions
    node.has_input = any(decisions[start].kind == "input" for start, _ in block)
    for start, stop in block:
        decision, chosen = decisions[start], architecture.indices[start:stop]
        if decision.kind == "op":
            node.labels += (decision.candidates[chosen[0]],)
            continue
        if decision.kind == "input":
            earliest = row - len(decision.candidates)
            node.sources += (earliest + chosen[0],)
        else:
            # The predecessor is the input of a block without a choice of it, and no skip.
            earliest = row - (stop - start) - (not node.has_input)
            node.sources += tuple(earliest + i for i, bit in enumerate(chosen) if bit)
        node.earliest = earliest if node.earliest is None else min(node.earliest, earliest)
    return node


def _merged(space):
    """The blocks, with skips and inputs that stand outside any scope joined to an operation.

    Skips belong to the operation before them, inputs to the one behind.
    """
    merged, waiting = [], []
    for block in space.blocks:
        kinds = {space.decisions[start].kind for start, _ in block}
        if space.decisions[block[0][0]].scope or "op" in kinds:
            merged.append([*waiting, *block])
            waiting = []
        elif kinds == {"skip"} and merged and not waiting:
            merged[-1].extend(block)
        else:
            waiting.extend(block)
    return [*merged, waiting] if waiting else merged


def _colours(space):
    labels = dict.fromkeys(c for d in space if d.kind == "op" for c in d.candidates)
    return {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(labels)}


def _caption(architecture):
    space = architecture.space
    skips = [i for d, i in zip(space, architecture.indices, strict=True) if d.kind == "skip"]
    text = f"{len(space)} decisions"
    return text + (f", {sum(skips)} of {len(skips)} skips" if skips else "")


def _reach(nodes):
    """How far the rails stand out on the right."""
    rails = _rails(nodes)
    return RAIL * (len(rails) + 1) if rails else 0.0


def _rails(nodes):
    """Dict from the row of a source to the rows that take it, both counted from the top."""
    rails = {}
    for row, node in enumerate(nodes):
        for source in dict.fromkeys(node.sources):
            rails.setdefault(source, []).append(row)
    return dict(sorted(rails.items()))


def _draw_column(axes, left, y, nodes, colours):
    colour = [colours[node.labels[0]] if node.labels else PLAIN for node in nodes]
    for row, node in enumerate(nodes):
        _draw_box(axes, left, y[row], node, colour[row])
        if row and (node.labels or node.sources) and not node.has_input:
            start = (left + WIDTH / 2, y[row - 1] - HEIGHT / 2)
            _draw_arrow(axes, start, (left + WIDTH / 2, y[row] + HEIGHT / 2), "#555555")
    _draw_rails(axes, left + WIDTH, y, _rails(nodes), [_darker(c) for c in colour])


def _draw_rails(axes, right, y, rails, colour):
    """Draws a vertical rail a source, the earliest outermost, with a dot where it is taken."""
    x = {source: right + RAIL * (len(rails) - k) for k, source in enumerate(rails)}
    for source, rows in rails.items():
        # Sources leave from the lower part of a box and arrive in the upper part.
        points = [(right, y[source] - HEIGHT / 4), (x[source], y[source] - HEIGHT / 4)]
        points.append((x[source], y[rows[-1]] + HEIGHT / 4))
        axes.plot(*zip(*points, strict=True), color=colour[source], linewidth=1.3, zorder=2)
        for row in rows:
            dot = {"marker": "o", "markersize": 3.6, "color": colour[source], "zorder": 3}
            axes.plot(x[source], y[row] + HEIGHT / 4, **dot)
    for row in sorted({row for rows in rails.values() for row in rows}):
        outermost = max(x[source] for source, rows in rails.items() if row in rows)
        height = y[row] + HEIGHT / 4
        _draw_arrow(axes, (outermost, height), (right, height), "#9a9a9a")


def _draw_box(axes, left, y, node, colour):
    from matplotlib.patches import FancyBboxPatch

    style = "round,pad=0,rounding_size=0.07"
    corner = (left, y - HEIGHT / 2)
    box = FancyBboxPatch(corner, WIDTH, HEIGHT, style, facecolor=colour, edgecolor="#555555")
    box.set(linewidth=0.8, zorder=4)
    axes.add_patch(box)
    text = {"va": "center", "zorder": 5}
    labels = " + ".join(node.labels)
    axes.text(left + 0.09, y, node.name, fontsize=7, color="#444444", **text)
    axes.text(left + WIDTH - 0.1, y, labels, fontsize=9, ha="right", **text)


def _draw_arrow(axes, start, end, colour):
    from matplotlib.patches import FancyArrowPatch

    arrow = FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, color=colour)
    arrow.set(linewidth=1.0, zorder=1)
    arrow.shrinkA = arrow.shrinkB = 0
    axes.add_patch(arrow)


def _darker(colour):
    from matplotlib.colors import to_rgb

    return tuple(0.68 * part for part in to_rgb(colour))
