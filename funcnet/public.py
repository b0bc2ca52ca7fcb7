"""The public names, on one screen; `funcnet` loads them when one of them is first used."""

# fmt: off
from funcnet.checkpoint import load, save
from funcnet.clipping import clip_by_global_norm
from funcnet.combinators import add, concatenate, residual, sequential
from funcnet.errors import (
    CacheError, CheckpointError, DTypeError, ExperimentError, MissingExtraError, NonFiniteError, ShapeError, TreeError,
)
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.grids import grid
from funcnet.experiments.stopping import EarlyStopping, KeepBest
from funcnet.experiments.running import Run, run
from funcnet.experiments.sweeping import sweep
from funcnet.experiments.verification import Verification, verify
from funcnet.gradient import value_and_grad
from funcnet.layer import Layer, summary
from funcnet.layers import (
    ELU, GELU, Dropout, Elementwise, Flatten, FlattenParams, Identity, LeakyReLU, Linear, LinearParams, LogSoftmax,
    ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh,
)
from funcnet.losses import BinaryCrossEntropy, MeanSquaredError, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from funcnet.optimizers import SGD, Adagrad, Adam, AdamW, OptimizerState, RMSProp, sgd_step
from funcnet.penalties import L2
from funcnet.random import Key
from funcnet.registry import register
from funcnet.training import TrainState, train, train_step

__all__ = [
    "ELU", "GELU", "L2", "SGD", "Adagrad", "Adam", "AdamW", "BinaryCrossEntropy", "CacheError", "CheckpointError",
    "DTypeError", "Dropout", "EarlyStopping", "Elementwise", "Experiment", "ExperimentError", "Flatten",
    "FlattenParams", "Identity", "KeepBest", "Key", "Layer", "LeakyReLU", "Linear", "LinearParams", "LogSoftmax",
    "MeanSquaredError", "MissingExtraError", "NonFiniteError", "OptimizerState", "RMSProp", "ReLU", "Run", "ShapeError",
    "SiLU", "Sigmoid", "SigmoidBinaryCrossEntropy", "Softmax", "SoftmaxCrossEntropy", "Softplus", "Tanh", "TrainState",
    "TreeError", "Verification", "add", "clip_by_global_norm", "concatenate", "grid", "load", "register", "residual",
    "run", "save", "sequential", "sgd_step", "summary", "sweep", "train", "train_step", "value_and_grad", "verify",
]
