"""The model folder: what it says about itself, and how it is written, swapped, read and verified."""

from restora.bundle.folder import (
    MANIFEST,
    Model,
    hashed_name,
    hold_folder,
    is_model,
    other_files,
    read_model,
    write_model,
)
from restora.bundle.manifest import (
    FORMAT_VERSION,
    CalibrationFacts,
    FileEntry,
    FittingFacts,
    InputSpec,
    Manifest,
    StrangePicture,
    TrunkCard,
    hash_settings,
)

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST",
    "CalibrationFacts",
    "FileEntry",
    "FittingFacts",
    "InputSpec",
    "Manifest",
    "Model",
    "StrangePicture",
    "TrunkCard",
    "hash_settings",
    "hashed_name",
    "hold_folder",
    "is_model",
    "other_files",
    "read_model",
    "write_model",
]
