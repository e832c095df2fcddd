"""Operations that move entries and change none: shapes, joining, tiling."""
