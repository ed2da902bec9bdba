"""Any reports, in any order, through the services that take them in, beside a simple model.

``table`` is the model's own state table, ``reference`` an account as the model keeps it, ``steps``
what may happen, ``venue`` the reports that a step makes, ``desk`` the product's account on
PostgreSQL, ``tally`` what was counted.
"""
