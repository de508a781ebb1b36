"""Where people live: 31 provinces, with every district of Chongqing and a few cities elsewhere (GB/T
2260 names)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from xingji.loan.arrays import F64, I16

HOME_PROVINCE = "重庆市"

# district: weight among Chongqing's customers
CHONGQING: dict[str, float] = {
    "万州区": 5.2,
    "涪陵区": 3.6,
    "渝中区": 4.4,
    "大渡口区": 2.4,
    "江北区": 6.0,
    "沙坪坝区": 6.6,
    "九龙坡区": 6.8,
    "南岸区": 6.2,
    "北碚区": 3.4,
    "綦江区": 2.2,
    "大足区": 1.9,
    "渝北区": 9.8,
    "巴南区": 4.8,
    "黔江区": 1.3,
    "长寿区": 2.0,
    "江津区": 3.1,
    "合川区": 2.7,
    "永川区": 2.9,
    "南川区": 1.3,
    "璧山区": 2.3,
    "铜梁区": 1.6,
    "潼南区": 1.4,
    "荣昌区": 1.5,
    "开州区": 2.2,
    "梁平区": 1.3,
    "武隆区": 0.8,
    "城口县": 0.4,
    "丰都县": 1.1,
    "垫江县": 1.2,
    "忠县": 1.2,
    "云阳县": 1.5,
    "奉节县": 1.2,
    "巫山县": 0.8,
    "巫溪县": 0.6,
    "石柱土家族自治县": 0.8,
    "秀山土家族苗族自治县": 0.8,
    "酉阳土家族苗族自治县": 0.9,
    "彭水苗族土家族自治县": 0.9,
}

# province: (weight, {city: districts}); a municipality is its own city
_ELSEWHERE: dict[str, tuple[float, dict[str, tuple[str, ...]]]] = {
    "四川省": (11.0, {"成都市": ("锦江区", "武侯区", "双流区"), "泸州市": ("江阳区",), "广安市": ("广安区",),
                   "达州市": ("通川区",)}),
    "贵州省": (5.0, {"贵阳市": ("南明区", "云岩区"), "遵义市": ("红花岗区", "汇川区")}),
    "陕西省": (4.0, {"西安市": ("雁塔区", "未央区"), "安康市": ("汉滨区",)}),
    "湖北省": (2.6, {"武汉市": ("武昌区", "江汉区"), "恩施土家族苗族自治州": ("恩施市",)}),
    "湖南省": (2.0, {"长沙市": ("岳麓区", "雨花区"), "张家界市": ("永定区",)}),
    "云南省": (1.6, {"昆明市": ("五华区", "官渡区"), "昭通市": ("昭阳区",)}),
    "广东省": (2.6, {"广州市": ("天河区", "白云区"), "深圳市": ("南山区", "龙岗区")}),
    "浙江省": (1.3, {"杭州市": ("西湖区", "余杭区"), "宁波市": ("鄞州区",)}),
    "江苏省": (1.2, {"南京市": ("鼓楼区", "江宁区"), "苏州市": ("姑苏区",)}),
    "北京市": (1.1, {"北京市": ("朝阳区", "海淀区")}),
    "上海市": (1.1, {"上海市": ("浦东新区", "闵行区")}),
    "河南省": (0.9, {"郑州市": ("金水区",)}),
    "山东省": (0.8, {"济南市": ("历下区",), "青岛市": ("市南区",)}),
    "福建省": (0.7, {"福州市": ("鼓楼区",), "厦门市": ("思明区",)}),
    "河北省": (0.5, {"石家庄市": ("长安区",)}),
    "安徽省": (0.5, {"合肥市": ("蜀山区",)}),
    "江西省": (0.5, {"南昌市": ("东湖区",)}),
    "广西壮族自治区": (0.6, {"南宁市": ("青秀区",)}),
    "甘肃省": (0.4, {"兰州市": ("城关区",)}),
    "山西省": (0.3, {"太原市": ("小店区",)}),
    "辽宁省": (0.4, {"沈阳市": ("和平区",)}),
    "天津市": (0.4, {"天津市": ("南开区",)}),
    "黑龙江省": (0.2, {"哈尔滨市": ("南岗区",)}),
    "吉林省": (0.2, {"长春市": ("朝阳区",)}),
    "内蒙古自治区": (0.2, {"呼和浩特市": ("赛罕区",)}),
    "新疆维吾尔自治区": (0.3, {"乌鲁木齐市": ("天山区",)}),
    "海南省": (0.3, {"海口市": ("美兰区",)}),
    "宁夏回族自治区": (0.1, {"银川市": ("兴庆区",)}),
    "青海省": (0.1, {"西宁市": ("城中区",)}),
    "西藏自治区": (0.1, {"拉萨市": ("城关区",)}),
}  # fmt: skip

_CHONGQING_WEIGHT = 59.0


@dataclass(frozen=True)
class Places:
    """All places as rows: ``province``, ``city``, ``district`` index the name tuples; ``weight`` sums
    to one."""

    provinces: tuple[str, ...]
    cities: tuple[str, ...]
    districts: tuple[str, ...]
    province: I16
    city: I16
    district: I16
    weight: F64
    local: int  # the first ``local`` rows are Chongqing's districts, in the order of ``CHONGQING``


def _place_rows() -> list[tuple[str, str, str, float]]:
    total = sum(CHONGQING.values())
    rows = [
        (HOME_PROVINCE, HOME_PROVINCE, district, _CHONGQING_WEIGHT * weight / total)
        for district, weight in CHONGQING.items()
    ]
    for province, (weight, cities) in _ELSEWHERE.items():
        count = sum(len(districts) for districts in cities.values())
        rows += [
            (province, city, district, weight / count)
            for city, districts in cities.items()
            for district in districts
        ]
    return rows


@cache
def places() -> Places:
    """The table of places."""
    rows = _place_rows()
    names = [tuple(dict.fromkeys(row[part] for row in rows)) for part in range(3)]
    codes = [np.array([names[part].index(str(row[part])) for row in rows], np.int16) for part in range(3)]
    weight = np.array([row[3] for row in rows])
    provinces, cities, districts = ([str(name) for name in part] for part in names)
    return Places(
        tuple(provinces), tuple(cities), tuple(districts), codes[0], codes[1], codes[2],
        weight / weight.sum(), len(CHONGQING),
    )  # fmt: skip
