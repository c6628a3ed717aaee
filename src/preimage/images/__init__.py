"""Images in files: reading whatever is there, batches of one size, writing, sheets."""

from preimage.images.collection import Batch, Images, Stack
from preimage.images.opening import open_images, read_place, read_places
from preimage.images.picture import Picture
from preimage.images.resizing import Fit
from preimage.images.sheets import sheet, write_sheet
from preimage.images.sources import Entry, Source
from preimage.images.writing import output_path, write_picture, writing_pictures

__all__ = [
    "Batch",
    "Entry",
    "Fit",
    "Images",
    "Picture",
    "Source",
    "Stack",
    "open_images",
    "output_path",
    "read_place",
    "read_places",
    "sheet",
    "write_picture",
    "write_sheet",
    "writing_pictures",
]
