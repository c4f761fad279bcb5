"""What the choice learns from ratings: pure arithmetic, no table and no network.

The rating y (0..1) that a person p gives intervention a of category c in a moment x is taken to be

    y = prior(a, x) + x·w_a + u_p + u_pc + u_pa + noise,   w_a ~ N(m_c, arm),  m_c ~ N(0, category),
    u_p ~ N(0, person²),  u_pc ~ N(0, person_category²),  u_pa ~ N(0, person_arm²),  noise ~ N(0, noise²).

`features` makes x; `regression` holds what everybody shares (one block for each intervention); `effects` what is
one person's own (a few bytes for each intervention tried); `fit` learns both again from the log; `sampling` draws
three offers and says how likely each was.
"""
