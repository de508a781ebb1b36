"""What can be tapped on each page, and where its middle lies."""

from __future__ import annotations

import numpy as np

from xingji.loan.arrays import F64
from xingji.loan.vocabulary import PAGES

# page: (element, its text, middle as share of the page's width, middle in pixels from the top)
_ELEMENTS: dict[str, tuple[tuple[str, str, float, int], ...]] = {
    "首页": (
        ("home_banner", "主推贷款", 0.50, 180),
        ("home_loan_icon", "贷款", 0.26, 420),
        ("home_mine", "我的", 0.90, 1580),
    ),
    "贷款频道": (("channel_card", "查看详情", 0.78, 360), ("channel_help", "帮助", 0.92, 64)),
    "产品详情": (
        ("detail_estimate", "测一测额度", 0.30, 1460),
        ("detail_apply", "立即申请", 0.72, 1460),
        ("detail_fee", "利率与费用说明", 0.50, 860),
    ),
    "额度测算": (("estimate_go", "开始测算", 0.50, 1210),),
    "申请表单": (("form_next", "下一步", 0.50, 1480), ("form_cancel", "放弃申请", 0.14, 64)),
    "身份证识别": (("idcard_shoot", "拍摄身份证", 0.50, 1320),),
    "人脸识别": (("face_begin", "开始识别", 0.50, 1400),),
    "征信授权": (("credit_agree", "同意并继续", 0.50, 1500), ("credit_text", "征信查询授权书", 0.50, 620)),
    "税务授权": (("tax_agree", "去授权", 0.50, 1440),),
    "押品信息": (("collateral_next", "提交房产信息", 0.50, 1500),),
    "审批进度": (("progress_refresh", "刷新", 0.90, 64),),
    "签约": (("sign_agree", "同意并签约", 0.50, 1520),),
    "提款": (("draw_go", "确认提款", 0.50, 1500),),
    "还款": (("repay_go", "立即还款", 0.50, 1460),),
    "我的贷款": (("loan_card", "查看借据", 0.62, 420), ("loan_repay", "去还款", 0.80, 700)),
    "客服": (("service_send", "发送", 0.90, 1560), ("service_agent", "转人工", 0.50, 1380)),
}

_ROWS = [(page, *row) for page, (name, rows) in enumerate((p, _ELEMENTS[p]) for p in PAGES) for row in rows]
ELEMENT_IDS = tuple(row[1] for row in _ROWS)
ELEMENT_TEXTS = tuple(dict.fromkeys(row[2] for row in _ROWS))
TEXT_OF = np.array([ELEMENT_TEXTS.index(row[2]) for row in _ROWS], np.int16)
MIDDLE_X: F64 = np.array([row[3] for row in _ROWS])
MIDDLE_Y: F64 = np.array([float(row[4]) for row in _ROWS])
PAGE_OF = np.array([row[0] for row in _ROWS], np.int8)


def element(name: str) -> int:
    """The code of an element."""
    return ELEMENT_IDS.index(name)
