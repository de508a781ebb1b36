"""Opening, looking around, estimating, closing: the events of the blocks before a login and at the end."""

from __future__ import annotations

import numpy as np

from xingji.loan.arrays import I64, NONE
from xingji.loan.dice import field
from xingji.loan.organisations import MANAGERS_PER_OUTLET
from xingji.loan.scene import Scene
from xingji.loan.visits import (
    BLOCKS,
    CHANNEL_PAGE,
    CLOSE,
    DETAIL2,
    DETAIL_PAGE,
    ESTIMATE_PAGE,
    HOME_PAGE,
    OPEN,
    SCAN,
    has,
)  # fmt: skip
from xingji.loan.vocabulary import CHANNEL, DETAIL, ESTIMATE, HOME, code, codes

_COLD, _HOT = codes("start_type", "cold", "hot")
_ICON, _PUSH, _DEEPLINK, _SCAN = codes("launch_source", "icon", "push", "deeplink", "scan")
_BANNER, _HOME_ICON, _POPUP, _LIST, _SMS_LANDING, _MENU, _DIRECT = codes(
    "position", "home_banner", "home_icon", "popup", "loan_channel", "sms_landing", "wechat_menu", "direct"
)
SHOWN_RATE = np.array([7.20, 4.80, 3.60, 4.50, 5.60])
_SUCCESS, _FAIL = codes("result", "success", "fail")
_FEED = code("channel", "feed_ads")
_ESTIMATES = np.array([30, 80, 600, 200, 150])
_NO_ESTIMATE = np.array([0.10, 0.16, 0.20, 0.18, 0.18])
_WHY_NOT = np.array(
    [
        codes("fail_reason", "age", "existing_loan", "region"),
        codes("fail_reason", "no_housing_fund", "existing_loan", "region"),
        codes("fail_reason", "no_property", "region", "existing_loan"),
        codes("fail_reason", "no_tax_data", "region", "existing_loan"),
        codes("fail_reason", "no_property", "region", "system"),
    ]
)


def browse(scene: Scene) -> None:
    """All blocks of looking around."""
    _open(scene)
    _home(scene)
    _scan(scene)
    _channel(scene)
    _detail(scene, DETAIL_PAGE, scene.visits.product.astype(np.int64))
    _estimate(scene)
    other = (scene.visits.product + 1 + field(scene.world.dice.bits("other", scene.visits.key), 0, 4)) % 5
    _detail(scene, DETAIL2, other)


def _open(scene: Scene) -> None:
    rows = scene.rows(OPEN)
    bits = scene.world.dice.bits("open", scene.keys(rows))
    source = np.where(scene.visits.reach[rows] != NONE, _DEEPLINK, _ICON)
    source = np.where(scene.visits.channel[rows] == code("channel", "push"), _PUSH, source)
    source = np.where(has(scene.visits, SCAN)[rows], _SCAN, source)
    start = np.where(field(bits, 0, 10) < 7, _COLD, _HOT)
    launch = np.where(start == _COLD, 700 + 100 * field(bits, 1, 12), 200 + 50 * field(bits, 1, 6))
    scene.tell(
        "$app_start", rows, scene.begin(OPEN, rows), start_type=start, launch_ms=launch, launch_source=source
    )


def _impress(scene: Scene, rows: I64, time: I64, product: I64, position: int, rank: int, page: int) -> None:
    material = (product * 8 + rank + scene.visits.channel[rows]) % 40
    scene.tell(
        "product_impression",
        rows,
        time,
        page,
        product=product,
        position=np.full(len(rows), position, np.int8),
        position_rank=np.full(len(rows), rank, np.int8),
        material_id=material,
    )
    config, key = scene.world.config, scene.keys(rows)
    early = np.flatnonzero(time < config.midnight_ms(config.day_before(60)))
    scene.ledger.note("impression", scene.world.user_of(key[early], time[early]), product[early], time[early])
    fed = scene.visits.channel[rows] == _FEED
    scene.ledger.note("feed impression", time[fed])


def _home(scene: Scene) -> None:
    rows = scene.rows(HOME_PAGE)
    begin, end = scene.begin(HOME_PAGE, rows), scene.end(HOME_PAGE, rows)
    product = scene.visits.product[rows].astype(np.int64)
    _impress(scene, rows, begin + 1_150, product, _BANNER, 1, HOME)
    second = scene.chance("home second", rows, 0.55)
    _impress(scene, rows[second], begin[second] + 1_900, (product[second] + 1) % 5, _HOME_ICON, 2, HOME)
    popup = scene.chance("popup", rows, 0.12)
    _impress(scene, rows[popup], begin[popup] + 2_700, (product[popup] + 2) % 5, _POPUP, 1, HOME)
    scene.tap(rows, "home_loan_icon", end - 500, scene.chance("home tap", rows, 0.62))
    scene.show(rows, HOME, begin, end)


def _scan(scene: Scene) -> None:
    rows = scene.rows(SCAN)
    manager = scene.world.people.manager[scene.visits.person[rows]].astype(np.int64)
    place = scene.world.dice.pick("scan place", scene.keys(rows), np.array([0.55, 0.25, 0.20]))
    scene.tell("referral_scan", rows, scene.begin(SCAN, rows) + 700, manager_no=manager,
               referral_org_path=manager // MANAGERS_PER_OUTLET, scan_place=place)  # fmt: skip


def _channel(scene: Scene) -> None:
    rows = scene.rows(CHANNEL_PAGE)
    begin, end = scene.begin(CHANNEL_PAGE, rows), scene.end(CHANNEL_PAGE, rows)
    seen = 2 + field(scene.world.dice.bits("list", scene.keys(rows)), 0, 4)
    first = scene.visits.product[rows].astype(np.int64)
    for rank in range(1, 6):
        part = np.flatnonzero(seen >= rank)
        product = (first[part] + rank - 1) % 5
        _impress(scene, rows[part], begin[part] + 1_100 + 170 * rank, product, _LIST, rank, CHANNEL)
    scene.tap(rows, "channel_card", end - 450, scene.chance("list tap", rows, 0.7))
    scene.show(rows, CHANNEL, begin, end)


def _detail(scene: Scene, block: int, products: I64) -> None:
    rows = scene.rows(block)
    begin, end, product = scene.begin(block, rows), scene.end(block, rows), products[rows]
    position = np.where(has(scene.visits, CHANNEL_PAGE)[rows], _LIST,
                        np.where(has(scene.visits, HOME_PAGE)[rows], _BANNER, _DIRECT))  # fmt: skip
    channel = scene.visits.channel[rows]
    reached = scene.visits.reach[rows] != NONE
    position = np.where(reached & (channel == code("channel", "sms")), _SMS_LANDING, position)
    position = np.where(reached & (channel == code("channel", "wechat_oa")), _MENU, position)
    time = begin + 420
    scene.tell("view_product", rows, time, DETAIL, product=product, position=position,
               shown_rate_pct=SHOWN_RATE[product])  # fmt: skip
    key = scene.keys(rows)
    scene.ledger.note("view", scene.world.user_of(key, time), product, time, scene.visits.device[rows])
    scene.tap(rows, "detail_fee", begin + 6_000, scene.chance(f"fee {BLOCKS[block]}", rows, 0.25))
    estimates = has(scene.visits, ESTIMATE_PAGE)[rows] & (block == DETAIL_PAGE)
    scene.tap(rows, "detail_estimate", end - 480, estimates)
    applies = has(scene.visits, BLOCKS.index("apply"))[rows]
    scene.tap(rows, "detail_apply", end - 480, ~estimates & (applies | scene.chance("apply tap", rows, 0.1)))
    scene.show(rows, DETAIL, begin, end)


def _estimate(scene: Scene) -> None:
    rows = scene.rows(ESTIMATE_PAGE)
    begin, end = scene.begin(ESTIMATE_PAGE, rows), scene.end(ESTIMATE_PAGE, rows)
    key, product = scene.keys(rows), scene.visits.product[rows].astype(np.int64)
    dice, people = scene.world.dice, scene.world.people
    risky = people.risk[scene.visits.person[rows]]
    fails = dice.uniform("no estimate", key) < _NO_ESTIMATE[product] * (0.6 + 0.8 * risky)
    why = _WHY_NOT[product, dice.pick("why not", key, np.array([0.6, 0.25, 0.15]))]
    steps = 2 + field(dice.bits("estimated", scene.visits.person[rows] * 5 + product), 0, 9)
    fen = _ESTIMATES[product] * steps * 20_000
    rate = np.rint(SHOWN_RATE[product] * 100).astype(np.int64) + 50 * field(dice.bits("er", key), 0, 5)
    time = end - 2_200
    scene.tap(rows, "estimate_go", time - 900)
    scene.tell(
        "quota_estimate", rows, time, ESTIMATE, product=product, result=np.where(fails, _FAIL, _SUCCESS),
        estimated_amount=np.where(fails, NONE, fen), estimated_rate_pct=np.where(fails, NONE, rate),
        fail_reason=np.where(fails, why, NONE),
    )  # fmt: skip
    good = ~fails
    scene.ledger.note("estimate", scene.world.user_of(key[good], time[good]), product[good], time[good])
    scene.show(rows, ESTIMATE, begin, end)


def close(scene: Scene) -> None:
    """The app goes to the background."""
    rows = scene.rows(CLOSE)
    end = scene.offsets.begin[rows, -1]
    seconds = np.rint((end - scene.begin(OPEN, rows)) / 1_000.0)
    scene.tell("$app_end", rows, end, duration_seconds=seconds)
