"""What every REST endpoint shares: authentication, strict input, limits, paging, errors, repeatable writes."""
