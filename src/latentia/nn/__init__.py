"""Networks: what turns data into features and codes into the parameters of a likelihood, picked by event shape."""

from latentia.nn.conv import ConvDecoder, ConvEncoder
from latentia.nn.inputs import Centred, Identity, LogCounts
from latentia.nn.mlp import MLPDecoder, MLPEncoder
from latentia.nn.networks import FEW_ROWS, LADDER, NETWORKS, Network, ladder, pick_network
from latentia.nn.plain import PlainMLPDecoder, PlainMLPEncoder
from latentia.nn.report import ReportDecoder, ReportEncoder
from latentia.nn.sequence import LSTMDecoder, LSTMEncoder

__all__ = [
    "FEW_ROWS",
    "LADDER",
    "NETWORKS",
    "Centred",
    "ConvDecoder",
    "ConvEncoder",
    "Identity",
    "LSTMDecoder",
    "LSTMEncoder",
    "LogCounts",
    "MLPDecoder",
    "MLPEncoder",
    "Network",
    "PlainMLPDecoder",
    "PlainMLPEncoder",
    "ReportDecoder",
    "ReportEncoder",
    "ladder",
    "pick_network",
]
