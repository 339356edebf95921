"""The values that pass from stage to stage: frozen, typed, comparable, with JSON.

Nothing here reads a disk, a network or a clock. Every stage may import this package;
no stage imports another stage.
"""
