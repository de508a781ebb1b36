"""The values a property may take, in the order of their codes."""

from __future__ import annotations

from xingji.loan.geography import places
from xingji.loan.organisations import organisations
from xingji.loan.plan import PLAN, Property

PRODUCTS = ("愉快贷", "愉悦贷", "房快贷", "税快贷", "房快借")
PLEASANT, JOYFUL, HOUSE, TAX, HOUSE_FAST = range(5)

# page: path; the order fixes the page codes
PAGES: dict[str, str] = {
    "首页": "/home", "贷款频道": "/loan", "产品详情": "/loan/product", "额度测算": "/loan/estimate",
    "申请表单": "/loan/apply/form", "身份证识别": "/loan/apply/idcard", "人脸识别": "/loan/apply/face",
    "征信授权": "/loan/apply/credit", "税务授权": "/loan/apply/tax", "押品信息": "/loan/apply/collateral",
    "审批进度": "/loan/progress", "签约": "/loan/sign", "提款": "/loan/drawdown", "还款": "/loan/repay",
    "我的贷款": "/my/loan", "客服": "/service",
}  # fmt: skip
(
    HOME,
    CHANNEL,
    DETAIL,
    ESTIMATE,
    FORM,
    ID_CARD,
    FACE,
    CREDIT,
    TAX_PAGE,
    COLLATERAL,
    PROGRESS,
    SIGN,
    DRAW,
    REPAY,
    MY_LOANS,
    SERVICE,
) = range(16)

_APP_VERSIONS = (
    "8.1.0", "8.2.0", "8.2.2", "8.3.0", "8.3.1",  # android, ios
    "2.5.8", "2.6.0", "2.6.3",  # mini-programme
    "5.11.0", "5.12.0", "5.12.1",  # h5 and web
    "3.4.2",  # branch pad
)  # fmt: skip

_OPEN_VALUES: dict[str, tuple[str, ...]] = {
    "$app_version": _APP_VERSIONS,
    "$os_version": ("18.5", "17.6", "26.1", "15", "14", "13", "12", "5.0", "4.2", "11", "10", "15.1"),
    "$brand": ("Apple", "HUAWEI", "Xiaomi", "OPPO", "vivo", "HONOR", "Lenovo"),
    "$model": (
        "iPhone 13",
        "iPhone 14",
        "iPhone 15",
        "iPhone 16 Pro",
        "iPad 10",
        "Mate 60",
        "Pura 70",
        "nova 12",
        "Redmi K70",
        "Redmi Note 13",
        "Xiaomi 14",
        "OPPO A3",
        "OPPO Reno12",
        "vivo Y100",
        "vivo X100",
        "HONOR 90",
        "HONOR X50",
        "MatePad 11",
        "PC",
    ),
    "$browser_version": ("126.0", "131.0", "18.1", "8.0.50", "16.8.0", "15.2", "14.1"),
    "$sdk_version": ("android-2.4.1", "ios-2.4.0", "web-1.9.3", "mp-1.6.2", "server-1.3.0"),
    "$utm_source": ("feed_a", "feed_b", "search_b", "partner_c"),
    "$utm_campaign": ("feed_daily", "feed_burst_01", "search_brand", "partner_03"),
    "$ip_district": places().districts[: places().local],
    "material_id": tuple(f"MT{n:04d}" for n in range(1, 41)),
    "element_id": (),  # filled by the pages' own table, see ``elements``
    "element_text": (),
    "error_code": (
        "OCR_TIMEOUT",
        "OCR_BLUR",
        "OCR_GLARE",
        "OCR_EXPIRED_ID",
        "JS_TYPE_ERROR",
        "JS_UNDEFINED",
        "NATIVE_CRASH",
        "ANR_INPUT",
        "HTTP_502",
        "HTTP_504",
        "NET_TIMEOUT",
    ),
    "api_name": (
        "/api/loan/estimate",
        "/api/apply/ocr",
        "/api/apply/face",
        "/api/apply/credit",
        "/api/sms/code",
        "/api/loan/drawdown",
        "/api/loan/list",
    ),
    "policy_version": ("2026.1", "2026.2"),
    "authorize_version": ("V3.1", "V3.2"),
    "term_months": (),
    "collateral_district": places().districts,
    "home_district": places().districts,
    "mobile_masked": (),
}

_BY_REFERENCE: dict[str, tuple[str, ...]] = {
    "见 §6": tuple(PAGES),
    "31 个省级": places().provinces,
    "GB/T 2260": places().cities,
    "机构树": (),
    "总行/一级分行": organisations().paths,
}


def _allowed(item: Property) -> tuple[str, ...]:
    if item.name == "$path":
        return tuple(PAGES.values())
    if item.name.endswith("manager_no"):
        return organisations().managers
    if item.name.endswith("org_l1"):
        return organisations().first_levels
    if item.name.endswith("org_l2"):
        return organisations().branches
    if item.name in _OPEN_VALUES:
        return _OPEN_VALUES[item.name]
    for mark, values in _BY_REFERENCE.items():
        if item.allowed.startswith(mark):
            return values
    if item.allowed.startswith("同 "):
        return ()
    return tuple(value.strip() for value in item.allowed.split("；")[0].split("/"))


def _vocabulary() -> dict[str, tuple[str, ...]]:
    """Allowed values per property name, the union over the events that carry it."""
    table: dict[str, dict[str, None]] = {}
    every = [*PLAN.common, *(p for event in PLAN.events for p in event.properties), *PLAN.user]
    for item in every:
        if item.kind in ("枚举", "字符串"):
            table.setdefault(item.name, {}).update(dict.fromkeys(_allowed(item)))
    table["position"]["direct"] = None
    table["first_channel"] = table["channel"]
    return {name: tuple(values) for name, values in table.items()}


VALUES: dict[str, tuple[str, ...]] = _vocabulary()
EVENTS = PLAN.event_names
_CODES = {name: {value: code for code, value in enumerate(values)} for name, values in VALUES.items()}
_EVENT_CODES = {name: code for code, name in enumerate(EVENTS)}


def code(name: str, value: str) -> int:
    """The code of a property's value; KeyError if the plan does not allow it."""
    return _CODES[name][value]


def codes(name: str, *values: str) -> tuple[int, ...]:
    """The codes of several values of one property."""
    return tuple(_CODES[name][value] for value in values)


def event(name: str) -> int:
    """The code of an event of the plan."""
    return _EVENT_CODES[name]
