"""`make new`: a model's folder from a table, with what was guessed and what is doubted."""
