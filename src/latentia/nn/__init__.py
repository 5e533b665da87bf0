"""Networks: what turns data into features and codes into the parameters of a likelihood, picked by event shape."""

from latentia.nn.conv import ConvDecoder, ConvEncoder
from latentia.nn.inputs import Bounded, Centred, Identity, LogCounts
from latentia.nn.mlp import MLPDecoder, MLPEncoder
from latentia.nn.networks import FEW_ROWS, LADDER, NETWORKS, Network, ladder, pick_network
from latentia.nn.plain import PlainMLPDecoder, PlainMLPEncoder
from latentia.nn.report import ReportDecoder, ReportEncoder
from latentia.nn.sequence import LSTMEncoder, TransformerEncoder
from latentia.nn.sequence_decoders import LSTMDecoder, SkipDecoder, StepsDecoder, TokenDecoder
from latentia.nn.sequence_transformer import TransformerDecoder

__all__ = [
    "FEW_ROWS",
    "LADDER",
    "NETWORKS",
    "Bounded",
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
    "SkipDecoder",
    "StepsDecoder",
    "TokenDecoder",
    "TransformerDecoder",
    "TransformerEncoder",
    "ladder",
    "pick_network",
]
