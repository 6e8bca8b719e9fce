"""
The settings of the `sector_concentration` rule.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal

import attrs

from ltm.model.checks import exact, one_of, up_to_one


@attrs.frozen(kw_only=True)
class SectorConcentrationConfig:
    """
    Limits what all symbols of one sector hold together, everything in flight included.

    Args:
        max_sector_fraction: Largest exposure of one sector as a fraction of equity, above 0 and up to 1.
        sectors: CSV file with the columns symbol and sector, and optionally weight; others are ignored. Or a
            table of symbol = sector.
        unknown: What becomes of a symbol that has no sector there: "deny" its entries, or count all of
            them as one sector "?" ("bucket").
        net: Whether longs and shorts of a sector offset each other; otherwise they add.
        max_unknown_fraction: The limit of that bucket; the same as of any sector when left out.
    """

    max_sector_fraction: Decimal = attrs.field(converter=exact, validator=up_to_one)
    sectors: Path | dict[str, str]
    unknown: Literal["deny", "bucket"] = attrs.field(default="deny", validator=one_of("deny", "bucket"))
    net: bool = False
    max_unknown_fraction: Decimal | None = attrs.field(
        default=None, converter=exact, validator=attrs.validators.optional(up_to_one)
    )
