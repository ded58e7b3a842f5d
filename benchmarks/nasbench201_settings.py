"""How the searches on NAS-Bench-201 are set, at a size that two CPU cores can bear."""

DEFAULTS = {
    # Images and network.
    "size": 16,
    "train": 20_000,
    "validation": 2_000,
    "cells": 1,
    "filters": 8,
    "batch": 64,
    "learning_rate": 0.1,
    "weight_decay": 5e-4,
    # The search.
    "objective": "accuracy",
    "sampling": "fair",
    "architectures_per_step": 1,
    "warmup_rounds": 4,
    "controller_updates": 10,
    "derive_samples": 10,
    "final_samples": 600,
    # The second opinion.
    "second_opinion_share": 0.6,
    "candidates": 48,
    "factor": 3.0,
    "first_epochs": 1.0,
    "proposals": "surrogate",
    # The judge.
    "budget_minutes": 30.0,
    "judged": 200,
}

# Does it run? What comes of it means nothing.
QUICK = {
    "train": 640,
    "validation": 200,
    "filters": 2,
    "warmup_rounds": 1,
    "controller_updates": 1,
    "derive_samples": 2,
    "final_samples": 12,
    "candidates": 4,
    "first_epochs": 0.5,
    "budget_minutes": 1.0,
    "judged": 12,
}
