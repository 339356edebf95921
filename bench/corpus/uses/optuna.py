"""Searches for the best of a function, and keeps the trials in SQLite."""

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def use() -> object:
    study = optuna.create_study(
        storage="sqlite:////tmp/o.db", sampler=optuna.samplers.TPESampler(seed=1)
    )
    study.optimize(lambda trial: (trial.suggest_float("x", -5, 5) - 2) ** 2, n_trials=15)
    again = optuna.load_study(study_name=study.study_name, storage="sqlite:////tmp/o.db")
    return [len(again.trials), round(again.best_value, 4), sorted(again.best_params)]
