"""
The product document's example, complete: a session on the mock broker from its start to its summary.

    python docs/examples/demo_live_trading_manager.py

No money, no network: the mock broker makes up a market that runs in real time while this script does.
"""

from __future__ import annotations

from datetime import datetime

from ltm import (
    LiveTradingConfig,
    LiveTradingManager,
    LoggerSystem,
    PortfolioManager,
    RiskManager,
    Signal,
    TradingAPIAdapter,
)


def signal(stock_code: str, action: str, score: float, confidence: float) -> Signal:
    # A timestamp without offset is this machine's time.
    return Signal(
        stock_code=stock_code,
        action=action,
        score=score,
        confidence=confidence,
        timestamp=datetime.now().isoformat(),  # noqa: DTZ005 - on purpose, see above
    )


def main() -> None:
    logger_system = LoggerSystem()
    logger_system.setup(log_dir="logs", log_level="INFO")

    manager = LiveTradingManager(
        portfolio_manager=PortfolioManager(logger=logger_system),
        risk_manager=RiskManager(
            logger=logger_system,
            sectors={"600519": "consumer staples", "300750": "industrials", "000001": "financials"},
        ),
        trading_api=TradingAPIAdapter(),
        logger=logger_system,
    )
    trading_config = LiveTradingConfig(
        broker="mock",
        credentials={"account": "your_account"},
        max_position_size=0.3,
        max_daily_trades=10,
        stop_loss_pct=0.05,
        take_profit_pct=0.10,
        # The document has 09:30 to 15:00; the demo shall trade at any hour.
        trading_hours={"start": "00:00", "end": "24:00"},
    )

    with manager:
        session = manager.start_live_trading(
            model_id="lgbm_model_v1", initial_capital=100000.0, trading_config=trading_config
        )
        print(f"session {session.session_id} is {session.status}")

        first = signal("600519", "buy", 0.85, 0.90)
        result = manager.execute_trade(session_id=session.session_id, signal=first)
        print(f"{result.action} {result.symbol}: {result.status}, {result.filled_quantity} filled")

        again = manager.execute_trade(session_id=session.session_id, signal=first)
        print(f"the same signal again: {again.status}, and no second order ({again.client_order_id})")

        results = manager.execute_batch_trades(
            session_id=session.session_id,
            signals=[
                signal("600519", "buy", 0.85, 0.90),
                signal("300750", "buy", 0.78, 0.85),
                signal("000001", "sell", 0.45, 0.70),
            ],
        )
        for result in results:
            why = f" ({result.reasons[0].message})" if result.reasons else ""
            print(f"{result.action} {result.symbol}: {result.status}{why}")

        manager.pause_trading(session.session_id)
        denied = manager.execute_trade(session.session_id, signal("300750", "buy", 0.9, 0.9))
        print(f"while paused: {denied.status}, {denied.reasons[0].code}")
        manager.resume_trading(session.session_id)

        alert = manager.check_risk_alerts(session.session_id)
        print(f"risk alert: {alert['severity']}, {alert['message']}" if alert else "no risk alerts")

        portfolio = manager.get_current_positions(session.session_id)
        for position in portfolio.positions.values():
            print(f"{position.symbol}: {position.quantity} at {position.average_entry_price}")

        for limit in manager.get_trading_status(session.session_id).limits:
            print(
                f"limit {limit.rule} {limit.symbol or ''}: {limit.measured} of {limit.limit}, {limit.state}"
            )

        summary = manager.stop_trading(session.session_id)
        print(f"{summary['orders']} orders, {summary['denied']} denied, equity {summary['equity']}")
    logger_system.close()


if __name__ == "__main__":
    main()
