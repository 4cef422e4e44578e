"""The price list that the project ships."""

from pathlib import Path

from services.voice_server.domain.cost import Prices

FILE = Path(__file__).parents[2] / "config" / "prices.json"
PRICES = Prices.model_validate_json(FILE.read_bytes())
