"""Micro-actions: the shipped library, and which three to offer for a moment. See README.md beside this file."""

from wellspring.interventions.choose import POLICY, Recommendation, choose
from wellspring.interventions.library import Intervention, LibraryError, Text, intervention_id, load
from wellspring.interventions.moment import Context, History, Seen
from wellspring.interventions.reasons import Reason
from wellspring.interventions.shelf import Shelf, prepare, shipped
from wellspring.interventions.vocabulary import age_band_of, energy_of
from wellspring.interventions.words import why

__all__ = [
    "POLICY",
    "Context",
    "History",
    "Intervention",
    "LibraryError",
    "Reason",
    "Recommendation",
    "Seen",
    "Shelf",
    "Text",
    "age_band_of",
    "choose",
    "energy_of",
    "intervention_id",
    "load",
    "prepare",
    "shipped",
    "why",
]
