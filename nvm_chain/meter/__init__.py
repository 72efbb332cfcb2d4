"""The meter: what a request signs, who may use it, and what it costs. This room knows neither HTTP nor a database."""
