"""
The alert sink `apprise`: mail, Telegram, Slack, ntfy, WeCom and whatever else apprise speaks to.
"""
