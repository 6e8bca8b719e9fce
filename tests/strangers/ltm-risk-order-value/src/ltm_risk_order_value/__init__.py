"""The risk rule `order_value`: it limits what one order may be worth."""
