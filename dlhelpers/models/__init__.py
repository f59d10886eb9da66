"""Networks that earlier lectures have built, one family a file."""
