"""Scores whose reward minds the cost."""

import dataclasses


class CostJudge:
    """A `Judge` whose rewards lose `weight * |cost / target - 1|`.

    Args:
        judge: The `Judge` of the objective and the reward alone.
        resources: `Resources` with a target.
    """

    def __init__(self, judge, resources):
        self._judge = judge
        self._resources = resources

    def reward(self, architecture, batch):
        """What one architecture earns on one batch, its cost minded."""
        penalty = self._resources.penalty(architecture)
        return self._judge.reward(architecture, batch) + penalty

    def score(self, architecture, validation, batches=None):
        """As `Judge.score`; of the `Score` it is the reward that minds the cost."""
        score = self._judge.score(architecture, validation, batches)
        reward = score.reward + self._resources.penalty(architecture)
        return dataclasses.replace(score, reward=reward)
