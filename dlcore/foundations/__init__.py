"""Part I: linear algebra, numerical computation, probability, machine learning basics."""
