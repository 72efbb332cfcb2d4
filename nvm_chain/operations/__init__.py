"""Operations on chain, such as orders, mints and settlements."""
