"""See how cryo-EM particles spread over views, from 2D class averages, and balance them."""
