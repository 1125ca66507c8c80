"""Money in and money back, through the payment gateway."""
