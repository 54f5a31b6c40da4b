from hypothesis import settings

# same examples in every run, and no deadline: a busy machine is no failure
settings.register_profile("calm", deadline=None, derandomize=True)
settings.load_profile("calm")
