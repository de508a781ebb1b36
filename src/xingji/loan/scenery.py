"""Facts of a visit's surroundings that change from visit to visit."""

from __future__ import annotations

import numpy as np

from xingji.loan.arrays import I8, Ints
from xingji.loan.dice import Dice, field
from xingji.loan.vocabulary import codes

# wifi, 5g, 4g, 3g, none in the shares people have them
_NETWORKS = np.array(codes("$network", *(["wifi"] * 17 + ["5g"] * 9 + ["4g"] * 5 + ["3g"])), np.int8)


def networks(dice: Dice, visit: Ints) -> I8:
    """The network of each visit."""
    return _NETWORKS[field(dice.bits("network", visit), 0, len(_NETWORKS))]
