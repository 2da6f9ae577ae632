"""Knowledge that several back ends share."""
