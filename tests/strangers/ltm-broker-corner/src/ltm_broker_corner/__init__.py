"""The broker `corner`: an adapter for the Corner Exchange, and the exchange itself for one's own machine."""
