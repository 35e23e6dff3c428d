"""Part III: models that explain data by causes nobody has observed."""
