"""The bank's tree: 总行, 一级分行, 支行, 网点 and the customer managers of each outlet. All names are
invented."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from xingji.loan.arrays import I16, I32
from xingji.loan.geography import CHONGQING, HOME_PROVINCE, places

HEAD_OFFICE = "总行"
OUTLETS_PER_BRANCH = 2
MANAGERS_PER_OUTLET = 3

_FIRST_LEVEL: dict[str, tuple[str, ...]] = {
    "两江分行": ("江北区", "渝北区", "北碚区"),
    "主城分行": ("渝中区", "大渡口区", "沙坪坝区", "九龙坡区", "南岸区", "巴南区"),
    "渝西分行": (
        "綦江区",
        "大足区",
        "江津区",
        "合川区",
        "永川区",
        "璧山区",
        "铜梁区",
        "潼南区",
        "荣昌区",
        "南川区",
    ),
    "万州分行": ("万州区", "开州区", "梁平区", "城口县", "忠县", "云阳县", "奉节县", "巫山县", "巫溪县"),
    "涪陵分行": ("涪陵区", "长寿区", "武隆区", "丰都县", "垫江县"),
    "黔江分行": (
        "黔江区",
        "石柱土家族自治县",
        "秀山土家族苗族自治县",
        "酉阳土家族苗族自治县",
        "彭水苗族土家族自治县",
    ),
}
_OUTSIDE = {"四川省": "成都分行", "贵州省": "贵阳分行", "陕西省": "西安分行"}
_ONLINE = "线上直营中心"  # books the customers of provinces without a branch


@dataclass(frozen=True)
class Organisations:
    """Outlets as rows, with the codes of the names above them, and the outlets that serve each place.

    ``first_level``, ``branch``: int16 per outlet; ``paths``: one text per outlet;
    ``first_outlet``: int32 per place (an outlet and its neighbour serve it); manager ``m`` sits in
    outlet ``m // 3``.
    """

    first_levels: tuple[str, ...]
    branches: tuple[str, ...]
    paths: tuple[str, ...]
    managers: tuple[str, ...]
    first_level: I16
    branch: I16
    first_outlet: I32


def _branch_of(province: str, district: str) -> tuple[str, str]:
    if province == HOME_PROVINCE:
        level = next(name for name, members in _FIRST_LEVEL.items() if district in members)
        short = district if len(district) == 2 else district.removesuffix("区").removesuffix("县")
        for people in ("土家族苗族自治", "苗族土家族自治", "土家族自治"):
            short = short.removesuffix(people)
        return level, f"{short}支行"
    if province in _OUTSIDE:
        return _OUTSIDE[
            province
        ], f"{_OUTSIDE[province].removesuffix('分行')}{district.removesuffix('区')}支行"
    return _ONLINE, f"{_ONLINE}支行"


@cache
def organisations() -> Organisations:
    """The tree, with its outlets in the order of the places they serve."""
    table = places()
    served = [
        _branch_of(table.provinces[p], table.districts[d]) for p, d in zip(table.province, table.district)
    ]
    pairs = list(dict.fromkeys(served))
    levels = tuple(dict.fromkeys(level for level, _ in pairs))
    branches = tuple(branch for _, branch in pairs)
    outlets = [(pair, n) for pair in pairs for n in range(1, OUTLETS_PER_BRANCH + 1)]
    paths = tuple(
        f"{HEAD_OFFICE}/{level}/{branch}/{branch.removesuffix('支行')}第{'一二'[n - 1]}网点"
        for (level, branch), n in outlets
    )
    managers = tuple(f"M{20_001 + i:05d}" for i in range(len(outlets) * MANAGERS_PER_OUTLET))
    return Organisations(
        levels,
        branches,
        paths,
        managers,
        np.array([levels.index(pair[0]) for pair, _ in outlets], np.int16),
        np.array([pairs.index(pair) for pair, _ in outlets], np.int16),
        np.array([pairs.index(pair) * OUTLETS_PER_BRANCH for pair in served], np.int32),
    )


assert sum(len(members) for members in _FIRST_LEVEL.values()) == len(CHONGQING)
