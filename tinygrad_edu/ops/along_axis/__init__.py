"""Operations along one axis: running sums, differences, filters, sorting, polynomials."""
