"""How the searches on NAS-Bench-201 are set, at a size that two CPU cores can bear."""

REWARDS = ("", "linear probe")

DEFAULTS = {
    # Images and network.
    "size": 16,
    "train": 46_000,
    "validation": 2_000,
    "cells": 1,
    "filters": 8,
    "batch": 32,
    "learning_rate": 0.05,
    "weight_decay": 5e-4,
    # The search.
    "objective": "loss",
    # "": the objective.
    "reward": "linear probe",
    "epochs": 1,
    "sampling": "fair",
    "architectures_per_step": 1,
    "warmup_rounds": 4,
    "controller_updates": 10,
    "derive_samples": 10,
    "final_samples": 200,
    # The second opinion; no candidates: none.
    "second_opinion_share": 0.8,
    "candidates": 64,
    "neighbours": 100,
    "factor": 8.0,
    # The networks of the second opinion are deeper.
    "child_cells": 3,
    "first_epochs": 0.1,
    "growth": 4,
    "proposals": "surrogate",
    # "": none.
    "prior": "parameters",
    # What the stock tuners train each child for, whole epochs or a part of one; Hyperband at most.
    "stock_epochs": 1.0,
    "hyperband_epochs": 9,
    # The column of the table that says what a cell takes, in milliseconds.
    "latency": "latency_ms_raspi4",
    # The judge.
    "budget_minutes": 30.0,
    # Of TensorFlow.
    "threads": 1,
    "judged": 200,
    # Kendall tau after each so many rounds, in time that does not count; 0: at the end only.
    "tau_every": 0,
}

# Images of 8x8 and what goes with them.
SMALL = {"size": 8, "batch": 64, "learning_rate": 0.1}

# Does it run? What comes of it means nothing.
QUICK = {
    "train": 640,
    "validation": 200,
    "filters": 2,
    "epochs": 1,
    "warmup_rounds": 1,
    "controller_updates": 1,
    "derive_samples": 2,
    "final_samples": 12,
    # Enough for the regression to propose some, and for a second rung.
    "candidates": 24,
    "factor": 4.0,
    "neighbours": 8,
    "first_epochs": 0.5,
    "stock_epochs": 1.0,
    "hyperband_epochs": 2,
    "second_opinion_share": 0.8,
    "budget_minutes": 2.0,
    "judged": 12,
}
