"""The public names, on one screen; `funcnet` loads all of them when one is first used."""

# fmt: off
from funcnet.errors import (
    CacheError, CheckpointError, DTypeError, ExperimentError, MissingExtraError, NonFiniteError, ShapeError, TreeError,
    UsageWarning,
)
from funcnet.values.registry import register
from funcnet.random import Key
from funcnet.layers.layer import Layer
from funcnet.layers.summary import summary
from funcnet.layers.combinators import add, branches, concatenate, parallel, residual, sequential
from funcnet.layers.linear import Linear, LinearParams
from funcnet.layers.rectifiers import ELU, GELU, LeakyReLU, ReLU, SiLU
from funcnet.layers.activations import Elementwise, Sigmoid, Softplus, Tanh
from funcnet.layers.softmax import LogSoftmax, Softmax
from funcnet.layers.reshaping import Flatten, FlattenParams, Identity
from funcnet.layers.dropout import Dropout
from funcnet.layers.merging import Concatenate, Multiply, Select, Sum
from funcnet.layers.batch_norm import BatchNorm, BatchNormParams
from funcnet.layers.embedding import Embedding, EmbeddingParams
from funcnet.layers.cells import SimpleCell, SimpleCellParams
from funcnet.layers.recurrent import recurrent
from funcnet.layers.tying import tied
from funcnet.data.standardize import Standardize, StandardizeParams
from funcnet.layers.normalization import GroupNorm, GroupNormParams, LayerNorm, NormParams, RMSNorm
from funcnet.losses.squared_error import MeanSquaredError
from funcnet.losses.absolute_error import Huber, MeanAbsoluteError
from funcnet.losses.cosine_similarity import CosineSimilarity
from funcnet.losses.hinge import Hinge
from funcnet.losses.binary_cross_entropy import BinaryCrossEntropy, SigmoidBinaryCrossEntropy
from funcnet.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from funcnet.losses.penalties import L2
from funcnet.optimizers.optimizer import OptimizerState
from funcnet.optimizers.sgd import SGD, sgd_step
from funcnet.optimizers.adam import Adam, AdamW
from funcnet.optimizers.adaptive import Adagrad, RMSProp
from funcnet.optimizers.clipping import clip_by_global_norm
from funcnet.gradients.value_and_grad import value_and_grad
from funcnet.gradients.gradient_functions import accumulated, clipped
from funcnet.training import TrainState, train, train_step
from funcnet.saving.checkpoint import load, save
from funcnet.experiments.differences import labels
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.grids import grid
from funcnet.experiments.stopping import EarlyStopping, KeepBest
from funcnet.experiments.result import Run
from funcnet.experiments.running import read, run
from funcnet.experiments.sweeping import sweep
from funcnet.experiments.verification import Verification, verify

__all__ = [
    "ELU", "GELU", "L2", "SGD", "Adagrad", "Adam", "AdamW", "BatchNorm", "BatchNormParams", "BinaryCrossEntropy",
    "CacheError", "CheckpointError", "Concatenate", "CosineSimilarity", "DTypeError", "Dropout", "EarlyStopping",
    "Elementwise", "Embedding", "EmbeddingParams", "Experiment", "ExperimentError", "Flatten", "FlattenParams",
    "GroupNorm", "GroupNormParams", "Hinge", "Huber", "Identity", "KeepBest", "Key", "Layer", "LayerNorm",
    "LeakyReLU", "Linear", "LinearParams", "LogSoftmax", "MeanAbsoluteError", "MeanSquaredError",
    "MissingExtraError", "Multiply", "NonFiniteError", "NormParams", "OptimizerState", "RMSNorm", "RMSProp", "ReLU",
    "Run", "Select", "ShapeError", "SiLU", "Sigmoid", "SigmoidBinaryCrossEntropy", "SimpleCell", "SimpleCellParams",
    "Softmax", "SoftmaxCrossEntropy", "Softplus", "Standardize", "StandardizeParams", "Sum", "Tanh", "TrainState",
    "TreeError", "UsageWarning", "Verification", "accumulated", "add", "branches", "clip_by_global_norm", "clipped",
    "concatenate", "grid", "labels", "load", "parallel", "read", "recurrent", "register", "residual", "run", "save",
    "sequential", "sgd_step", "summary", "sweep", "tied", "train", "train_step", "value_and_grad", "verify",
]
