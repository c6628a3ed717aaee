"""Similar images: by hashes, colours, or the codes of a generator."""

from preimage.search.codes import CodeFeature, Encoder
from preimage.search.duplicates import Duplicates
from preimage.search.evaluation import Agreement, label_agreement
from preimage.search.features import FEATURES, ColourHistogram, DHash, Feature, PHash
from preimage.search.index import Added, ImageIndex
from preimage.search.matches import Matches
from preimage.search.saving import code_feature, open_index

__all__ = [
    "FEATURES",
    "Added",
    "Agreement",
    "CodeFeature",
    "ColourHistogram",
    "DHash",
    "Duplicates",
    "Encoder",
    "Feature",
    "ImageIndex",
    "Matches",
    "PHash",
    "code_feature",
    "label_agreement",
    "open_index",
]
