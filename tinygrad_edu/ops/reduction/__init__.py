"""Operations that take axes away: sums, extrema, means, quantiles."""
