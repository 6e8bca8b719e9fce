"""
The four rules as a session gets them: the real plugins, as wide or as tight as a test wants.
"""

from decimal import Decimal

from ltm_risk_daily_loss.config import DailyLossConfig
from ltm_risk_daily_loss.rule import DailyLoss
from ltm_risk_drawdown.config import DrawdownConfig
from ltm_risk_drawdown.rule import Drawdown
from ltm_risk_position_size.config import PositionSizeConfig
from ltm_risk_position_size.rule import PositionSize
from ltm_risk_sector_concentration.config import SectorConcentrationConfig
from ltm_risk_sector_concentration.rule import SectorConcentration

SECTORS = {"AAA": "tech", "BBB": "tech", "CCC": "energy", "DDD": "energy"}


def position_size(limit="1", **more):
    return PositionSize(PositionSizeConfig(max_position_size=Decimal(limit), **more))


def sector(limit="1", sectors=None, **more):
    return SectorConcentration(
        SectorConcentrationConfig(max_sector_fraction=Decimal(limit), sectors=sectors or SECTORS, **more)
    )


def drawdown(limit="0.99", **more):
    return Drawdown(DrawdownConfig(max_drawdown=Decimal(limit), **more))


def daily_loss(limit="0.99", **more):
    return DailyLoss(DailyLossConfig(max_daily_loss=Decimal(limit), **more))


def four(position="1", sectors="1", fall="0.99", loss="0.99"):
    return (position_size(position), sector(sectors), drawdown(fall), daily_loss(loss))
