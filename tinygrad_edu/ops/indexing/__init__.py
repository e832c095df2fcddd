"""Operations that read or write entries by position."""
