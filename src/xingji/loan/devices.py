"""What people hold in their hands: installations of an SDK, their make, and which version runs on them
when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xingji.loan.arrays import I8, I16, I32, I64, NONE, Ints, Mask
from xingji.loan.config import SimulationConfig
from xingji.loan.dice import Dice
from xingji.loan.geography import places
from xingji.loan.incidents import RING, TAKEOVER
from xingji.loan.people import CUSTOMER, People
from xingji.loan.vocabulary import VALUES, code, codes

IOS, ANDROID, WEB, H5, MINI, BRANCH, SERVER = codes(
    "platform", "ios", "android", "web", "h5", "miniprogram", "branch", "server"
)
APP_ID = np.array(
    codes("$app_id", "mbank_app", "mbank_app", "web_bank", "loan_h5", "weibank_mp", "branch_pad", "core"),
    np.int8,
)
_SDK = ("ios-2.4.0", "android-2.4.1", "web-1.9.3", "web-1.9.3", "mp-1.6.2", "android-2.4.1", "server-1.3.0")
SDK_VERSION = np.array(codes("$sdk_version", *_SDK), np.int8)

# platform: (version, days before today of its release); the newest on Android reaches only part of the
# devices
_RELEASES: dict[int, tuple[tuple[str, int], ...]] = {
    IOS: (("8.1.0", 999), ("8.2.0", 88), ("8.2.2", 50), ("8.3.0", 27), ("8.3.1", 10)),
    ANDROID: (("8.1.0", 999), ("8.2.0", 86), ("8.2.2", 48), ("8.3.0", 25), ("8.3.1", 9)),
    MINI: (("2.5.8", 999), ("2.6.0", 61), ("2.6.3", 20)),
    H5: (("5.11.0", 999), ("5.12.0", 54), ("5.12.1", 17)),
    WEB: (("5.11.0", 999), ("5.12.0", 54), ("5.12.1", 17)),
    BRANCH: (("3.4.2", 999),),
}
_GREY_SHARE = 0.60

# (brand, model, os, os version) with weights, per family of platforms
_APPLE = [("Apple", m, "iOS", v) for m in ("iPhone 13", "iPhone 14", "iPhone 15", "iPhone 16 Pro")
          for v in ("18.5", "17.6", "26.1")]  # fmt: skip
_DROIDS = [
    ("HUAWEI", "Mate 60", "HarmonyOS", "4.2"), ("HUAWEI", "Pura 70", "HarmonyOS", "5.0"),
    ("HUAWEI", "nova 12", "HarmonyOS", "4.2"), ("Xiaomi", "Redmi K70", "Android", "15"),
    ("Xiaomi", "Redmi Note 13", "Android", "14"), ("Xiaomi", "Xiaomi 14", "Android", "15"),
    ("OPPO", "OPPO A3", "Android", "14"), ("OPPO", "OPPO Reno12", "Android", "15"),
    ("vivo", "vivo Y100", "Android", "13"), ("vivo", "vivo X100", "Android", "14"),
    ("HONOR", "HONOR 90", "Android", "14"), ("HONOR", "HONOR X50", "Android", "13"),
]  # fmt: skip
_TABLETS = [("Apple", "iPad 10", "iOS", "18.5"), ("HUAWEI", "MatePad 11", "HarmonyOS", "4.2")]
_DESKS = [
    ("Lenovo", "PC", "Windows", "11"),
    ("Lenovo", "PC", "Windows", "10"),
    ("Apple", "PC", "macOS", "15.1"),
]
MAKES = np.array(
    [
        (code("$brand", b), code("$model", m), code("$os", o), code("$os_version", v))
        for b, m, o, v in _APPLE + _DROIDS + _TABLETS + _DESKS
    ],
    np.int8,
)
_APPLE_ROWS, _DROID_ROWS = (0, len(_APPLE)), (len(_APPLE), len(_DROIDS))
_TABLET_ROWS = (len(_APPLE) + len(_DROIDS), len(_TABLETS))
_DESK_ROWS = (_TABLET_ROWS[0] + len(_TABLETS), len(_DESKS))

_BROWSER_VERSION = {"Chrome": "131.0", "Safari": "18.1", "WeChat": "8.0.50", "UCBrowser": "16.8.0",
                    "QQBrowser": "15.2", "360": "14.1", "Edge": "126.0"}  # fmt: skip
BROWSER_VERSION = np.array(
    [code("$browser_version", _BROWSER_VERSION[b]) for b in VALUES["$browser"]], np.int8
)


@dataclass(frozen=True)
class Devices:
    """Installations, and the links (person, device) sorted by person: ``links[offset[p]:offset[p + 1]]``.

    ``remembered``: the login of the owner is kept since before the window. ``shared``: a family's tablet.
    ``stranger``: the phone of a thief, linked to nobody.
    ``from_day``: the first day of use. ``lag_days``: how long after a release its owner updates.
    """

    owner: I32
    platform: I8
    make: I8
    browser: I8
    lag_days: I16
    grey: Mask
    remembered: Mask
    shared: Mask
    stranger: Mask
    from_day: I16
    place: I16
    link_offset: I64
    link_device: I32

    def __len__(self) -> int:
        return len(self.owner)

    def choose(self, dice: Dice, salt: str, keys: Ints, person: Ints, day: Ints) -> I32:
        """The device a person takes for a visit: mostly the first one, never one not yet bought."""
        first = self.link_offset[person]
        count = self.link_offset[person + 1] - first
        u = dice.uniform(salt, keys)
        other = np.minimum(1 + (u / 0.35 * np.maximum(count - 1, 1)).astype(np.int64), count - 1)
        chosen = self.link_device[first + np.where((u < 0.35) & (count > 1), other, 0)]
        return np.where(self.from_day[chosen] <= day, chosen, self.link_device[first]).astype(np.int32)


def make_devices(config: SimulationConfig, dice: Dice, people: People) -> Devices:
    """Give everybody a first device, some a second and a new phone, some families a tablet, the ring
    its nine."""
    ids = np.arange(len(people), dtype=np.int64)
    alone = ~people.ring
    members, family = _families(dice, people)
    groups = [
        _Group(ids[alone], _first_platform(dice, ids[alone])),
        _second(dice, ids[alone & people.may_register]),
        _new_phone(config, dice, ids[alone & (people.kind >= CUSTOMER)]),
        _Group(members[np.unique(family, return_index=True)[1]], None, tablet=True),
        _Group(ids[people.ring][: RING.devices], None, ring=True),
        _strangers(config, people),
    ]
    owner = np.concatenate([g.owner for g in groups]).astype(np.int32)
    starts = np.cumsum([0] + [len(g.owner) for g in groups])
    links = [(g.owner, np.arange(starts[i], starts[i + 1])) for i, g in enumerate(groups[:3])]
    links.append((members, starts[3] + family))
    ring = ids[people.ring]
    links.append((ring, starts[4] + np.arange(len(ring)) % RING.devices))
    return _assemble(dice, people, groups, owner, links)


@dataclass(frozen=True)
class _Group:
    owner: I64
    platform: I8 | None
    tablet: bool = False
    ring: bool = False
    stranger: bool = False
    from_day: I64 | None = None


def _first_platform(dice: Dice, ids: I64) -> I8:
    weights = np.array([0.22, 0.43, 0.03, 0.20, 0.12])
    return dice.pick("first platform", ids, weights).astype(np.int8)


def _second(dice: Dice, ids: I64) -> _Group:
    chosen = ids[dice.chance("second device", ids, 0.34)]
    first = _first_platform(dice, chosen)
    other = dice.pick("second platform", chosen, np.array([0.10, 0.18, 0.12, 0.30, 0.24, 0.06])).astype(
        np.int8
    )
    return _Group(chosen, np.where(other == first, np.where(first == H5, ANDROID, H5), other).astype(np.int8))


def _new_phone(config: SimulationConfig, dice: Dice, ids: I64) -> _Group:
    chosen = ids[dice.chance("new phone", ids, 0.06)]
    platform = np.where(dice.chance("new phone kind", chosen, 0.3), IOS, ANDROID).astype(np.int8)
    return _Group(chosen, platform, from_day=dice.between("new phone day", chosen, 1, config.days + 1))


def _strangers(config: SimulationConfig, people: People) -> _Group:
    """Phones far away for the accounts that are taken over; their nominal owner only says where they
    are not."""
    count = TAKEOVER.victims if TAKEOVER.spell.happens(config) else 0
    far = np.flatnonzero(people.place >= places().local)[:count].astype(np.int64)
    return _Group(
        far, None, stranger=True, from_day=np.full(len(far), config.day_before(TAKEOVER.spell.first))
    )


def _families(dice: Dice, people: People) -> tuple[I64, I64]:
    """People who share a tablet, and the number of their family (two to four people each)."""
    ids = np.arange(len(people), dtype=np.int64)
    members = ids[dice.chance("family", ids, 0.03) & (people.kind >= CUSTOMER)]
    size = dice.between("family size", np.arange(len(members)), 2, 5)
    ends = np.cumsum(size)
    family = np.searchsorted(ends, np.arange(len(members)), side="right")
    alone = np.bincount(family, minlength=1)[family] < 2 if len(members) else np.zeros(0, np.bool_)
    return members[~alone], family[~alone]


def _assemble(
    dice: Dice, people: People, groups: list[_Group], owner: I32, links: list[tuple[I64, I64]]
) -> Devices:
    ids = np.arange(len(owner), dtype=np.int64)
    tablet, ring, stranger = (
        np.concatenate([np.full(len(g.owner), getattr(g, name)) for g in groups])
        for name in ("tablet", "ring", "stranger")
    )
    platform = np.concatenate(
        [np.full(len(g.owner), ANDROID, np.int8) if g.platform is None else g.platform for g in groups]
    )
    platform[tablet & dice.chance("ipad", ids, 0.45)] = IOS
    from_day = np.concatenate(
        [np.zeros(len(g.owner), np.int64) if g.from_day is None else g.from_day for g in groups]
    )
    keeps = np.isin(platform, (IOS, ANDROID)) & ~tablet & ~ring & (from_day == 0)
    remembered = keeps & (people.kind[owner] >= CUSTOMER) & dice.chance("remembered", ids, 0.8)
    person = np.concatenate([p for p, _ in links])
    device = np.concatenate([d for _, d in links])
    order = np.argsort(person, kind="stable")
    offset = np.searchsorted(person[order], np.arange(len(people) + 1))
    return Devices(
        owner=owner,
        platform=platform.astype(np.int8),
        make=_makes(dice, ids, platform, tablet),
        browser=_browsers(dice, ids, platform),
        lag_days=np.minimum(dice.lognormal("lag", ids, 3.5, 1.3), 400).astype(np.int16),
        grey=dice.chance("grey", ids, _GREY_SHARE),
        remembered=remembered,
        shared=tablet,
        stranger=stranger,
        from_day=from_day.astype(np.int16),
        place=people.place[owner],
        link_offset=offset.astype(np.int64),
        link_device=device[order].astype(np.int32),
    )


def _makes(dice: Dice, ids: I64, platform: I8, tablet: Mask) -> I8:
    u = dice.uniform("make", ids)
    first, count = (np.full(len(ids), part) for part in _DROID_ROWS)
    apple = (platform == IOS) | (np.isin(platform, (H5, MINI)) & dice.chance("apple", ids, 0.35))
    for mask, rows in ((apple, _APPLE_ROWS), (tablet, _TABLET_ROWS), (platform == WEB, _DESK_ROWS)):
        first[mask], count[mask] = rows
    make = first + (u * count).astype(np.int64)
    make[tablet] = _TABLET_ROWS[0] + (platform[tablet] == ANDROID)
    return np.asarray(make, np.int8)


def _browsers(dice: Dice, ids: I64, platform: I8) -> I8:
    h5 = dice.pick("h5 browser", ids, np.array([0.18, 0.15, 0.24, 0.28, 0.11, 0.04, 0.0]))
    web = dice.pick("web browser", ids, np.array([0.48, 0.08, 0.0, 0.0, 0.04, 0.12, 0.28]))
    return np.where(platform == H5, h5, np.where(platform == WEB, web, NONE)).astype(np.int8)


def app_versions(config: SimulationConfig, devices: Devices, device: Ints, day: Ints) -> I8:
    """The version code running on each device on each day."""
    version = np.zeros(len(device), np.int8)
    platform, lag, grey = devices.platform[device], devices.lag_days[device], devices.grey[device]
    for kind, releases in _RELEASES.items():
        held = platform == kind
        hosted = kind in (H5, WEB, MINI)  # served by us: everybody has it the next day
        for name, days_ago in releases:
            since = config.day_before(days_ago) + (np.int16(0) if hosted else lag)
            updated = held & ((day >= since) | (days_ago >= 999))
            if (kind, name) == (ANDROID, "8.3.1"):
                updated &= grey
            version[updated] = code("$app_version", name)
    return version
