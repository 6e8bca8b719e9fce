"""
Currency codes that a session can be counted in: ISO 4217, and the coins that exchanges quote in.
"""

from __future__ import annotations

from typing import Final

_ISO: Final = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CLP CNH CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
    LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR
    PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP
    TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
"""
_COINS: Final = "BTC ETH BNB SOL XBT USDT USDC USDE USDS DAI BUSD TUSD FDUSD PYUSD EURC EURT"
_KNOWN: Final = frozenset(_ISO.split()) | frozenset(_COINS.split())


def is_currency(code: str) -> bool:
    """
    Return whether a session can be counted in this currency.
    """
    return code in _KNOWN
