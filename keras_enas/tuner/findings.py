"""What a user asks of a tuner that has searched."""

from keras_enas.oracles.checks import check_integer
from keras_enas.tuner import derivation, results
from keras_enas.tuner.rank_correlation import rank_correlation
from keras_enas.tuner.resources import pareto
from keras_enas.tuner.retrain import retrain


class Findings:
    """The part of `ENASTuner` that says what a search found.

    It needs the tuner's `oracle`, `space`, `resources`, `project_dir`, `build_child`,
    `final_samples`, `derive_strategy` and `has_own_reward`.
    """

    def derive(self, k=None, validation_data=None, batch_size=None, strategy=None, tolerance=None):
        """Samples `k` architectures and scores them with the shared weights as they are.

        The derived architectures of all rounds and the oracle's most likely one
        are scored along; all on the whole validation data (section 2.3 of the
        paper, which uses one minibatch). The result is kept in the project
        folder, and `get_best_architectures` and its like read it.

        Args:
            k: Optional integer, default `final_samples`.
            validation_data: As in `search`; needed in a process that has not searched.
            batch_size: Optional integer, for arrays given here; default 32, or what the
                reward needs if that is more.
            strategy: Optional, default `derive_strategy`. By successive halving the
                best by shared weights are trained alone for a while, and come
                first, as their `second_opinion` says, and its `prior`, if it has
                one; this needs the training data of a process that has called
                `search`. It goes on where it was interrupted. It may take what is left of
                `max_cpu_seconds` (if that is spent, one batch is trained), or what its
                own `max_cpu_seconds` says. One that would replace trainings that took
                longer than that is refused, and one that ended for want of time is made
                anew if it is allowed more.
            tolerance: Optional float in place of `cost_tolerance`. With a
                `cost_target` only architectures so near to it are derived, and
                samples are drawn until `k` different ones are.

        Returns:
            List of `FoundArchitecture`, best first, without parameters and FLOPs.

        Raises:
            ValueError: If no round has succeeded, an argument does not fit, the rounds had
                another `reward`, or this process has no data to score or train with.
        """
        k = self.final_samples if k is None else k
        check_integer("k", k, 1)
        self.resources.check_tolerance(tolerance)
        strategy = self.derive_strategy if strategy is None else strategy
        return derivation.derive(self, k, validation_data, batch_size, strategy, tolerance)

    def pareto(self, k=0, validation_data=None, batch_size=None, path=None, verbose=True):
        """Shows what no other architecture scored so far beats in objective and cost.

        See `keras_enas.tuner.resources.pareto.pareto` for the arguments.

        Returns:
            List of `FoundArchitecture`, cheapest first.
        """
        return pareto.pareto(self, k, validation_data, batch_size, path, verbose)

    def get_best_architectures(self, num_architectures=1):
        """Returns the architectures that were derived, best first.

        By shared-weight score, without its cost where there is a `cost_target`; those that a
        second opinion trained come first, by that and by its `prior`, if it has one.

        Args:
            num_architectures: Integer.

        Returns:
            List of `FoundArchitecture`: `architecture`, `score` (objective,
            deviation from batch to batch, reward), trainable `parameters` and
            `flops` of its child at the size that was searched.
        """
        found = derivation.found(self, num_architectures, "num_architectures")
        return [one.with_cost(self.build_child(one.architecture)) for one in found]

    def get_best_hyperparameters(self, num_trials=1):
        """Returns the best architectures as `HyperParameters`, best first.

        `tuner.hypermodel.build(hp)` builds an untrained child of them.
        """
        space = self.oracle.get_space()
        return [
            one.architecture.to_hyperparameters(space)
            for one in derivation.found(self, num_trials, "num_trials")
        ]

    def get_best_models(self, num_models=1):
        """Returns children of the best architectures with the weights they inherit.

        Their moving averages are taken anew on training data. They are not
        trained models: `retrain` trains them from scratch.
        """
        return [
            derivation.inheriting_child(self, one.architecture)
            for one in derivation.found(self, num_models, "num_models")
        ]

    def load_model(self, trial):
        """Returns the child of a trial with the weights it inherits from the newest round."""
        return derivation.inheriting_child(
            self, self.space.from_values(trial.hyperparameters.values)
        )

    def score(self, architectures, validation_data=None, batch_size=None):
        """Scores architectures with the shared weights.

        Args:
            architectures: List of `Architecture`, or of their texts.
            validation_data: As in `search`; needed in a process that has not searched.
            batch_size: Optional integer, for arrays given here; default 32, or what the
                reward needs if that is more.

        Returns:
            List of `Score`.
        """
        return derivation.score(self, architectures, validation_data, batch_size)

    def results_summary(self, num_trials=10):
        """Prints the architectures that were derived, best first, with their scores."""
        check_integer("num_trials", num_trials, 1)
        results.print_found(
            self.get_best_architectures(num_trials),
            self.oracle.objective.name,
            self.project_dir,
            self.resources.name,
            self.has_own_reward,
        )

    def retrain(self, x, y=None, validation_data=None, epochs=None, **kwargs):
        """Trains the best architectures from scratch, and random ones the same way.

        See `keras_enas.tuner.retrain.retrain` for the arguments.

        Returns:
            A `Retrained`: the best trained `model`, and the table.
        """
        return retrain(self, x, y, validation_data=validation_data, epochs=epochs, **kwargs)

    def rank_correlation(self, n, x, y=None, validation_data=None, epochs=None, **kwargs):
        """Trains `n` architectures alone and says how well the shared weights rank them.

        See `keras_enas.tuner.rank_correlation.rank_correlation` for the arguments.

        Returns:
            A `RankCorrelation`: Kendall tau, Spearman and precision at k with
            intervals, beside those of counting parameters and FLOPs.
        """
        return rank_correlation(
            self, n, x, y, validation_data=validation_data, epochs=epochs, **kwargs
        )
