"""A plot of objective against cost."""

from keras_enas.plotting import new_figure


def plot_pareto(found, best, name, cost, goal, path=None):
    """Plots shared-weight scores against cost, and the front.

    Args:
        found: List of `FoundArchitecture` with costs.
        best: Those of them that no other beats, cheapest first.
        name: String, of the score.
        cost: String, of the cost.
        goal: A `CostGoal`; its target and tolerance are shaded.
        path: Optional string, the file to write; its ending says the format.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    figure = new_figure((6.4, 4.2))
    axes = figure.add_subplot()
    for ones, style in (
        (found, {"linestyle": "", "marker": ".", "color": "#999999", "label": "scored"}),
        (best, {"marker": "o", "color": "#0072b2", "drawstyle": "steps-post", "label": "front"}),
    ):
        axes.plot([one.cost for one in ones], [one.score.objective for one in ones], **style)
    if goal.target is not None:
        width = goal.target * goal.tolerance
        band = {"color": "#e69f00", "alpha": 0.25, "linewidth": 0, "label": "near to the target"}
        axes.axvspan(goal.target - width, goal.target + width, **band)
    axes.set(xlabel=cost, ylabel=name, title="Scores with shared weights, not of trained models")
    axes.legend()
    figure.tight_layout()
    if path is not None:
        figure.savefig(path)
    return figure
