"""The alert sink `syslog`: alerts to a syslog server over TCP."""
