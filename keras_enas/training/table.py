"""A recipe as text."""

import dataclasses

_HEADINGS = ("setting", "value", "source")


def table(recipe):
    """Returns a recipe's settings, one a line, with where each is from.

    Args:
        recipe: A `Recipe`.

    Returns:
        String of several lines. Settings that are off have no source shown.
    """
    rows = []
    for field in dataclasses.fields(recipe):
        if field.name in ("name", "sources"):
            continue
        value = getattr(recipe, field.name)
        source = recipe.sources.get(field.name, "")
        rows.append((field.name, _text(value), source))
    widths = [max(len(row[i]) for row in [_HEADINGS, *rows]) for i in range(2)]

    def line(row):
        return f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip()

    rule = "-" * max(len(line(row)) for row in [_HEADINGS, *rows])
    return "\n".join(
        [f"Recipe '{recipe.name}'", rule, line(_HEADINGS), rule, *map(line, rows), rule]
    )


def _text(value):
    if value is None or value is False:
        return "-"
    if value is True:
        return "yes"
    return f"{value:g}" if isinstance(value, float) else str(value)
